"""Months, each told by its first day, in UTC."""

from datetime import UTC, date, datetime, timedelta


def month_of(moment: datetime) -> date:
    """Tell the month that a moment is in."""
    return moment.astimezone(UTC).date().replace(day=1)


def this_month() -> date:
    """Tell the present month, by the clock of this machine."""
    return month_of(datetime.now(UTC))


def month_after(month: date) -> date:
    """Tell the month that follows."""
    return (month + timedelta(days=31)).replace(day=1)


def month_before(month: date) -> date:
    """Tell the month that precedes."""
    return (month - timedelta(days=1)).replace(day=1)


def end_of(month: date) -> datetime:
    """Tell when a month is over."""
    return datetime.combine(month_after(month), datetime.min.time(), UTC)
