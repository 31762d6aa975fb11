"""What a running check tells whoever watches it, beside the events of the SMTP session itself."""

from dataclasses import dataclass
from enum import StrEnum

from delivery.values import CertificateFacts, StepEvent
from records.error_book import Failure


class CheckResult(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    """The server said 250 after the test mail's content."""
    FAILED = "failed"
    """A step failed; no test mail was delivered."""
    UNCERTAIN = "uncertain"
    """The content was sent and no answer came: the test mail may have arrived."""
    BROKEN = "broken"
    """The check itself failed, not the mail server; the log says why."""


@dataclass(frozen=True, slots=True)
class ContentSent:
    """The content is with the server, and the final dot goes out next."""

    elapsed: float
    """Seconds since the DATA command."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a check: always told, and always the last event."""

    result: CheckResult
    mail_id: int | None = None
    """The test mail, whose record tells the same; None when it could not be written down."""
    failure: Failure | None = None
    certificates: tuple[CertificateFacts, ...] = ()
    """The chain that the server showed, leaf first, when its certificate was at fault."""


CheckEvent = StepEvent | ContentSent | Verdict
