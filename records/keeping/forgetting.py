"""Forgetting the keys of sums that no sum refers to any more: sums themselves are forgotten where they are folded."""

from django.db.models import Exists, OuterRef, Q

from records.keeping.finding import Found
from records.rollups.folding import wait_for_lock
from records.rollups.models import DayRollup, MonthRollup, Rollup, RollupKey

LOOK = 500
"""Keys that one step looks at, while nobody else may fold: some milliseconds."""


def forget_keys(reached: int) -> Found:
    """Remove the next keys that are not in use; in a transaction, until whose end nobody can begin to use them."""
    # Whoever folds holds it from before it looks for keys until its sums refer to them.
    wait_for_lock()
    ids = list(RollupKey.objects.filter(pk__gt=reached).order_by("pk").values_list("pk", flat=True)[:LOOK])
    unused = list(RollupKey.objects.filter(_is_unused(), pk__in=ids).values_list("pk", flat=True))
    rows = RollupKey.objects.filter(pk__in=unused)
    rows._raw_delete(rows.db)  # noqa: SLF001  # nothing public does it by the statement alone
    return Found(tuple(unused), 0, ids[-1] if ids else reached, is_last=len(ids) < LOOK)


def _is_unused() -> Q:
    lengths = (Rollup, DayRollup, MonthRollup)
    return Q(*(~Exists(sums.objects.filter(key=OuterRef("pk"))) for sums in lengths))
