"""The keys of the sums: one row for each combination of values that a sum is of.

Template names are whatever callers write. So that a number of the day in each of them fills neither the tables nor the
dashboard, so many new values a month have keys of their own, and what comes beyond is summed up as others. It is the
month of the try that counts, and not that of folding: a try that is taken off again finds the key it was added to.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from django.db.models import Min

from records.rollups.adding import KEY
from records.rollups.models import RollupKey

Values = tuple[str, ...]
"""In the order of `KEY`."""
Wanted = tuple[date, Values]
"""The first day of the month that is summed, and the values."""

OTHERS = "\x1a"
"""Stands in the place of values that are not told apart. None is the same: they hold no control characters."""
MOST_NEW_VALUES = 1_000
"""So many new senders, templates and servers are told apart in a month."""
_BOUNDED = ("sender_address", "template_name", "server")
"""All but what is written in the product itself: outcomes, and causes as the error book has them."""


def find_key_ids(wanted: Iterable[Wanted]) -> dict[Wanted, int]:
    """Look up the ids of keys; those that are new are made. In a transaction of its only writer.

    Args:
        wanted: What is to be summed; where there are too many new values, the first ones are told apart.
    """
    own = {place: _digest(place[1]) for place in wanted}
    known = _known(own.values())
    missing = [place for place, digest in own.items() if digest not in known]
    if missing:
        told_apart = _tell_apart(missing)
        own |= {place: _digest(values) for place, values in told_apart.items()}
        known |= _known(own[place] for place in missing)
        _make({own[place]: (place[0], values) for place, values in told_apart.items() if own[place] not in known})
        known |= _known(own[place] for place in missing)
    return {place: known[digest] for place, digest in own.items()}


def _known(digests: Iterable[str]) -> dict[str, int]:
    return dict(RollupKey.objects.filter(digest__in=list(set(digests))).values_list("digest", "pk"))


def _make(new: Mapping[str, Wanted]) -> None:
    rows = [
        RollupKey(digest=digest, first_month=month, **dict(zip(KEY, values, strict=True)))
        for digest, (month, values) in new.items()
    ]
    RollupKey.objects.bulk_create(rows, ignore_conflicts=True)


def _tell_apart(missing: Sequence[Wanted]) -> dict[Wanted, Values]:
    """Put others in the place of values for which there is no room."""
    told_apart = {place: list(place[1]) for place in missing}
    for name in _BOUNDED:
        column = KEY.index(name)
        refused = _find_refused(name, [(month, values[column]) for month, values in missing])
        for (month, _values), values in told_apart.items():
            if (month, values[column]) in refused:
                values[column] = OTHERS
    return {place: tuple(values) for place, values in told_apart.items()}


def _find_refused(name: str, occurrences: Sequence[tuple[date, str]]) -> set[tuple[date, str]]:
    """Find the values of a column for which there is no room in the month that they come in."""
    keys = RollupKey.objects.exclude(**{name: OTHERS})
    known = set(keys.filter(**{f"{name}__in": {value for _month, value in occurrences}}).values_list(name, flat=True))
    new = dict.fromkeys(found for found in occurrences if found[1] and found[1] not in known)
    if not new:
        return set()
    by_value = keys.exclude(**{name: ""}).values(name).annotate(first=Min("first_month"))
    taken = Counter(by_value.filter(first__in={month for month, _value in new}).values_list("first", flat=True))
    refused = set()
    for month, value in new:
        if value in known:
            continue
        if taken[month] < MOST_NEW_VALUES:
            taken[month] += 1
            known.add(value)
        else:
            refused.add((month, value))
    return refused


def _digest(values: Values) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
