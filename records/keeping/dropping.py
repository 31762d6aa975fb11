"""Dropping the contents of whole months, where each has tables of its own: at once, and the disk has the room again.

A month goes when all that is left in it may go for its age, or nothing is. Until then its oldest days go in small steps
like everything else. Nobody is kept waiting for long: where somebody holds the tables, they stay until the next round.
"""

import logging
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import Exists, QuerySet

from records.keeping.finding import mail_that_ended
from records.keeping.removing import Removed
from records.keeping.rules import Bounds
from records.models import Content
from records.months.calendar import end_of, month_after, month_of
from records.months.tables import (
    drop_month,
    have_tables,
    hold_months,
    is_among_others,
    make_month,
    may_change_tables,
    tell_that_ids_differ,
)

logger = logging.getLogger(__name__)

STILL_USED = timedelta(days=2)
"""So long after its end a month keeps its tables: mail may be accepted by a transaction that began before midnight."""


def can_drop() -> bool:
    """Tell whether months have tables of their own here, which this process may make and drop."""
    if not have_tables():
        return False
    if may_change_tables():
        return True
    logger.warning("the tables of months are not this role's to make and drop; contents go row by row")
    return False


def prepare_months(now: datetime, known: Collection[date]) -> None:
    """See to it that this month and the next one have tables of their own, beside the known ones."""
    tell_that_ids_differ()
    this = month_of(now)
    for month in sorted({this, month_after(this)}.difference(known)):
        if is_among_others(month):
            continue  # until nothing of it is kept any more
        try:
            with transaction.atomic(durable=True):
                make_month(month)
        except DatabaseError as error:
            # Its contents are kept with others until it works; it is tried again in the next round.
            logger.warning("a month has no tables of its own yet", extra={"month": str(month), "reason": str(error)})


def find_month(known: Iterable[date], reached: int, bounds: Bounds) -> date | None:
    """Find the next month of which nothing need stay.

    Args:
        known: Months that have tables, oldest first.
        reached: The ordinal of the month that was looked at last; 0 for none.
        bounds: Of contents.
    """
    for month in known:
        if end_of(month) + STILL_USED > bounds.now:
            return None
        if month.toordinal() > reached and not _contents_to_stay(month, bounds).exists():
            return month
    return None


def _contents_to_stay(month: date, bounds: Bounds) -> QuerySet[Content]:
    contents = Content.objects.filter(month=month)
    if bounds.by_age is None or end_of(month) > bounds.by_age:
        return contents  # its last days are young: most of it would be read for nothing
    return contents.filter(~Exists(mail_that_ended(bounds.by_age)))


def drop(month: date, bounds: Bounds) -> Removed | None:
    """Drop a month, in the caller's transaction, unless something of it has to stay after all.

    Returns:
        What went; None where somebody held the tables, who would also hold those of other months.
    """
    try:
        with transaction.atomic():
            hold_months()
            # Whoever has a mail tried again keeps all months first: from here on nobody does.
            if _contents_to_stay(month, bounds).exists():
                return Removed()
            number = Content.objects.filter(month=month).count()
            drop_month(month)
    except DatabaseError as error:
        logger.warning(
            "a month of contents could not be dropped yet", extra={"month": str(month), "reason": str(error)}
        )
        return None
    logger.info("a month of contents was dropped", extra={"month": str(month), "contents": number})
    return Removed(contents=number)
