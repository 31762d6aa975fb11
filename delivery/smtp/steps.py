"""The steps of a session, told to its watcher as they happen, and the border at which errors are translated."""

import logging
import time
from types import TracebackType
from typing import Self

from delivery.exceptions import SessionError
from delivery.smtp.errors import FOREIGN_ERRORS, translate
from delivery.values import Reply, StepEvent, StepStatus, TlsFacts, Watcher
from records.enums import Phase

logger = logging.getLogger(__name__)


class Step:
    """A step that runs; what is found out meanwhile is told when it ends.

    As a context manager it is the border at which the standard library's errors become a `SessionError`.
    """

    __slots__ = ("_begun", "_phase", "_steps", "facts", "failed", "reply", "tls")

    def __init__(self, steps: "Steps", phase: Phase, begun: float, facts: dict[str, str]) -> None:
        """Begin; `begun` is of time.monotonic()."""
        self._steps = steps
        self._phase = phase
        self._begun = begun
        self.facts = facts
        self.tls: TlsFacts | None = None
        self.reply: Reply | None = None
        self.failed = False
        """The step ended badly, and the session goes on: a receiver was refused."""

    def __enter__(self) -> Self:
        """Run."""
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell how it ended.

        Raises:
            SessionError: One of the standard library's errors ended it.
        """
        if error is None:
            self._end(None)
        elif isinstance(error, SessionError):
            self._end(error)
        elif isinstance(error, FOREIGN_ERRORS):
            translated = translate(error, self._phase)
            self._end(translated)
            raise translated from error

    def _end(self, error: SessionError | None) -> None:
        if not self._steps.is_watched:
            return
        status = StepStatus.FAILED if error or self.failed else StepStatus.DONE
        reply = error.reply if error else self.reply
        elapsed = time.monotonic() - self._begun
        self._steps.tell(StepEvent(self._phase, status, elapsed, self.facts, self.tls, reply))


class Steps:
    """Tells the watcher, if there is one. A watcher that raises is heard no more: mail goes on."""

    def __init__(self, watcher: Watcher | None) -> None:
        """Begin to watch."""
        self._watcher = watcher

    @property
    def is_watched(self) -> bool:
        """Whether anyone listens."""
        return self._watcher is not None

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

    def step(self, phase: Phase, *, since: float | None = None, **facts: str) -> Step:
        """Run a step: tell that it begins, how it ended and how long it took.

        Args:
            phase: Which step.
            since: When it began, of time.monotonic(), if a part of it was told before.
            facts: What is known of it already.
        """
        if self._watcher is None:
            return Step(self, phase, 0.0, facts)
        begun = time.monotonic() if since is None else since
        self.tell(StepEvent(phase, StepStatus.RUNNING, facts=dict(facts)))
        return Step(self, phase, begun, facts)
