"""What is asked of the record list: each filter alone, every pair, and what is worst."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import NamedTuple

from bench.records.generating import DAYS

Parameters = dict[str, str]


class Case(NamedTuple):
    """One question."""

    name: str
    parameters: Parameters
    stock: Parameters | None = None
    """The same question to the stock admin, where it is compared."""


def _days(first: int, last: int) -> Parameters:
    today = datetime.now(UTC).date()
    return {"since": str(today - timedelta(first)), "until": str(today - timedelta(last))}


def _stock_days(first: int, last: int) -> Parameters:
    days = _days(first, last)
    return {"started_at__date__gte": days["since"], "started_at__date__lte": days["until"]}


SINGLE = (
    Case("no filter", {}, {}),
    Case("sender, frequent", {"sender": "sender1@example.com"}, {"sender_address": "sender1@example.com"}),
    Case("sender, rare", {"sender": "sender8@example.com"}, {"sender_address": "sender8@example.com"}),
    Case("sender, in old dates only", {"sender": "retired@example.com"}, {"sender_address": "retired@example.com"}),
    Case("receiver, frequent part", {"receiver": "example"}, {"q": "example"}),
    Case("receiver, a first name", {"receiver": "anna"}, {"q": "anna"}),
    Case("receiver, rare part", {"receiver": "wagner123"}, {"q": "wagner123"}),
    Case("receiver, part of nothing", {"receiver": "nosuchpart"}, {"q": "nosuchpart"}),
    Case("receiver, two letters of nothing", {"receiver": "qz"}, {"q": "qz"}),
    Case("template, frequent", {"template": "template-1"}, {"template_name": "template-1"}),
    Case("template, rare", {"template": "template-10"}, {"template_name": "template-10"}),
    Case("result, success", {"result": "success"}, {"outcome__in": "accepted"}),
    Case("result, failed", {"result": "failed"}, {"outcome__in": "refused,deferred,not_connected,lost,skipped"}),
    Case("result, rare", {"result": "uncertain"}, {"outcome__in": "unknown"}),
    Case("ten days", _days(30, 20), _stock_days(30, 20)),
    Case("ten old days", _days(DAYS - 5, DAYS - 15), _stock_days(DAYS - 5, DAYS - 15)),
)
_FREQUENT = {
    "sender": {"sender": "sender1@example.com"}, "receiver": {"receiver": "anna"},
    "template": {"template": "template-1"}, "days": _days(300, 100), "result": {"result": "failed"},
}  # fmt: skip
_RARE = {
    "sender": {"sender": "sender7@example.com"}, "receiver": {"receiver": "wagner12"},
    "template": {"template": "template-9"}, "days": _days(DAYS - 5, DAYS - 15), "result": {"result": "uncertain"},
}  # fmt: skip


def _pairs() -> list[Case]:
    return [
        Case(f"{one} and {other}: {kinds}", {**first[one], **second[other]})
        for one, other in combinations(_FREQUENT, 2)
        for kinds, first, second in (
            ("frequent", _FREQUENT, _FREQUENT), ("frequent, rare", _FREQUENT, _RARE),
            ("rare, frequent", _RARE, _FREQUENT), ("rare", _RARE, _RARE),
        )
    ]  # fmt: skip


PAIRS = tuple(_pairs())
WORST = (
    Case("all five, rare", {name: value for part in _RARE.values() for name, value in part.items()}),
    Case("two letters of nothing in old days", {"receiver": "qz", **_days(DAYS - 5, DAYS - 15)}),
    Case("frequent part, rare result", {"receiver": "example", "result": "uncertain"}),
    Case("a first name, failed, rare template", {"receiver": "anna", "result": "failed", "template": "template-9"}),
    Case("cause that never was", {"cause": "never"}),
    Case("subject of nothing", {"subject": "nosuchsubject"}),
)
