"""The filter form of a request, with what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from records.enums import Outcome, ResultClass
from records.forms import FilterForm
from records.models import SendingRecord
from records.search.walks import along_indexes
from senders.models import Sender

if TYPE_CHECKING:
    from django.http import HttpRequest

_RECENT = 300
"""So many of the latest tries of each outcome are looked at for their causes."""
_WITH_CAUSE = tuple(outcome for outcome in Outcome if outcome.result in {ResultClass.FAILED, ResultClass.UNCERTAIN})


def make_filter_form(request: HttpRequest) -> FilterForm:
    """Make the form of the filters that a request asks for, with everything to choose from."""
    senders = {*SendingRecord.objects.list_known("sender_address"), *Sender.objects.values_list("address", flat=True)}
    templates = SendingRecord.objects.list_known("template_name")
    return FilterForm(request.GET, senders=senders, templates=templates, causes=list_recent_causes())


def list_recent_causes() -> set[str]:
    """List the causes of the latest failures, in one query that reads a bounded part of an index."""
    with along_indexes(), connection.cursor() as cursor:
        cursor.execute(CAUSES)
        return {cause for (cause,) in cursor.fetchall() if cause}


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
