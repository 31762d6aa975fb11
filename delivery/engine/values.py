"""Values that pass between the engine's steps: a claim, and what came of a try."""

from dataclasses import dataclass

from delivery.values import ComposedMail, Envelope, Reply, TlsFacts
from records.dialogue.lines import Line
from records.enums import Fault, MailKind, MailState, Outcome, Phase, SkipReason
from senders.models import Sender


@dataclass(frozen=True, slots=True)
class ClaimedReceiver:
    """One forward-path that a claim is to try."""

    receiver_id: int
    forward_path: str
    """The address as it goes into the envelope."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One worker's right to try one mail once: it holds as long as the mail's epoch is this one."""

    mail_id: int
    epoch: int
    kind: MailKind
    state_before: MailState
    attempts: int
    """Counting this one."""
    receivers: tuple[ClaimedReceiver, ...]
    reverse_path: str
    message_id: str
    needs_smtputf8: bool = False
    size: int = 0
    """Bytes of the mail."""
    has_secrets: bool = False
    """What is sent is the sealed original; the stored content is its masked copy, which must never go out."""

    @property
    def is_of_all_receivers(self) -> bool:
        """Tell whether no receiver of the mail was decided before: it was never tried."""
        return self.state_before is MailState.QUEUED

    def compose_with(self, mime: bytes) -> ComposedMail:
        """Put the stored bytes and this try's envelope together."""
        paths = tuple(receiver.forward_path for receiver in self.receivers)
        return ComposedMail(Envelope(self.reverse_path, paths, self.needs_smtputf8), self.message_id, mime)


@dataclass(frozen=True, slots=True)
class Server:
    """The server that a try speaks with, as records and the error book want it."""

    host: str = ""
    port: int = 0
    encryption: str = ""
    login_method: str = ""

    @classmethod
    def of(cls, sender: Sender) -> "Server":
        """Name the server of an account, saved or not."""
        return cls(sender.host, sender.port, sender.encryption, sender.login_method)

    def __str__(self) -> str:
        """Write host and port as they are dialled; empty where no server is known."""
        if not self.host:
            return ""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Ending:
    """How one try at one receiver ended."""

    outcome: Outcome
    phase: Phase | None = None
    fault: Fault | None = None
    reply: Reply | None = None
    skip_reason: SkipReason | None = None


@dataclass(frozen=True, slots=True)
class TryResult:
    """What came of trying one claimed mail."""

    claim: Claim
    endings: dict[int, Ending]
    """By receiver id; a receiver without one counts as lost."""
    server: Server = Server()
    tls: TlsFacts | None = None
    queue_id: str = ""
    costs_attempt: bool = True
    """False where the account was at fault and not the mail."""
    began: float | None = None
    """When the dialogue about this mail began, on `time.monotonic()`; None: there was none."""
    ended: float | None = None
    dialogue: tuple[Line, ...] = ()
    """What was said, where not all went well."""

    @property
    def is_plain_success(self) -> bool:
        """Tell whether the server took the mail for all its receivers: what nearly every try brings."""
        if not self.claim.is_of_all_receivers or not self.endings:
            return False
        return all(ending.outcome is Outcome.ACCEPTED for ending in self.endings.values())

    @classmethod
    def alike(
        cls,
        claim: Claim,
        ending: Ending,
        server: Server,
        *,
        costs_attempt: bool = True,
        dialogue: tuple[Line, ...] = (),
    ) -> "TryResult":
        """Give every receiver of the claim the same ending."""
        endings = {receiver.receiver_id: ending for receiver in claim.receivers}
        return cls(claim, endings, server, costs_attempt=costs_attempt, dialogue=dialogue)
