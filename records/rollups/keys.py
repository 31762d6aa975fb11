"""The keys of the sums: one row for each combination of values that ever occurred."""

import hashlib
import json
from collections.abc import Iterable

from records.rollups.adding import KEY
from records.rollups.models import RollupKey

Values = tuple[str, ...]
"""In the order of `KEY`."""


def find_key_ids(wanted: Iterable[Values]) -> dict[Values, int]:
    """Look up the ids of keys; those that are new are made. In a transaction of its only writer."""
    digests = {_digest(values): values for values in wanted}
    known = _known(digests)
    new = [
        RollupKey(digest=digest, **dict(zip(KEY, values, strict=True)))
        for digest, values in digests.items()
        if digest not in known
    ]
    if new:
        RollupKey.objects.bulk_create(new, ignore_conflicts=True)
        known = _known(digests)
    return {values: known[digest] for digest, values in digests.items()}


def _known(digests: Iterable[str]) -> dict[str, int]:
    return dict(RollupKey.objects.filter(digest__in=list(digests)).values_list("digest", "pk"))


def _digest(values: Values) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
