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
    words: dict[str, str | Promise] = {**parameters, **_moment_words(parameters), **_choice_words(filters)}
    labels = FilterForm.base_fields
    return [
        ActiveFilter(labels[name].label or "", words[name], _without(query, name, filters))
        for name in sorted(words, key=list(labels).index)
    ]


def _choice_words(filters: RecordFilters) -> dict[str, str | Promise]:
    choices = {
        "result": filters.result, "outcome": filters.outcome, "phase": filters.phase, "range": filters.range,
    }  # fmt: skip
    words: dict[str, str | Promise] = {name: choice.label for name, choice in choices.items() if choice}
    return words | ({"cause": name_cause(filters.cause)} if filters.cause else {})


def _moment_words(parameters: dict[str, str]) -> dict[str, str]:
    return {name: parameters[name].replace("T", " ") for name in ("since", "until") if name in parameters}


def _without(query: QueryDict, name: str, filters: RecordFilters) -> str:
    """Write the query without one filter, and from the first page on."""
    rest = settle_query(query, filters)
    for other in (name, *PLACE):
        rest.pop(other, None)
    return f"?{rest.urlencode()}"


def settle_query(query: QueryDict, filters: RecordFilters) -> QueryDict:
    """Write the query of a page with the filters in force only, each in one way; what is no filter stays."""
    settled, parameters = QueryDict(mutable=True), filters.as_parameters()
    for name, values in query.lists():
        if name in parameters:
            settled[name] = parameters[name]
        elif name not in FilterForm.base_fields:
            settled.setlist(name, values)
    return settled
