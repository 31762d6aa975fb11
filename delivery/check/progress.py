"""How the events of a check move its steps on. Knows no network and no database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from delivery.check.events import CheckResult, ContentSent, Verdict
from delivery.check.steps import Step, StepKey, StepState, idle_steps, key_of
from delivery.check.wording import describe, warn
from delivery.values import StepEvent, StepStatus
from records.enums import Phase

if TYPE_CHECKING:
    from delivery.check.events import CheckEvent
    from delivery.values import ServerSettings

_STATES = {
    StepStatus.RUNNING: StepState.RUNNING,
    StepStatus.DONE: StepState.DONE,
    StepStatus.FAILED: StepState.FAILED,
    StepStatus.SKIPPED: StepState.SKIPPED,
}


class Progress:
    """The steps of one check as they stand; sentences are written in the language active at the call."""

    def __init__(self, settings: ServerSettings) -> None:
        """Begin with every step waiting."""
        self._settings = settings
        self._steps = {step.key: step for step in idle_steps(settings.encryption)}
        self._content_seconds: float | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in their order."""
        return tuple(self._steps.values())

    def apply(self, event: CheckEvent) -> tuple[Step, ...]:
        """Move the steps on, and return those that changed, in their order."""
        before = dict(self._steps)
        match event:
            case StepEvent():
                self._apply_step(event)
            case ContentSent():
                self._content_seconds = event.elapsed
                self._put(StepKey.DATA, StepState.DONE, event.elapsed)
                self._put(StepKey.ACCEPTED, StepState.RUNNING)
            case Verdict():
                self._end(event)
        return tuple(step for key, step in self._steps.items() if step != before[key])

    def _apply_step(self, event: StepEvent) -> None:
        if event.phase is Phase.DATA and self._content_seconds is not None:
            self._apply_acceptance(event, self._content_seconds)
            return
        key = key_of(event.phase)
        if event.status is StepStatus.RUNNING and self._steps[key].is_done:
            return  # STARTTLS: the server is greeted once more under TLS, which is no step of its own
        self._put(key, _STATES[event.status], event.elapsed)
        if event.status is StepStatus.FAILED:
            self._steps[key] = replace(self._steps[key], reply=str(event.reply or ""))
        elif event.status is not StepStatus.RUNNING:
            self._steps[key] = replace(
                self._steps[key], details=describe(event, self._settings), warnings=warn(event, self._settings)
            )

    def _apply_acceptance(self, event: StepEvent, content_seconds: float) -> None:
        """Split what the session calls DATA: after the dot it is the acceptance."""
        if event.status is StepStatus.RUNNING:
            return
        self._put(StepKey.ACCEPTED, _STATES[event.status], max(event.elapsed - content_seconds, 0.0))
        step = self._steps[StepKey.ACCEPTED]
        if event.status is StepStatus.FAILED:
            self._steps[step.key] = replace(step, reply=str(event.reply or ""))
            return
        size = describe(event, self._settings)
        self._steps[StepKey.DATA] = replace(self._steps[StepKey.DATA], details=size)
        queue_id = event.facts.get("queue_id", "")
        if queue_id:
            self._steps[step.key] = replace(step, details=(_("Queued as %(name)s") % {"name": queue_id},))

    def _end(self, verdict: Verdict) -> None:
        """Leave no step running or waiting: the check is over."""
        if verdict.result is not CheckResult.PASSED:
            self._mark_failure(verdict)
        for step in self.steps:
            if step.state in (StepState.RUNNING, StepState.WAITING):
                self._steps[step.key] = replace(step, state=StepState.SKIPPED)

    def _mark_failure(self, verdict: Verdict) -> None:
        if any(step.is_failed for step in self.steps):
            return
        key = self._running_key()
        if key is None and verdict.failure is not None and verdict.failure.phase is not None:
            key = key_of(verdict.failure.phase)
        if key is not None:
            self._steps[key] = replace(self._steps[key], state=StepState.FAILED)

    def _running_key(self) -> StepKey | None:
        return next((step.key for step in self.steps if step.is_running), None)

    def _put(self, key: StepKey, state: StepState, seconds: float | None = None) -> None:
        timed = state in (StepState.DONE, StepState.FAILED) and seconds is not None
        elapsed = timedelta(seconds=seconds) if timed and seconds is not None else None
        self._steps[key] = replace(self._steps[key], state=state, elapsed=elapsed)
