"""A mail's life as a line of events: accepted, tried, handed over, what people did, what comes next."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby, pairwise

from records.claims import Claim
from records.enums import MailState
from records.interventions import Intervention
from records.models import Mail
from records.story import Attempt, Story

LEAST_FOLDED = 3
"""So many tries between two others that ended just like them are folded away."""
LEAST_GAP = timedelta(seconds=1)
"""Shorter waits are not worth a line."""


class EventKind(StrEnum):
    """What an event is; each has a template of its own."""

    ACCEPTED = "accepted"
    """Somebody asked for the mail, and it was stored."""
    TRY = "try"
    """A worker tried it, or found that it can't be tried."""
    ALIKE = "alike"
    """Tries between two others that all ended alike."""
    LEFT_OUT = "left_out"
    """Tries in a row that are too many to be told."""
    HOP = "hop"
    """Another account took it over, or its own took it back."""
    DEED = "deed"
    """A person did something to it."""
    UNDER_WAY = "under_way"
    """A worker has it in hand, and no record tells yet."""
    NEXT = "next"
    """It waits for its next try."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event, and how long after the one before it came."""

    kind: EventKind
    at: datetime
    ended_at: datetime
    gap: timedelta | None = None
    """How long nothing happened before; None: not worth telling."""
    attempt: Attempt | None = None
    deed: Intervention | None = None
    taken_by: str = ""
    """Of a hop: the address of the account that has the mail now."""
    wait: timedelta | None = None
    """Of what comes next: how long until then; None: it is due."""
    folded: tuple["Event", ...] = ()
    """Of tries that ended alike: each."""
    left_out: int = 0
    """How many tries are left out."""

    @property
    def epochs(self) -> set[int]:
        """The claims that the folded tries belong to."""
        return {event.attempt.record.epoch for event in self.folded if event.attempt}


def draw_timeline(mail: Mail, story: Story, deeds: Iterable[Intervention], now: datetime) -> list[Event]:
    """Put the tries of a mail and what people did in the order of time, and say what comes next.

    Args:
        mail: The mail.
        story: Its tries.
        deeds: What people did to it.
        now: The database's time.
    """
    events = [
        Event(EventKind.ACCEPTED, mail.accepted_at, mail.accepted_at),
        *_tell_claims(mail, story),
        *(Event(EventKind.DEED, deed.done_at, deed.done_at, deed=deed) for deed in deeds),
    ]
    events.sort(key=lambda event: event.at)
    events += _tell_next(mail, story, now)
    return list(_fold(_with_gaps(events)))


def _tell_claims(mail: Mail, story: Story) -> Iterator[Event]:
    told = {attempt.claim.epoch: attempt for attempt in story.attempts}
    senders = [claim.sender_address for claim in story.claims]
    with_next = zip(story.claims, [*senders[1:], mail.sender_address], strict=False)
    for is_told, run in groupby(with_next, key=lambda each: each[0].epoch in told):
        if is_told:
            yield from (_tell_attempt(told[claim.epoch], next_sender) for claim, next_sender in run)
        else:
            yield _leave_out([claim for claim, _next_sender in run])


def _tell_attempt(attempt: Attempt, next_sender: str) -> Event:
    record = attempt.record
    kind = EventKind.HOP if attempt.is_hop else EventKind.TRY
    taken_by = next_sender if attempt.is_hop else ""
    return Event(kind, record.started_at, record.ended_at or record.started_at, attempt=attempt, taken_by=taken_by)


def _leave_out(claims: Sequence[Claim]) -> Event:
    return Event(EventKind.LEFT_OUT, claims[0].started_at, claims[-1].ended_at, left_out=len(claims))


def _tell_next(mail: Mail, story: Story, now: datetime) -> Iterator[Event]:
    if mail.is_waiting:
        yield Event(EventKind.NEXT, mail.due_at, mail.due_at, wait=mail.due_at - now if mail.due_at > now else None)
    elif mail.state == MailState.SENDING and all(attempt.mark != "running" for attempt in story.attempts):
        yield Event(EventKind.UNDER_WAY, now, now)


def _with_gaps(events: Sequence[Event]) -> Iterator[Event]:
    yield events[0]
    for before, event in pairwise(events):
        gap = event.at - before.ended_at
        is_told = gap >= LEAST_GAP and event.kind not in {EventKind.NEXT, EventKind.UNDER_WAY}
        yield replace(event, gap=gap) if is_told else event


def _fold(events: Iterable[Event]) -> Iterator[Event]:
    for _likeness, run in groupby(events, key=_likeness_of):
        first, *rest = run
        yield first
        if len(rest) > LEAST_FOLDED:
            amid = tuple(rest[:-1])
            yield Event(EventKind.ALIKE, amid[0].at, amid[-1].ended_at, folded=amid)
            rest = rest[-1:]
        yield from rest


def _likeness_of(event: Event) -> object:
    attempt = event.attempt
    return attempt.likeness if attempt is not None and attempt.mark in {"failed", "uncertain"} else id(event)
