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
    post_office: Parameters | None = None
    """The same to post_office's admin, where that can be asked."""


def _days(first: int, last: int) -> Parameters:
    today = datetime.now(UTC).date()
    return {"since": str(today - timedelta(first)), "until": str(today - timedelta(last))}


def _stock_days(first: int, last: int) -> Parameters:
    days = _days(first, last)
    return {"started_at__date__gte": days["since"], "started_at__date__lte": days["until"]}


def _post_office_days(first: int, last: int) -> Parameters:
    days = _days(first, last - 1)
    return {"created__gte": f"{days['since']} 00:00+00:00", "created__lt": f"{days['until']} 00:00+00:00"}


def _sender(name: str) -> tuple[Parameters, Parameters]:
    return {"sender": name}, {"sender_address": name}


def _receiver(part: str) -> tuple[Parameters, Parameters, Parameters]:
    return {"receiver": part}, {"q": part}, {"q": part}


def _template(name: str) -> tuple[Parameters, Parameters, Parameters]:
    return {"template": name}, {"template_name": name}, {"template__name": name}


def _result(name: str, outcomes: str, status: str | None = None) -> tuple[Parameters, Parameters, Parameters | None]:
    return {"result": name}, {"outcome__in": outcomes}, {"status__exact": status} if status else None


def _within(first: int, last: int) -> tuple[Parameters, Parameters, Parameters]:
    return _days(first, last), _stock_days(first, last), _post_office_days(first, last)


SINGLE = (
    Case("no filter", {}, {}, {}),
    Case("sender, frequent", *_sender("sender1@example.com")),
    Case("sender, rare", *_sender("sender8@example.com")),
    Case("sender, in old dates only", *_sender("retired@example.com")),
    Case("receiver, frequent part", *_receiver("example")),
    Case("receiver, a first name", *_receiver("anna")),
    Case("receiver, rare part", *_receiver("wagner123")),
    Case("receiver, part of nothing", *_receiver("nosuchpart")),
    Case("receiver, two letters of nothing", *_receiver("qz")),
    Case("template, frequent", *_template("template-1")),
    Case("template, rare", *_template("template-10")),
    Case("result, success", *_result("success", "accepted", "0")),
    Case("result, failed", *_result("failed", "refused,deferred,not_connected,lost,skipped", "1")),
    Case("result, rare", *_result("uncertain", "unknown")),
    Case("ten days", *_within(30, 20)),
    Case("ten old days", *_within(DAYS - 5, DAYS - 15)),
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
    Case("part of nothing whose trigrams all have", {"receiver": "example.com@"}),
    Case("Chinese part", {"receiver": "邮件系统"}),
    Case("a percent sign, failed", {"receiver": "%", "result": "failed"}),
    Case("a backslash", {"receiver": "\\"}),
    Case("a very long part", {"receiver": "anna.berger" * 12}),
    Case("an address of a fiftieth, rare template", {"receiver": "operations@", "template": "template-10"}),
    Case("an address of a fiftieth, a cause", {"receiver": "operations@", "cause": "cause-3"}),
    Case("some name, failed, cause that never was", {"receiver": "berger", "result": "failed", "cause": "never"}),
    Case("cause that never was", {"cause": "never"}),
    Case("sender, template, failed, no such cause", {
        "sender": "sender1@example.com", "template": "template-1", "result": "failed", "cause": "never",
    }),
    Case("subject of nothing", {"subject": "nosuchsubject"}),
    Case("failed, subject of nothing", {"result": "failed", "subject": "nosuchsubject"}),
    Case("Message-ID of nothing", {"message_id": "<nothing@example.com>"}),
    Case("requester of nothing", {"requester": "nobody"}),
)  # fmt: skip
