"""The closed sets of values of mails, receivers and sending records. Stored values never change."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class MailKind(models.TextChoices):
    """Why a mail exists."""

    MAIL = "mail", _("Mail")
    """Asked for by a task, a command, the HTTP API or the compose form."""
    TEST = "test", _("Test mail")
    """Sent by Send Test Mail; tried once, never retried."""


class Priority(models.IntegerChoices):
    """Which mail goes first. Some of the other goes too: nothing starves."""

    BULK = 0, _("Bulk")
    """Mass mail: nobody waits for it."""
    NORMAL = 1, _("Normal")
    """What a task or a person sends."""
    HIGH = 2, _("High")
    """Somebody waits for it, such as a sign-in code."""


class MailState(models.TextChoices):
    """Where a mail stands: the roll-up of its receivers. See docs/architecture.md for who moves it on."""

    QUEUED = "queued", _("Waiting")
    """Accepted; a worker takes it when it is due."""
    SENDING = "sending", _("Sending")
    """Claimed by one worker under a lease; the sweep takes it back when the lease is over."""
    RETRY = "retry", _("Waiting to be tried again")
    """A try failed for now; a worker takes it again when it is due."""
    SENT = "sent", _("Sent")
    """The server accepted it for every receiver. Final."""
    PARTLY_SENT = "partly_sent", _("Sent to some receivers")
    """The server accepted it for some receivers and finally refused the others. Final."""
    FAILED = "failed", _("Failed")
    """Finally refused for every receiver, or never sendable. Final."""
    EXPIRED = "expired", _("Given up")
    """Its time to give up passed before any server accepted it. Final."""
    UNCERTAIN = "uncertain", _("May have arrived")
    """A try ended after the point of no return without a reply, and policy holds it for a person."""
    CANCELLED = "cancelled", _("Cancelled")
    """A person cancelled it before the point of no return. Final."""

    @property
    def result(self) -> "ResultClass":
        """The coarse result that this state is shown as."""
        match self:
            case MailState.QUEUED | MailState.SENDING | MailState.RETRY:
                return ResultClass.OPEN
            case MailState.SENT:
                return ResultClass.SUCCESS
            case MailState.PARTLY_SENT | MailState.UNCERTAIN:
                return ResultClass.UNCERTAIN
            case _:
                return ResultClass.FAILED


class Packing(models.IntegerChoices):
    """How the bytes of a body are stored."""

    PLAIN = 0, _("As they are")
    """As they go over the wire."""
    ZLIB = 1, _("Compressed")
    """Compressed by zlib."""


class ReceiverKind(models.TextChoices):
    """The header field in which a receiver stands."""

    TO = "to", _("To")
    """Named in the To field."""
    CC = "cc", _("Cc")
    """Named in the Cc field."""
    BCC = "bcc", _("Bcc")
    """In the envelope only; never in a header (RFC 5322 §3.6.3)."""


class ReceiverState(models.TextChoices):
    """Where delivery to one forward-path stands."""

    PENDING = "pending", _("Waiting")
    """Not yet accepted or refused."""
    ACCEPTED = "accepted", _("Success")
    """The server took responsibility with a 250 after the data (RFC 5321 §6.1). Final."""
    ARRIVED = "arrived", _("Arrived, says a person")
    """No server said that it took the mail: a person did, of what may have arrived. Final."""
    REFUSED = "refused", _("Failed")
    """A permanent refusal, or the mail could not be sent. Final."""
    EXPIRED = "expired", _("Given up")
    """The mail's time to give up passed. Final."""
    CANCELLED = "cancelled", _("Cancelled")
    """The mail was cancelled. Final."""
    UNCERTAIN = "uncertain", _("May have arrived")
    """A try ended without a reply after the point of no return, and policy holds it for a person. Final."""

    @property
    def result(self) -> "ResultClass":
        """The coarse result that this state is shown as."""
        match self:
            case ReceiverState.PENDING:
                return ResultClass.OPEN
            case ReceiverState.ACCEPTED | ReceiverState.ARRIVED:
                return ResultClass.SUCCESS
            case ReceiverState.UNCERTAIN:
                return ResultClass.UNCERTAIN
            case _:
                return ResultClass.FAILED

    @property
    def is_served(self) -> bool:
        """Tell whether the receiver has the mail, and needs no other."""
        return self.result == ResultClass.SUCCESS


class Phase(models.TextChoices):
    """The step of an SMTP session (RFC 5321 §3) in which something happened."""

    RESOLVE = "resolve", _("Resolve host name")
    """Turning the host name into addresses, and checking that they may be dialled."""
    CONNECT = "connect", _("Connect to port")
    """The TCP connection."""
    TLS = "tls", _("Secure connection")
    """The TLS handshake, implicit or after STARTTLS."""
    GREETING = "greeting", _("Server greeting")
    """The 220 greeting and EHLO."""
    AUTH = "auth", _("Sign in")
    """AUTH (RFC 4954)."""
    MAIL = "mail", _("Sender")
    """MAIL FROM: the reverse-path."""
    RCPT = "rcpt", _("Receiver")
    """RCPT TO: a forward-path."""
    DATA = "data", _("Content")
    """DATA, the content, and the final dot with its reply."""


class Outcome(models.TextChoices):
    """How one try at one receiver ended."""

    SENDING = "sending", _("Sending")
    """Open: the try is under way."""
    ACCEPTED = "accepted", _("Success")
    """The server said 250 after the data."""
    REFUSED = "refused", _("Failed")
    """A permanent reply, 5yz: not tried again."""
    DEFERRED = "deferred", _("Failed for now")
    """A transient reply, 4yz: tried again later."""
    NOT_CONNECTED = "not_connected", _("Not connected")
    """The session failed before this mail's turn: tried again, no attempt spent."""
    LOST = "lost", _("Interrupted")
    """The worker died before the point of no return: certainly not delivered; tried again."""
    UNKNOWN = "unknown", _("May have arrived")
    """No reply after the point of no return: it may or may not have been delivered."""
    SKIPPED = "skipped", _("Not sent")
    """Never tried; the reason says why (mail not configured, sender deleted, cancelled, given up)."""
    SUPPRESSED = "suppressed", _("Suppressed")
    """Never tried because this receiver is not to be mailed; the reason says why."""

    @property
    def result(self) -> "ResultClass":
        """The coarse result that this outcome counts as."""
        match self:
            case Outcome.SENDING:
                return ResultClass.OPEN
            case Outcome.ACCEPTED:
                return ResultClass.SUCCESS
            case Outcome.UNKNOWN:
                return ResultClass.UNCERTAIN
            case _:
                return ResultClass.FAILED


class SkipReason(models.TextChoices):
    """Why a receiver was not tried at all."""

    NOT_CONFIGURED = (
        "not_configured",
        _("Mail is not configured: no sender was named and there is no system default sender."),
    )
    SENDER_DISABLED = "sender_disabled", _("The sender account is disabled.")
    SENDER_DELETED = "sender_deleted", _("The sender account was deleted while the mail was waiting.")
    SECRET_UNREADABLE = "secret_unreadable", _("The stored password cannot be decrypted with the present keys.")
    CANCELLED = "cancelled", _("Cancelled before it was sent.")
    EXPIRED = "expired", _("Its time to give up passed before a server accepted it.")
    HANDED_OVER = "handed_over", _("Its sender account could not send it, so another account took it over.")
    HANDED_BACK = "handed_back", _("Its own sender account took it back.")
    ORIGINAL_UNREADABLE = (
        "original_unreadable",
        _("The sealed original of the mail can't be opened, and its masked copy is never sent."),
    )


class ResultClass(models.TextChoices):
    """The coarse sending result that the record list filters by."""

    SUCCESS = "success", _("Success")
    """Accepted by the server."""
    FAILED = "failed", _("Failed")
    """Refused, deferred, not connected, interrupted, not sent or suppressed."""
    UNCERTAIN = "uncertain", _("May have arrived")
    """Unknown: no reply after the point of no return."""
    OPEN = "open", _("Sending")
    """Under way."""

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcomes that count as this result."""
        return [outcome for outcome in Outcome if outcome.result is self]


class Fault(models.TextChoices):
    """What went wrong in a session, as far as the client can tell.

    With phase and reply it is looked up in the error book.
    """

    NAME_NOT_FOUND = "name_not_found", _("Host name not found")
    """The host name has no address."""
    NAME_SERVER_SILENT = "name_server_silent", _("Name server does not answer")
    """The resolver failed or did not answer in time."""
    ADDRESS_FORBIDDEN = "address_forbidden", _("Address not allowed")
    """The host resolves to an address that may not be dialled."""
    CONNECTION_REFUSED = "connection_refused", _("Connection refused")
    """Nothing listens on that port."""
    CONNECT_TIMEOUT = "connect_timeout", _("No answer to the connection")
    """The TCP connection was not made in time: a firewall, or a wrong port."""
    UNREACHABLE = "unreachable", _("Network unreachable")
    """No route to the address."""
    TLS_NOT_SPOKEN = "tls_not_spoken", _("Server does not speak TLS here")
    """The other side answered the handshake in clear text: SSL and TLS are mixed up."""
    TLS_HANDSHAKE = "tls_handshake", _("TLS handshake failed")
    """No common version or cipher, or the server broke off."""
    CERTIFICATE_SELF_SIGNED = "certificate_self_signed", _("Self-signed certificate")
    """The server's certificate is its own issuer and is not trusted."""
    CERTIFICATE_UNKNOWN_ISSUER = "certificate_unknown_issuer", _("Unknown certificate issuer")
    """The chain ends at a CA that is not trusted."""
    CERTIFICATE_EXPIRED = "certificate_expired", _("Certificate expired")
    """A certificate of the chain is no longer valid."""
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid", _("Certificate not yet valid")
    """A certificate of the chain is not yet valid: often a wrong clock."""
    CERTIFICATE_WRONG_HOST = "certificate_wrong_host", _("Certificate of another host")
    """The certificate does not name the host that was dialled."""
    CERTIFICATE_INVALID = "certificate_invalid", _("Certificate not accepted")
    """Any other verification error."""
    STARTTLS_MISSING = "starttls_missing", _("Server does not offer TLS")
    """TLS is wanted, and EHLO does not announce STARTTLS."""
    NOT_A_MAIL_SERVER = "not_a_mail_server", _("Not a mail server")
    """Something answered that does not speak SMTP."""
    GREETING_TIMEOUT = "greeting_timeout", _("No greeting")
    """The connection stands, and the server says nothing: often SSL wanted where TLS is set."""
    AUTH_MISSING = "auth_missing", _("Server offers no sign-in")
    """EHLO announces no AUTH."""
    AUTH_MECHANISM = "auth_mechanism", _("No common sign-in mechanism")
    """AUTH is announced, with no mechanism that we speak."""
    AUTH_CLEARTEXT = "auth_cleartext", _("Sign-in needs encryption")
    """The server wants encryption before it accepts a sign-in (538, 530)."""
    SMTPUTF8_MISSING = "smtputf8_missing", _("Server cannot take this address")
    """An address needs SMTPUTF8, and the server does not offer it (RFC 6531)."""
    TOO_LARGE = "too_large", _("Mail too large for the server")
    """The mail is larger than the SIZE that the server announced (RFC 1870)."""
    REPLY = "reply", _("Refused by the server")
    """The server said 4yz or 5yz; the reply says why."""
    TIMEOUT = "timeout", _("No answer in time")
    """No reply to a command within its limit, or the deadline of the whole mail passed."""
    DISCONNECTED = "disconnected", _("Connection lost")
    """The server or the network ended the connection."""
    PROTOCOL = "protocol", _("Answer is not SMTP")
    """A reply that is no SMTP reply, or one too long, within a session."""


class Lesson(StrEnum):
    """What a server's reply teaches about how much an account may send."""

    CONNECTIONS = "connections"
    """Fewer connections at once."""
    RATE = "rate"
    """More slowly. A final code does not count as one: it is about the account, and not about the mail."""
    DAY = "day"
    """Nothing more until tomorrow: the account's quota is used up. A final code does not count as one."""


class Remedy(models.TextChoices):
    """The one click that mends a failure, offered beside its explanation. Never done without the click."""

    NONE = "none", _("Nothing to click")
    """What to do lies outside the form, or needs a person's thought."""
    USE_SSL_465 = "use_ssl_465", _("Use SSL on port 465")
    """Set encryption and port to implicit TLS submission (RFC 8314 §7.3)."""
    USE_TLS_587 = "use_tls_587", _("Use TLS on port 587")
    """Set encryption and port to STARTTLS submission (RFC 6409)."""
    USE_TLS_25 = "use_tls_25", _("Use TLS on port 25")
    """Set encryption and port to STARTTLS on the relay port."""
    USE_NO_ENCRYPTION_25 = "use_no_encryption_25", _("Use No Encryption on port 25")
    """Give up encryption: offered only for hosts of the own network."""
    TRUST_CERTIFICATE = "trust_certificate", _("Compare and trust the certificate")
    """Add the certificate to this account, after a person compared its fingerprint."""
    CHECK_HOST = "check_host", _("Correct the mail server")
    """Go to the mail server field."""
    CHECK_ADDRESS = "check_address", _("Correct the sender address")
    """Go to the sender address field."""
    CHECK_LOGIN_NAME = "check_login_name", _("Correct the login name")
    """Go to the choice of the login name."""
    RETYPE_PASSWORD = "retype_password", _("Type the password again")
    """Go to the password field."""
    SIGN_IN = "sign_in", _("Sign in with the sender address")
    """Switch from no sign-in to signing in."""
    SKIP_SIGN_IN = "skip_sign_in", _("Send without signing in")
    """Switch to no sign-in: for internal relays that offer none."""
    SET_EHLO_NAME = "set_ehlo_name", _("Set the EHLO name")
    """Go to the EHLO name in the advanced part of the form."""
    OPEN_GUIDE = "open_guide", _("Open the guide")
    """Open the provider's guide beside the form."""
