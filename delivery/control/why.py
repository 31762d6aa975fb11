"""Why an account's mail waits, in a sentence for the queue page: the one reason that everything else follows from."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from records.enums import MailState, SkipReason
from records.models import DeliveryPause, Mail
from senders.allowances import AllowanceState
from senders.enums import CircuitState
from senders.listing import show_time
from senders.models import Circuit, Sender
from senders.sentences import join_sentences


class Tone(StrEnum):
    """How a reason is marked."""

    GOOD = "good"
    """Mail flows."""
    PLAIN = "plain"
    """Mail waits as it should."""
    WARN = "warn"
    """Somebody or something holds it, and it goes on later."""
    BAD = "bad"
    """A person is needed, or a server."""


@dataclass(frozen=True, slots=True)
class Why:
    """One reason."""

    tone: Tone
    mark: str
    """Two or three words."""
    sentence: str = ""
    reply: str = ""
    """What the server said."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the reason is found in."""

    sender: Sender
    now: datetime
    pause: DeliveryPause | None
    is_resuming: bool
    worker_seen_at: datetime | None
    is_worker_silent: bool
    waiting: int
    sending: int
    first: Mail | None
    """The waiting mail that is due first."""
    allowance: AllowanceState
    stand_in: Sender | None
    """Who sends its mail for now, since it can't."""


def find_reason(seen: Circumstances) -> Why:
    """Find the reason that counts: the first in this order that holds; and who helps out."""
    looks = (_paused, _disabled, _circuit, _limited, _no_worker, _moving)
    why = next(filter(None, (look(seen) for look in looks)), None) or _later(seen)
    if seen.stand_in is None:
        return why
    help_out = _("For now its mail is sent by %(sender)s.") % {"sender": seen.stand_in.display_name}
    return replace(why, sentence=join_sentences([why.sentence, help_out]))


def _paused(seen: Circumstances) -> Why | None:
    if seen.pause is None and seen.sender.paused_at is None:
        return None
    if seen.is_resuming:
        sentence = _("Mail flows again in a moment: first it gets the time of the pause back.")
        return Why(Tone.PLAIN, _("Resuming"), sentence)
    if seen.sender.paused_at is None:  # by whom and since when stands at the top of the page
        return Why(Tone.WARN, _("Paused"), _("All sending is paused."))
    sentence = _("Paused by %(name)s since %(time)s.")
    return Why(Tone.WARN, _("Paused"), sentence % _who(seen.sender.paused_by, seen.sender.paused_at))


def _disabled(seen: Circumstances) -> Why | None:
    if seen.sender.is_enabled:
        return None
    sentence = _("Mail waits until the account is enabled, or its time to give up has passed.") if seen.waiting else ""
    return Why(Tone.WARN, _("Disabled"), sentence)


def _circuit(seen: Circumstances) -> Why | None:
    circuit: Circuit | None = getattr(seen.sender, "circuit", None)
    if circuit is None or circuit.state == CircuitState.CLOSED:
        return None
    if circuit.fault == SkipReason.SECRET_UNREADABLE:
        return Why(Tone.BAD, _("Password unreadable"), _("The stored password can't be read. Type it again."))
    if circuit.state == CircuitState.REFUSED:
        sentence = _("The server refused the sign-in. Mail waits until the account is edited or tested well.")
        return Why(Tone.BAD, _("Sign-in refused"), sentence, circuit.reply)
    return Why(Tone.BAD, _("Not reachable"), _unreachable(circuit, seen.now), circuit.reply)


def _unreachable(circuit: Circuit, now: datetime) -> str:
    parts = []
    if circuit.opened_at:
        parts.append(_("Since %(time)s.") % {"time": show_time(circuit.opened_at)})
    if circuit.probe_at and circuit.probe_at > now:
        parts.append(_("The next look is at %(time)s.") % {"time": show_time(circuit.probe_at)})
    return join_sentences(parts)


def _limited(seen: Circumstances) -> Why | None:
    until = seen.allowance.exhausted_until
    if until is None or not seen.waiting:
        return None
    goes_on = _("Mail goes on at %(time)s.") % {"time": show_time(until)}
    if seen.allowance.slow_until == until:
        sentence = join_sentences([_("The server asked to wait."), goes_on])
        return Why(Tone.WARN, _("Slowed down"), sentence, seen.allowance.hint)
    return Why(Tone.WARN, _("Limit reached"), goes_on, seen.allowance.hint)


def _no_worker(seen: Circumstances) -> Why | None:
    if not (seen.waiting and seen.is_worker_silent):
        return None
    if seen.worker_seen_at is None:
        return Why(Tone.BAD, _("No worker"), _("No worker was seen yet. Start the worker; nothing is lost."))
    sentence = _("No worker was seen since %(time)s. Start the worker or look into its log; nothing is lost.")
    return Why(Tone.BAD, _("No worker"), sentence % {"time": show_time(seen.worker_seen_at)})


def _moving(seen: Circumstances) -> Why | None:
    return Why(Tone.GOOD, _("Sending")) if seen.sending else None


def _later(seen: Circumstances) -> Why:
    if seen.first is None:
        return Why(Tone.PLAIN, _("Nothing waits"))
    if seen.first.due_at <= seen.now:
        return Why(Tone.PLAIN, _("Next in line"))
    time = {"time": show_time(seen.first.due_at)}
    if seen.first.state == MailState.RETRY:
        return Why(Tone.PLAIN, _("Next try later"), _("The next try is at %(time)s.") % time)
    return Why(Tone.PLAIN, _("Not due yet"), _("The first is due at %(time)s.") % time)


def _who(name: str, moment: datetime) -> dict[str, Any]:
    return {"name": name or "–", "time": show_time(moment)}
