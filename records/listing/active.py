"""The filters in force, each in words and with a way to take it away."""

from dataclasses import dataclass

from django.http import QueryDict
from django.utils.functional import Promise

from records.filters import RecordFilters
from records.forms import FilterForm, name_cause

PLACE = ("before", "after")
"""Parameters of an address that say where in the list one is, and not what is in it."""


@dataclass(frozen=True, slots=True)
class ActiveFilter:
    """One filter that narrows."""

    label: str | Promise
    value: str | Promise
    query: str
    """Of the address of the same list without it."""


def list_active(filters: RecordFilters, query: QueryDict) -> list[ActiveFilter]:
    """List the filters in force; `query` is that of the page they are shown on."""
    parameters = filters.as_parameters()
    words: dict[str, str | Promise] = {**parameters, **_choice_words(filters)}
    labels = FilterForm.base_fields
    return [
        ActiveFilter(labels[name].label or "", words[name], _without(query, name, keep=parameters))
        for name in sorted(words, key=list(labels).index)
    ]


def _choice_words(filters: RecordFilters) -> dict[str, str | Promise]:
    choices = {
        "result": filters.result, "outcome": filters.outcome, "phase": filters.phase, "range": filters.range,
    }  # fmt: skip
    words: dict[str, str | Promise] = {name: choice.label for name, choice in choices.items() if choice}
    return words | ({"cause": name_cause(filters.cause)} if filters.cause else {})


def _without(query: QueryDict, name: str, *, keep: dict[str, str]) -> str:
    """Write the query without one filter, without those that are not in force, and from the first page on."""
    rest = query.copy()
    for other in (name, *PLACE, *(set(FilterForm.base_fields) - set(keep))):
        rest.pop(other, None)
    return f"?{rest.urlencode()}"
