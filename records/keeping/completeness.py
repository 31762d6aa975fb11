"""From when on records are complete: the sums of what was before can't be counted from them any more."""

from datetime import datetime

from django.db.models import Max, QuerySet

from records.keeping.models import ONLY, RemovalMark
from records.models import SendingRecord


def mark_removed(records: QuerySet[SendingRecord]) -> None:
    """Note that records are removed; in the transaction that does it, before it does."""
    latest = records.aggregate(at=Max("started_at"))["at"]
    if latest is None:
        return
    _row, is_new = RemovalMark.objects.get_or_create(pk=ONLY, defaults={"latest_at": latest})
    if not is_new:
        RemovalMark.objects.filter(pk=ONLY, latest_at__lt=latest).update(latest_at=latest)


def find_latest_removed() -> datetime | None:
    """Find when the latest try began that was ever removed; None where none was."""
    return RemovalMark.objects.filter(pk=ONLY).values_list("latest_at", flat=True).first()
