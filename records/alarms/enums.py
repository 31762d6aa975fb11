"""The closed sets of values of alarms and webhook calls. Stored values never change."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Severity(models.TextChoices):
    """How soon somebody should look."""

    CRITICAL = "critical", _("Critical")
    """Mail does not go out, or nobody knows whether it does."""
    WARNING = "warning", _("Warning")
    """Mail goes out; it will not for long, or a person is asked to decide."""


class AlarmKind(models.TextChoices):
    """What is wrong. Of each kind at most one alarm is open per sender account, or one in all."""

    SIGN_IN_REFUSED = "sign_in_refused", _("Sign-in refused")
    """The server refused the account's sign-in: its mail is parked until the account is edited or tested well."""
    PASSWORD_UNREADABLE = "password_unreadable", _("Password unreadable")
    """The account's stored password can't be decrypted with the present keys."""
    UNREACHABLE = "unreachable", _("Server not reachable")
    """No session with the account's server could be opened for some minutes: its mail is parked."""
    NOT_CONFIGURED = "not_configured", _("Mail not configured")
    """Mail that named no sender was refused lately, and there is still no system default sender."""
    QUEUE_OLD = "queue_old", _("Queue too old")
    """Mail of an account waits too long after it was due, and nothing explains it: no pause, no limit, no fault."""
    QUOTA_EXHAUSTED = "quota_exhausted", _("Quota used up")
    """The account's mails of today are sent: what waits goes out tomorrow."""
    QUOTA_NEAR = "quota_near", _("Quota nearly used up")
    """Most of the account's mails of today are sent."""
    HELD = "held", _("Mail waits for a decision")
    """Mail may have arrived or not, and is held for a person to decide."""
    CERTIFICATE_EXPIRES = "certificate_expires", _("Certificate expires")
    """A certificate that was added to the account is over soon, and its server will not be trusted then."""

    @property
    def severity(self) -> Severity:
        """How soon somebody should look."""
        return Severity.WARNING if self in _WARNINGS else Severity.CRITICAL


_WARNINGS = {AlarmKind.QUOTA_NEAR, AlarmKind.HELD, AlarmKind.CERTIFICATE_EXPIRES}


class CallEvent(models.TextChoices):
    """What a webhook call tells."""

    RAISED = "raised", _("Raised")
    """An alarm was raised."""
    CLEARED = "cleared", _("Cleared")
    """What it told of is over."""
    TEST = "test", _("Test call")
    """Nothing is wrong: somebody tries whether calls arrive."""


class CallState(models.TextChoices):
    """Where a webhook call stands."""

    WAITING = "waiting", _("Waiting")
    """To be made when it is due; tried again after a failure."""
    DELIVERED = "delivered", _("Delivered")
    """The receiver answered 2xx. Final."""
    GIVEN_UP = "given_up", _("Given up")
    """Its time to give up passed. Final."""


class CallFault(models.TextChoices):
    """Why a try at a webhook call failed."""

    NAME_NOT_FOUND = "name_not_found", _("The host name has no address.")
    """Nothing was dialled."""
    ADDRESS_FORBIDDEN = (
        "address_forbidden",
        _("The address may not be called: link-local, a metadata service, or http:// outside private networks."),
    )
    """Nothing was dialled."""
    CONNECTION_REFUSED = "connection_refused", _("The connection was refused.")
    """Nothing listens there."""
    CERTIFICATE = "certificate", _("The certificate of the receiver is not accepted.")
    """Nothing was sent."""
    TLS = "tls", _("The secure connection failed.")
    """Nothing was sent."""
    TIMEOUT = "timeout", _("No answer in time.")
    """The receiver may have taken it."""
    DISCONNECTED = "disconnected", _("The connection failed or was broken off.")
    """The receiver may have taken it."""
    NOT_HTTP = "not_http", _("The answer is not HTTP.")
    """Something answered that is no web server."""
    REDIRECT = "redirect", _("Redirects are not followed.")
    """The receiver answered 3xx."""
    STATUS = "status", _("The receiver did not take it.")
    """The receiver answered neither 2xx nor 3xx."""
