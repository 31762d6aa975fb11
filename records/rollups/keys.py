"""The keys of the sums: one row for each combination of values that a sum by the hour is of, and one for each margin.

Whoever looks back for long asks how the tries of each sender ended, those of each template, of each cause, at each
server, but never of a combination. Sums of days and months are of these margins alone, which are some hundred, where
combinations are thousands.

Template names are whatever callers write. So that a number of the day in each of them fills neither the tables nor the
dashboard, so many new values a month have keys of their own, and what comes beyond is summed up as others. It is the
month of the try that counts, and not that of folding: a try that is taken off again finds the key it was added to.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from django.db.models import Min

from records.rollups.adding import KEY
from records.rollups.models import ANY, RollupKey

Values = tuple[str, ...]
"""In the order of `KEY`."""
Wanted = tuple[date, Values]
"""The first day of the month that is summed, and the values."""

OTHERS = "\x1a"
"""Stands in the place of values that are not told apart. None is the same: they hold no control characters."""
MOST_NEW_VALUES = 1_000
"""So many new senders, templates and servers are told apart in a month."""
MARGINS = ("sender_address", "template_name", "cause", "server")
"""What margins are of, beside the outcome."""
_BOUNDED = ("sender_address", "template_name", "server")
"""All but what is written in the product itself: outcomes, and causes as the error book has them."""


class KeyIds(NamedTuple):
    """The ids of the keys that a try is summed by."""

    own: int
    """Of the sum by the hour."""
    margins: tuple[int, ...]
    """Of the sums by day and month, in the order of `MARGINS`."""


def find_key_ids(wanted: Iterable[Wanted]) -> dict[Wanted, KeyIds]:
    """Look up the ids of keys; those that are new are made. In a transaction of its only writer.

    Args:
        wanted: What is to be summed; where there are too many new values, the first ones are told apart.
    """
    values_of = {place: place[1] for place in wanted}
    known = _known(map(_digest, values_of.values()))
    values_of |= _tell_apart([place for place, values in values_of.items() if _digest(values) not in known])
    margins_of = {values: tuple(_margins(values)) for values in values_of.values()}
    months = {each: month for (month, _values), values in values_of.items() for each in (values, *margins_of[values])}
    digests = {values: _digest(values) for values in months}
    known |= _known(digest for digest in digests.values() if digest not in known)
    missing = {digest: (months[values], values) for values, digest in digests.items() if digest not in known}
    if missing:
        _make(missing)
        known |= _known(missing)
    ids = {values: known[digest] for values, digest in digests.items()}
    return {
        place: KeyIds(ids[values], tuple(ids[margin] for margin in margins_of[values]))
        for place, values in values_of.items()
    }


def _margins(values: Values) -> Iterable[Values]:
    for name in MARGINS:
        yield tuple(value if each in {name, "outcome"} else ANY for each, value in zip(KEY, values, strict=True))


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
    keys = RollupKey.objects.exclude(**{f"{name}__in": (OTHERS, ANY)})
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
