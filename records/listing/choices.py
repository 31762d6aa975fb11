"""The filter form of a request, with what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from records.enums import Outcome, ResultClass
from records.filters import NO_CAUSE
from records.forms import FilterForm
from records.querysets import known_values
from records.search.statements import fetch_along

if TYPE_CHECKING:
    from django.http import HttpRequest

_RECENT = 100
"""So many of the latest tries of each outcome are looked at for their causes."""
_WITH_CAUSE = tuple(outcome for outcome in Outcome if outcome.result in {ResultClass.FAILED, ResultClass.UNCERTAIN})


def make_filter_form(request: HttpRequest) -> FilterForm:
    """Make the form of the filters that a request asks for, with everything to choose from, in one query.

    What there is to choose from are the accounts and templates that are known or occur, and causes of the latest
    failures; of the records it reads a bounded part of some indexes.
    """
    choices: dict[str, set[str]] = {"sender": set(), "template": set(), "cause": set()}
    for kind, value in fetch_along(CHOICES):
        choices[kind].add(value)
    causes = {cause or NO_CAUSE for cause in choices["cause"]}
    return FilterForm(request.GET, senders=choices["sender"], templates=choices["template"], causes=causes)


def _latest_causes(outcome: Outcome) -> str:
    # Written by hand and without parameters: SQLite takes an index with a condition only where it reads that condition.
    return f"""
        SELECT cause FROM (
            SELECT cause FROM records_sendingrecord
            WHERE NOT (outcome = '{Outcome.ACCEPTED}') AND outcome = '{outcome}'
            ORDER BY started_at DESC, id DESC LIMIT {_RECENT}
        ) AS latest_{outcome}
    """  # noqa: S608  # names and values of our own, nothing from outside


CAUSES = " UNION ".join(_latest_causes(outcome) for outcome in _WITH_CAUSE)
CHOICES = f"""
    SELECT 'sender', address FROM senders_sender
    UNION ALL SELECT 'sender', value FROM ({known_values("sender_address")}) AS senders
    UNION ALL SELECT 'template', value FROM ({known_values("template_name")}) AS templates
    UNION ALL SELECT 'cause', cause FROM ({CAUSES}) AS causes
"""  # noqa: S608  # names and values of our own, nothing from outside
