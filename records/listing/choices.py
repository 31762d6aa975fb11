"""What there is to choose from in the form of the filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from records.enums import Outcome, ResultClass
from records.filters import NO_CAUSE
from records.querysets import known_values
from records.rollups.models import ANY
from records.statements import Question

if TYPE_CHECKING:
    from records.forms import FilterForm
    from records.statements import Rows

_WITH_CAUSE = tuple(outcome for outcome in Outcome if outcome.result in {ResultClass.FAILED, ResultClass.UNCERTAIN})


def offer_choices(form: FilterForm, found: Rows) -> None:
    """Offer everything that there is to choose from in the form of the filters: the answer to `CHOICES`."""
    choices: dict[str, set[str]] = {"sender": set(), "template": set(), "cause": set()}
    for kind, value in found:
        choices[kind].add(value)
    causes = {cause or NO_CAUSE for cause in choices["cause"]}
    form.offer(senders=choices["sender"], templates=choices["template"], causes=causes)


# Written by hand and without parameters: SQLite takes an index with a condition only where it reads that condition.
_CAUSES = f"""
    SELECT DISTINCT cause FROM records_rollupkey
    WHERE sender_address = '{ANY}' AND template_name = '{ANY}' AND server = '{ANY}'
        AND outcome IN ({", ".join(f"'{outcome}'" for outcome in _WITH_CAUSE)})
"""  # noqa: S608  # names and values of our own, nothing from outside
CHOICES = Question(
    f"""
    SELECT 'sender', address FROM senders_sender
    UNION ALL SELECT 'sender', value FROM ({known_values("sender_address")}) AS senders
    UNION ALL SELECT 'template', value FROM ({known_values("template_name")}) AS templates
    UNION ALL SELECT 'cause', cause FROM ({_CAUSES}) AS causes
    """,  # noqa: S608  # names and values of our own, nothing from outside
    None,
    is_along=True,
)
"""What there is to choose from: the accounts and templates that are known or occur, and the causes of failures that the
sums tell of. Of the records it reads a bounded part of some indexes."""
