"""The closed sets of values of a sender account."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Encryption(models.TextChoices):
    """How the connection to the mail server is protected (RFC 8314, RFC 3207)."""

    SSL = "ssl", _("SSL")
    """Implicit TLS: the TLS handshake comes before the server's greeting (RFC 8314 §3.3)."""
    TLS = "tls", _("TLS")
    """STARTTLS: required after EHLO, never optional; without it nothing is sent (RFC 3207)."""
    NONE = "none", _("No Encryption")
    """Cleartext: everything, the password included, can be read on the way."""


class LoginMethod(models.TextChoices):
    """Which name the account signs in with."""

    ADDRESS = "address", _("Sender address")
    """The sender address is the login name: what nearly every provider wants."""
    DISPLAY_NAME = "display_name", _("Displayed name")
    """The displayed name is the login name: the manual's account-name login."""
    LOGIN_NAME = "login_name", _("Another login name")
    """A login name of its own, such as `DOMAIN\\user` for Exchange."""
    NONE = "none", _("No sign-in")
    """No AUTH at all: an internal relay that trusts this machine's IP address."""


class CircuitState(models.TextChoices):
    """Whether mail of a sender account flows, or is parked because the account itself is at fault."""

    CLOSED = "closed", _("Working")
    """Mail flows."""
    OPEN = "open", _("Not reachable")
    """The last session failed before any mail: mail is parked, one probe goes out per interval."""
    REFUSED = "refused", _("Credentials refused")
    """The server refused the sign-in: mail is parked until the account is edited or tested well."""


class UnknownPolicy(models.TextChoices):
    """What follows a try that ended without a reply after the point of no return."""

    SYSTEM = "", _("As the system says")
    """The operator's MAILBOX_UNKNOWN_POLICY."""
    RETRY = "retry", _("Try again")
    """The mail may arrive twice, and its records say so."""
    HOLD = "hold", _("Hold for a person")
    """The mail may not have arrived; a person decides on its page."""
