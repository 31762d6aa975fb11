"""The steps of a session, told to its watcher as they happen, and the border at which errors are translated."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from delivery.exceptions import SessionError
from delivery.smtp.errors import FOREIGN_ERRORS, translate
from delivery.values import Reply, StepEvent, StepStatus, TlsFacts, Watcher
from records.enums import Phase

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Step:
    """What is found out while a step runs; it is told when the step ends."""

    facts: dict[str, str] = field(default_factory=dict)
    tls: TlsFacts | None = None
    reply: Reply | None = None
    failed: bool = False
    """The step ended badly, and the session goes on: a receiver was refused."""


class Steps:
    """Tells the watcher, if there is one. A watcher that raises is heard no more: mail goes on."""

    def __init__(self, watcher: Watcher | None) -> None:
        """Begin to watch."""
        self._watcher = watcher

    def tell(self, event: StepEvent) -> None:
        """Tell one event."""
        if self._watcher is None:
            return
        try:
            self._watcher(event)
        except Exception:  # after the final dot, an error here would make a sent mail look unsent
            logger.exception("The watcher of a session failed")
            self._watcher = None

    def skip(self, phase: Phase) -> None:
        """Tell that a step is no part of this session."""
        self.tell(StepEvent(phase, StepStatus.SKIPPED))

    @contextmanager
    def step(self, phase: Phase, *, since: float | None = None, **facts: str) -> Iterator[Step]:
        """Run a step: tell that it begins, how it ended and how long it took.

        Args:
            phase: Which step.
            since: When it began, of time.monotonic(), if a part of it was told before.
            facts: What is known of it already.

        Raises:
            SessionError: Whatever of the standard library's errors ends the step, translated.
        """
        begun = time.monotonic() if since is None else since
        step = Step(facts)
        self.tell(StepEvent(phase, StepStatus.RUNNING, facts=dict(facts)))
        try:
            yield step
        except FOREIGN_ERRORS as error:
            translated = translate(error, phase)
            self._end(phase, begun, step, translated)
            raise translated from error
        except SessionError as error:
            self._end(phase, begun, step, error)
            raise
        self._end(phase, begun, step, None)

    def _end(self, phase: Phase, begun: float, step: Step, error: SessionError | None) -> None:
        status = StepStatus.FAILED if error or step.failed else StepStatus.DONE
        reply = error.reply if error else step.reply
        self.tell(StepEvent(phase, status, time.monotonic() - begun, step.facts, step.tls, reply))
