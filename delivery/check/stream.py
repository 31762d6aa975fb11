"""A running check as lines of JSON, each with the markup that replaces one step on screen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.template.loader import render_to_string
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from delivery.check.advice import advise
from delivery.check.events import CheckResult, Verdict
from delivery.check.progress import Progress
from delivery.check.steps import StepState
from records.clock import database_now
from senders.sentences import join_sentences
from senders.tested import LatestTest, write_note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from delivery.check.advice import Advice
    from delivery.check.events import CheckEvent
    from delivery.check.order import CheckOrder
    from delivery.check.steps import Step


@dataclass(frozen=True, slots=True)
class Place:
    """Where on screen a check is shown: it decides what its buttons can do."""

    url: str
    """Where the form is sent to be checked again."""
    form_id: str = ""
    """The form that a click mends; empty: there is none, the account's own page mends it."""
    edit_url: str = ""
    shows_records: bool = False
    """The person may see the sending record, so the end of the check links to it."""
    keeps_note: bool = False
    """The form keeps a note of how the check ended until its settings are saved."""

    @property
    def can_mend(self) -> bool:
        """Tell whether there is a form beside the check."""
        return bool(self.form_id)


@dataclass(frozen=True, slots=True)
class Report:
    """A check that has ended, for a page that shows all of it at once."""

    steps: tuple[Step, ...]
    verdict: Verdict
    advice: Advice | None
    place: Place
    receiver: str
    note: str
    """What the form keeps of the check, where it keeps any."""


def stream(events: Iterable[CheckEvent], order: CheckOrder, place: Place) -> Iterator[bytes]:
    """Render the events of a check as they happen, in the language active at the call."""
    return _lines(events, order, place, get_language() or "en")


def report(events: Iterable[CheckEvent], order: CheckOrder, place: Place) -> Report:
    """Wait for the end of a check and sum it up."""
    progress = Progress(order.settings)
    verdict = Verdict(CheckResult.BROKEN)
    for event in events:
        progress.apply(event)
        if isinstance(event, Verdict):
            verdict = event
    return Report(progress.steps, verdict, advise(verdict), place, order.receiver, _note(verdict, order, place))


def _lines(events: Iterable[CheckEvent], order: CheckOrder, place: Place, language: str) -> Iterator[bytes]:
    progress = Progress(order.settings)
    with override(language):
        first = _steps_line(progress)
    yield first
    for event in events:
        # Not around the loop: between two events this thread may render other people's pages.
        with override(language):
            changed = progress.apply(event)
            lines = [_step_line(step) for step in changed]
            if isinstance(event, Verdict):
                lines = [*_final_lines(progress, changed, event, place), _verdict_line(event, order, place)]
        yield b"".join(lines)


def _final_lines(progress: Progress, changed: tuple[Step, ...], verdict: Verdict, place: Place) -> list[bytes]:
    """Render the last changes, and the failed step again with what to do about it."""
    advice = advise(verdict)
    return [
        _step_line(step, advice=advice if step.is_failed else None, place=place)
        for step in progress.steps
        if step.is_failed or step in changed
    ]


def _steps_line(progress: Progress) -> bytes:
    html = render_to_string("delivery/_steps.html", {"steps": progress.steps})
    return _line({"steps": html, "say": _("Testing these settings…")})


def _step_line(step: Step, *, advice: Advice | None = None, place: Place | None = None) -> bytes:
    html = render_to_string("delivery/_step.html", {"step": step, "advice": advice, "place": place})
    return _line({"step": step.key.value, "html": html, "say": _say(step, advice)})


def _verdict_line(verdict: Verdict, order: CheckOrder, place: Place) -> bytes:
    note = _note(verdict, order, place)
    context = {"verdict": verdict, "place": place, "receiver": order.receiver, "note": note}
    html = render_to_string("delivery/_verdict.html", context)
    return _line({"verdict": verdict.result.value, "html": html, "say": _say_end(verdict, order.receiver)})


def _note(verdict: Verdict, order: CheckOrder, place: Place) -> str:
    """Write what the form keeps, so that the account shows this test once it is saved."""
    if not place.keeps_note or verdict.mail_id is None or verdict.result is CheckResult.BROKEN:
        return ""
    credentials = order.settings.credentials
    test = LatestTest(verdict.mail_id, passed=verdict.result is CheckResult.PASSED, at=database_now())
    return write_note(order.sender, credentials.password if credentials else "", test)


def _say(step: Step, advice: Advice | None) -> str:
    """Write what a screen reader says; a step that begins or is skipped is not worth interrupting for."""
    if step.state is StepState.DONE:
        return _("%(step)s: done") % {"step": step.key.label}
    if step.state is StepState.FAILED:
        told = (step.reply, *((advice.cause, advice.fix) if advice else ()))
        return join_sentences([_("%(step)s: failed.") % {"step": step.key.label}, *told])
    return ""


def _say_end(verdict: Verdict, receiver: str) -> str:
    """Write the last words of a passed check; a failure was told with its step already."""
    if verdict.result is CheckResult.PASSED:
        return _("Test mail accepted for %(receiver)s.") % {"receiver": receiver}
    return ""


def _line(content: dict[str, str]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"
