"""Months of records that go as a whole, where PostgreSQL keeps them by month.

A month goes when every record in it may, so it never takes with it what a rule keeps. What may not go whole (a mail of
that month waits for a person, say) is left to the steps that remove mail by mail. The mails themselves, and whatever
else belongs to them, go by those steps too: right after, in the same round.
"""

import logging
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.db.models import Q

from records.enums import Outcome
from records.keeping.finding import NOTHING_FOUND, Found, ended_mail
from records.keeping.removing import Removed
from records.keeping.rules import Bounds
from records.models import Mail
from records.partitions.months import Month
from records.partitions.tables import ask, drop, hold, is_other_empty, list_months

logger = logging.getLogger(__name__)

_EMPTY_FOR = timedelta(days=62)
"""So long an empty month keeps its table: mail of it that waits may still be tried."""


def find_month(reached: int, excess: int, bounds: Bounds) -> Found:
    """Find the next month, and whether its records go.

    Args:
        reached: The number of the last month that was looked at.
        excess: So many records more are to go, however young.
        bounds: Which mails are old enough.
    """
    months = list_months()
    ahead = [month for month in months if month.number > reached and month.ends_at <= bounds.at_rest]
    if not ahead:
        return NOTHING_FOUND
    month = ahead[0]
    is_oldest = month == months[0] and is_other_empty()
    number = _count_going(month, excess if is_oldest else 0, bounds)
    ids = () if number is None else (month.number,)
    return Found(ids, number or 0, month.number, is_last=len(ahead) == 1)


def _count_going(month: Month, excess: int, bounds: Bounds) -> int | None:
    """Count the records of a month that goes; None where it does not go."""
    if _goes_for_its_age(month, bounds):
        return _count(month)
    if not excess or not may_go(month, bounds.at_rest):
        return None
    number = _count(month)
    return number if number <= excess else None


def _goes_for_its_age(month: Month, bounds: Bounds) -> bool:
    if bounds.by_age is not None and may_go(month, bounds.by_age):
        return True
    return month.ends_at <= bounds.now - _EMPTY_FOR and not ask(f"SELECT EXISTS (SELECT 1 FROM {month.table})")[0]  # noqa: S608  # a name of our own, here and below


def _count(month: Month) -> int:
    return int(ask(f"SELECT COUNT(*) FROM {month.table}")[0])  # noqa: S608


def may_go(month: Month, before: datetime) -> bool:
    """Tell whether all mails of a month, and all tries at them, had ended by a time, and none waits for a person."""
    if month.ends_at > before or _has_young_records(month, before):
        return False
    first, last = ask(f"SELECT MIN(mail_id), MAX(mail_id) FROM {month.table}")  # noqa: S608
    if first is None:
        return True
    accepted = Q(accepted_at__gte=month.begins_at, accepted_at__lt=month.ends_at)
    ended = ended_mail() & Q(finished_at__lt=before)
    return not Mail.objects.filter(accepted, ~ended, pk__gte=first, pk__lte=last).exists()


def _has_young_records(month: Month, before: datetime) -> bool:
    younger = f"SELECT 1 FROM {month.table} WHERE started_at >= %s"  # noqa: S608
    under_way = f"SELECT 1 FROM {month.table} WHERE outcome = '{Outcome.SENDING.value}'"  # noqa: S608
    return bool(ask(f"SELECT EXISTS ({younger}) OR EXISTS ({under_way})", [before])[0])


def drop_month(found: Found, bounds: Bounds) -> Removed:
    """Drop what was found, within the caller's transaction; nothing where somebody holds the table for long."""
    month = Month(found.ids[0])
    try:
        with transaction.atomic(), hold():
            # Judged again: a try of its mails may have begun meanwhile. Mails change seldom at that age; one that
            # is tried again at this very moment loses sight of its old tries, and nothing else.
            if _has_young_records(month, bounds.at_rest):
                return Removed()
            drop(month)
    except OperationalError:
        logger.info("a month of records could not be dropped at once, its mails go one by one", exc_info=True)
        return Removed()
    logger.info("a month of records is dropped", extra={"month": month.table, "records": found.amount})
    return Removed(records=found.amount, gone_before=month.ends_at)
