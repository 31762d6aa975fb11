"""The filter form of a request, with what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from records.enums import Outcome, ResultClass
from records.forms import FilterForm
from records.models import SendingRecord
from senders.models import Sender

if TYPE_CHECKING:
    from django.db.models import QuerySet
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
    latest = [_latest_causes(outcome) for outcome in _WITH_CAUSE]
    return set(latest[0].union(*latest[1:])) - {""}


def _latest_causes(outcome: Outcome) -> QuerySet[SendingRecord, str]:
    latest = SendingRecord.objects.filter(outcome=outcome).newest_first()[:_RECENT]
    # A table of its own, so that the union, which takes no order, may have one in each of its parts.
    return SendingRecord.objects.filter(pk__in=latest.values("pk")).order_by().values_list("cause", flat=True)
