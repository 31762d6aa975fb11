"""Counting what there is, a portion at a time, along the primary key: no sum is kept beside every mail."""

from dataclasses import dataclass

from django.db.models import Count, Max, Min, Sum
from django.db.models.functions import Length

from records.models import Body, Content, SendingRecord

_ROWS = 5_000
"""Rows that one step measures."""
_IDS = 50_000
"""Ids that one step counts."""

_ALWAYS_COUNTED = 2_000_000
"""Ids that are counted one by one even where there can't be too many."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one step counted."""

    amount: int
    """Records, or bytes."""
    reached: int
    is_last: bool


def count_records(reached: int, limit: int | None) -> Counted:
    """Count tries; where their ids tell that there are not too many, those are answer enough."""
    ends = SendingRecord.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["last"] is None:
        return Counted(0, reached, is_last=True)
    span = ends["last"] - ends["first"] + 1
    if reached == 0 and span > _ALWAYS_COUNTED and (limit is None or span <= limit):
        return Counted(span, ends["last"], is_last=True)
    begin = max(reached, ends["first"] - 1)
    number = SendingRecord.objects.filter(pk__gt=begin, pk__lte=begin + _IDS).count()
    return Counted(number, begin + _IDS, is_last=begin + _IDS >= ends["last"])


def measure_heads(reached: int) -> Counted:
    """Measure the header fields of mails."""
    portion = Content.objects.filter(mail_id__gt=reached).order_by("mail_id").annotate(size=Length("head"))[:_ROWS]
    sums = portion.aggregate(number=Count("mail_id"), amount=Sum("size"), last=Max("mail_id"))
    return Counted(sums["amount"] or 0, sums["last"] or reached, is_last=sums["number"] < _ROWS)


def measure_bodies(reached: int) -> Counted:
    """Measure bodies as they are stored."""
    portion = Body.objects.filter(pk__gt=reached).order_by("pk").annotate(size=Length("octets"))[:_ROWS]
    sums = portion.aggregate(number=Count("pk"), amount=Sum("size"), last=Max("pk"))
    return Counted(sums["amount"] or 0, sums["last"] or reached, is_last=sums["number"] < _ROWS)


def measure_files(reached: int) -> Counted:
    """Measure the files within bodies."""
    portion = Body.objects.filter(pk__gt=reached, attached_size__gt=0).order_by("pk")[:_ROWS]
    sums = portion.aggregate(number=Count("pk"), amount=Sum("attached_size"), last=Max("pk"))
    return Counted(sums["amount"] or 0, sums["last"] or reached, is_last=sums["number"] < _ROWS)
