"""Finding what may go: the oldest rows after a position, a portion at a time, along the primary key.

Ids of mails rise with the time of their acceptance, so the oldest come first and no index by time is needed: where a
mail was accepted too late to have ended in time, so were all that follow, and the walk is over.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Length

from records.enums import MailKind, MailState, Outcome
from records.keeping.rules import Bounds
from records.models import Body, Content, Mail, SendingRecord

LOOK = 200
"""Rows that one look takes."""
MOST_RECORDS = 1000
"""Tries that go at once, unless a single mail has more."""
FEW_BODIES = 20
"""Bodies with files that one look takes: each may be large."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one look found."""

    ids: tuple[int, ...]
    """Of the rows that go."""
    amount: int
    """Records, or bytes, that go with them."""
    reached: int
    """The last row that was judged."""
    is_last: bool
    """Whether no later row may go."""


@dataclass(frozen=True, slots=True)
class Gone:
    """What is taken for removed though it is still there: for telling what would go."""

    mails: Container[int] = ()
    """Mails whose content is taken for removed."""
    bodies: Container[int] = ()


NOTHING_GONE = Gone()


class Row(NamedTuple):
    """A row that is to be judged."""

    pk: int
    accepted_at: datetime | None
    """None: long ago."""
    is_old: bool
    """Old enough by its age."""
    is_at_rest: bool
    """Old enough to go where there is too much."""
    amount: int


def ended_mail() -> Q:
    """Ask for mail that has ended and is not held for a person, as a filter of mails."""
    # Test mail that may have arrived is held for nobody: it was tried once, and that is that.
    held = Q(state=MailState.UNCERTAIN) & ~Q(kind=MailKind.TEST)
    return Q(finished_at__isnull=False) & ~held


def find_mails(reached: int, excess: int, bounds: Bounds) -> Found:
    """Find mails that go with all that belongs to them."""
    return _judge(_read_mails(reached, bounds), excess, bounds, look=LOOK, most=MOST_RECORDS)


def _read_mails(reached: int, bounds: Bounds) -> list[Row]:
    mails = Mail.objects.filter(pk__gt=reached).order_by("pk")
    ended = Mail.objects.filter(ended_mail(), pk=OuterRef("pk"))
    rows = list(mails.values_list("pk", "accepted_at", "finished_at", Exists(ended))[:LOOK])
    tries = _tries_of([row[0] for row in rows])
    read = []
    for pk, accepted_at, finished_at, is_ended in rows:
        number, open_ones, latest_try = tries.get(pk, (0, 0, None))
        # A late answer to an earlier claim may be noted after the end.
        end = max(finished_at, latest_try) if finished_at and latest_try else finished_at
        is_over = is_ended and not open_ones
        read.append(Row(pk, accepted_at, is_over and bounds.is_old(end), is_over and end < bounds.at_rest, number))
    return read


def _tries_of(mail_ids: Iterable[int]) -> dict[int, tuple[int, int, datetime]]:
    """Count the tries of mails, and those under way; and tell when the latest began."""
    records = SendingRecord.objects.filter(mail_id__in=mail_ids).order_by()
    under_way = Count("pk", filter=Q(outcome=Outcome.SENDING))
    rows = records.values_list("mail_id").annotate(number=Count("pk"), open_ones=under_way, latest=Max("started_at"))
    return {mail_id: (number, open_ones, latest) for mail_id, number, open_ones, latest in rows}


def find_contents(reached: int, excess: int, bounds: Bounds, gone: Gone = NOTHING_GONE) -> Found:
    """Find mails whose content goes."""
    return _judge(_read_contents(reached, bounds), excess, bounds, look=LOOK, without=gone.mails)


def _read_contents(reached: int, bounds: Bounds) -> list[Row]:
    contents = Content.objects.filter(mail_id__gt=reached).order_by("mail_id")
    ended = Mail.objects.filter(ended_mail(), pk=OuterRef("mail_id"))
    rows = contents.values_list(
        "mail_id",
        "mail__accepted_at",
        "mail__finished_at",
        Exists(ended),
        Length("head"),
        Length("body__octets"),
        shared_with_later(),
    )
    return [
        Row(pk, accepted, over and bounds.is_old(end), over and end < bounds.at_rest, head + (0 if shared else body))
        for pk, accepted, end, over, head, body, shared in rows[:LOOK]
    ]


def shared_with_later() -> Exists:
    """Ask of a content whether a later one has the same body, which then goes with that one."""
    return Exists(Content.objects.filter(body_id=OuterRef("body_id"), mail_id__gt=OuterRef("mail_id")))


def find_bodies(reached: int, excess: int, bounds: Bounds, gone: Gone = NOTHING_GONE) -> Found:
    """Find bodies whose files go: all the mails that share one must be old enough."""
    return _judge(_read_bodies(reached, bounds), excess, bounds, look=FEW_BODIES, without=gone.bodies)


def _read_bodies(reached: int, bounds: Bounds) -> list[Row]:
    bodies = Body.objects.filter(pk__gt=reached, attached_size__gt=0).order_by("pk")
    first = Mail.objects.filter(pk=OuterRef("pk")).values("accepted_at")
    is_young = (
        Exists(young_contents(bounds.by_age)) if bounds.by_age else Exists(Body.objects.filter(pk=OuterRef("pk")))
    )
    is_restless = Exists(young_contents(bounds.at_rest))
    rows = bodies.values_list("pk", Subquery(first), is_young, is_restless, "attached_size")
    return [
        Row(pk, accepted_at, not young, not restless, size)
        for pk, accepted_at, young, restless, size in rows[:FEW_BODIES]
    ]


def young_contents(before: datetime) -> QuerySet[Content]:
    """Find contents of the body at hand whose mail had not ended by a time, or is held: they keep the body whole."""
    return Content.objects.filter(~Exists(mail_that_ended(before)), body_id=OuterRef("pk"))


def mail_that_ended(before: datetime) -> QuerySet[Mail]:
    """Find the mail of the content at hand if it had ended by a time, and is not held."""
    return Mail.objects.filter(ended_mail(), pk=OuterRef("mail_id"), finished_at__lt=before)


def _judge(
    rows: list[Row],
    excess: int,
    bounds: Bounds,
    *,
    look: int,
    most: int | None = None,
    without: Container[int] = (),
) -> Found:
    """Choose the rows that go, oldest first: those that are old enough, and others while there is too much."""
    ids: list[int] = []
    amount, reached = 0, 0
    for row in rows:
        has_excess = excess > amount
        latest = bounds.latest(has_excess=has_excess)
        # What came while a clock was ahead says nothing of what came after it.
        if latest is None or (row.accepted_at and latest <= row.accepted_at <= bounds.now):
            return Found(tuple(ids), amount, reached, is_last=True)
        if (row.is_old or (has_excess and row.is_at_rest)) and row.pk not in without:
            if most and ids and amount + row.amount > most:
                return Found(tuple(ids), amount, reached, is_last=False)
            ids.append(row.pk)
            amount += row.amount
        reached = row.pk
    return Found(tuple(ids), amount, reached, is_last=len(rows) < look)
