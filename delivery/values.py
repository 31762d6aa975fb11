"""Values that pass between composer, SMTP session and engine. None of them knows the database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from records.dialogue.lines import Line
from records.enums import Fault, Phase
from senders.certificates import CertificateFacts as CertificateFacts  # noqa: PLC0414  (re-exported)
from senders.enums import Encryption


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an account signs in with. The password never shows in a repr."""

    login: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Everything that is needed to open a session with a mail server; times in seconds."""

    host: str
    port: int
    encryption: Encryption
    credentials: Credentials | None = None
    trusted_certificates: str = ""
    """PEM of the CAs or certificates that are trusted beside the system's own."""
    ehlo_name: str = ""
    """Empty: the machine's FQDN, or an address literal (RFC 5321 §4.1.3)."""
    timeout: float = 30.0
    """Limit of connect and of each command before DATA, seconds."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The envelope of a mail (RFC 5321 §2.3.1)."""

    reverse_path: str
    forward_paths: tuple[str, ...]
    needs_smtputf8: bool = False
    """An address or a header cannot be sent without SMTPUTF8 (RFC 6531)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of a server (RFC 5321 §4.2); text scrubbed of secrets and control characters."""

    code: int
    enhanced_status: str = ""
    """RFC 3463, such as `5.7.8`; empty where the server sent none."""
    text: str = ""

    @property
    def is_positive(self) -> bool:
        """Tell whether the code is 2yz or 3yz."""
        return 200 <= self.code < 400

    @property
    def is_permanent(self) -> bool:
        """Tell whether the code is 5yz."""
        return 500 <= self.code < 600

    def __str__(self) -> str:
        """Write the reply as the server did: code, enhanced status code, text."""
        return " ".join(part for part in (str(self.code), self.enhanced_status, self.text) if part)


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What was agreed in a TLS handshake."""

    version: str
    cipher: str
    certificate: CertificateFacts | None = None


@dataclass(frozen=True, slots=True)
class ComposedMail:
    """A mail as it goes over the wire: composed once, the same bytes in every try."""

    envelope: Envelope
    message_id: str
    """With its angle brackets."""
    mime: bytes = field(repr=False)
    """CRLF line ends, no bare CR or LF, not dot-stuffed."""
    head_size: int = 0
    """So many bytes are header fields of its own; what follows, from Content-Type on, other mails may share."""

    @property
    def head(self) -> bytes:
        """The header fields that are the mail's own."""
        return self.mime[: self.head_size]

    @property
    def body(self) -> bytes:
        """What follows: the header fields of the content, and the content."""
        return self.mime[self.head_size :]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    filename: str
    content: bytes = field(repr=False)
    content_type: str = ""
    """`maintype/subtype`; empty: guessed from the file name."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a caller asks to be composed. Addresses are validated addr-specs (RFC 5322 §3.4.1)."""

    sender_address: str
    display_name: str
    subject: str
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    text: str = ""
    html: str = ""
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReply:
    """What the server finally said of one forward-path in one try."""

    forward_path: str
    accepted: bool
    phase: Phase
    reply: Reply
    fault: Fault = Fault.REPLY
    """`SMTPUTF8_MISSING` or `TOO_LARGE`: refused by us, before MAIL, for what EHLO said; the reply then holds
    the codes of RFC 6531 or RFC 1870 and no text. Else the server's own word."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of handing one mail to an open session (RFC 5321 §3.3)."""

    receivers: tuple[ReceiverReply, ...]
    """One per forward-path whose fate is known in this try."""
    committed: bool
    """The final dot was sent, or may have been."""
    final_reply: Reply | None = None
    """The reply to the final dot; None with `committed` means unknown."""
    fenced: bool = False
    """The caller's fence said no: the dot was withheld and the connection dropped."""
    queue_id: str = ""
    """The server's name for the accepted mail, where its reply tells one."""
    dialogue: tuple[Line, ...] = field(default=(), compare=False, repr=False)
    """What was said, where the server did not take the mail for all receivers."""


class StepStatus(StrEnum):
    """How a step of a watched session stands."""

    RUNNING = "running"
    """Begun."""
    DONE = "done"
    """Ended well."""
    FAILED = "failed"
    """Ended the session."""
    SKIPPED = "skipped"
    """Not part of this session, such as TLS with no encryption."""


@dataclass(frozen=True, slots=True)
class StepEvent:
    """One change of one step, told to the watcher of a session as it happens."""

    phase: Phase
    status: StepStatus
    elapsed: float = 0.0
    """Seconds since the step began."""
    facts: dict[str, str] = field(default_factory=dict)
    """What to show: `addresses`, `peer`, `version`, `cipher`, `banner`, `extensions`, `mechanism`, `path`, `size`,
    `queue_id`."""
    tls: TlsFacts | None = None
    reply: Reply | None = None


Watcher = Callable[[StepEvent], None]
