"""Counting how tries ended, each record once, so that the metrics never count the whole table.

Ids are given before a row can be seen, so what was the highest id a while ago is counted now. A record that was still
under way when its turn came is remembered, and counted when it has ended.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, F, Max, QuerySet

from records.alarms.models import Tally, TallyMark
from records.enums import Outcome
from records.models import SendingRecord

SETTLE_TIME = timedelta(seconds=30)
"""Longer than a transaction that writes records takes: whoever got an id before has committed by then."""
MAX_RECORDS = 200_000
"""Ids that one pass goes on by; the next one follows at once if there are more."""
MAX_OPEN = 10_000
"""Records under way that are remembered; more than all workers together have in hand."""
_CHUNK = 500

_Counts = Counter[tuple[str, str]]
"""Tries by sender address and outcome."""


def count_new_records(now: datetime) -> None:
    """Count the records that were written since the last time.

    Args:
        now: The database's time.
    """
    mark, _is_new = TallyMark.objects.get_or_create(pk=1)
    if mark.seen_at and timedelta() <= now - mark.seen_at < SETTLE_TIME:
        return
    unchanged = TallyMark.objects.filter(pk=1, counted_to=mark.counted_to, seen_at=mark.seen_at)
    # Outside the transaction: on SQLite it would hold up everybody who writes.
    counted = _count_remembered(mark) + _count_next(mark)
    if mark.counted_to == mark.seen_to:
        last = SendingRecord.objects.aggregate(last=Max("pk"))["last"] or 0
        mark.seen_to = max(mark.seen_to, last)
        mark.seen_at = now
    with transaction.atomic():
        moved = unchanged.update(
            counted_to=mark.counted_to, seen_to=mark.seen_to, seen_at=mark.seen_at, open_ids=mark.open_ids
        )
        if moved:  # else another worker counted the same meanwhile
            _add(counted)


def _count_remembered(mark: TallyMark) -> _Counts:
    """Count the remembered records that have ended by now, and forget them; also those that are gone."""
    counted: _Counts = Counter()
    still_open: list[int] = []
    for chunk in _chunks(mark.open_ids):
        records = SendingRecord.objects.filter(pk__in=chunk)
        under_way = _under_way(records)
        counted += _by_outcome(records, under_way)
        still_open += under_way
    mark.open_ids = still_open
    return counted


def _count_next(mark: TallyMark) -> _Counts:
    """Count the records up to what was seen last time; remember those that are still under way."""
    upto = min(mark.seen_to, mark.counted_to + MAX_RECORDS)
    records = SendingRecord.objects.filter(pk__gt=mark.counted_to, pk__lte=upto)
    under_way = _under_way(records)
    mark.open_ids = [*mark.open_ids, *under_way][-MAX_OPEN:]
    mark.counted_to = upto
    return _by_outcome(records, under_way)


def _under_way(records: QuerySet[SendingRecord]) -> list[int]:
    return list(records.filter(outcome=Outcome.SENDING).order_by("-pk").values_list("pk", flat=True)[:MAX_OPEN])


def _by_outcome(records: QuerySet[SendingRecord], under_way: list[int]) -> _Counts:
    # Those that were under way are left out by name: they may have ended since, and are counted next time.
    ended = records.exclude(outcome=Outcome.SENDING).exclude(pk__in=under_way).order_by()
    rows = ended.values_list("sender_address", "outcome").annotate(tries=Count("pk"))
    return Counter({(address, outcome): tries for address, outcome, tries in rows})


def _add(counted: _Counts) -> None:
    """Add to the totals; in the transaction that moves the mark, whose row keeps others from adding meanwhile."""
    for (address, outcome), tries in counted.items():
        total = Tally.objects.filter(sender_address=address, outcome=outcome)
        if not total.update(tries=F("tries") + tries):
            Tally.objects.create(sender_address=address, outcome=outcome, tries=tries)


def _chunks(ids: list[int]) -> Iterable[list[int]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
