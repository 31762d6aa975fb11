"""What the search finds is what reading every record finds, whichever way it chooses."""

import random
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.enums import Outcome, Phase, ResultClass
from records.filters import NO_CAUSE, RecordFilters
from records.models import SendingRecord
from records.paging import Page, Position
from records.search import addresses, planning, plans, sampling
from records.search.filling import fill
from records.search.finding import count, find_and_count, find_page
from records.statements import Question
from tests.records.rows import NOON, make_mail, make_record

pytestmark = pytest.mark.django_db

SENDERS = ["a@example.com", "b@example.com", "rare@example.com"]
TEMPLATES = ["", "daily", "weekly"]
RECEIVERS = [
    "anna@example.net", "Anna.Berg@Example.NET", "50%_off@example.net", "back\\slash@example.net", "bo@x.org",
    "o'neil@example.org", "zoë@exämple.net", '"quoted part"@example.net', "邮件_Zoë@例子.example.net",
]  # fmt: skip
PARTS = [
    "", "a", "an", "anna", "ANNA", "berg@e", "@", "example", "%", "_", "%_", "\\", "k\\s", "'",
    '"', '"quoted', "zoë", "nobody", "x.org", "邮件", "件_", "件%", "@例子.EX",
]  # fmt: skip
CAUSES = ["", "mailbox_full", "greylisted"]
DAYS = [None, *(NOON.date() + timedelta(days=days) for days in range(-2, 3))]


@pytest.fixture(autouse=True)
def _world() -> None:
    """Eighty records with many ties in time; the addresses of the last twenty are not known yet."""
    choose = random.Random(4)  # the same rows in every run
    mails = [make_mail(subject=f"Rows {number}", requested_by=choose.choice(["Lee", "kim"])) for number in range(9)]
    for number in range(80):
        outcome = choose.choice([Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.REFUSED, Outcome.DEFERRED, Outcome.LOST])
        mail = choose.choice(mails)
        make_record(
            mail,
            sender_address=choose.choices(SENDERS, [10, 5, 1])[0],
            template_name=choose.choice(TEMPLATES),
            receiver_address=choose.choice(RECEIVERS),
            outcome=outcome,
            cause="" if outcome == Outcome.ACCEPTED else choose.choice(CAUSES),
            phase=choose.choice(["", "rcpt", "data"]),
            requester_ip=choose.choice([None, "192.0.2.7", "2001:db8::7"]),
            started_at=NOON + timedelta(hours=choose.randrange(-40, 40)),
            epoch=number + 1,
        )
        if number == 60:
            fill(seconds=10)


@pytest.fixture(params=["as it is", "over few rows", "by many ways"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it choose otherwise on the same small table."""
    if request.param == "over few rows":
        for name in ("BUDGET", "BUDGET_ELSEWHERE", "BUDGET_WITH_MAILS"):
            monkeypatch.setattr(plans, name, 7)
        monkeypatch.setattr(addresses, "MAX_ADDRESSES", 1)
        monkeypatch.setattr(addresses, "MAX_IN_SAMPLE", 1)
    if request.param == "by many ways":
        _choose_by_many_ways(monkeypatch)


def _choose_by_many_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (addresses, planning):
        monkeypatch.setattr(room, "MAX_ARMS", 1)
    monkeypatch.setattr(sampling, "NEAR", 6)
    monkeypatch.setattr(planning, "SAMPLED", 4)
    monkeypatch.setattr(plans, "MAX_READ", 20)
    monkeypatch.setattr(planning, "PROBED", 5)
    monkeypatch.setattr(planning, "MAX_COUNTED", 12)


def some_filters() -> st.SearchStrategy[RecordFilters]:
    """Draw one filter or several."""
    some = {
        "sender": st.sampled_from(["", *SENDERS, "nobody@example.com"]),
        "receiver": st.sampled_from(PARTS),
        "template": st.sampled_from([*TEMPLATES, "none"]),
        "since": st.sampled_from(DAYS),
        "until": st.sampled_from(DAYS),
        "result": st.sampled_from([None, *ResultClass]),
        "outcome": st.sampled_from([None, Outcome.ACCEPTED, Outcome.LOST, Outcome.UNKNOWN]),
        "cause": st.sampled_from([*CAUSES, NO_CAUSE]),
        "phase": st.sampled_from([None, Phase.RCPT, Phase.DATA]),
        "requester": st.sampled_from(["", "192.0.2.7", "2001:DB8::7", "LEE", "nobody"]),
        "subject": st.sampled_from(["", "rows", "ROWS 3", "%"]),
    }
    return st.lists(st.sampled_from(sorted(some)), min_size=1, max_size=3, unique=True).flatmap(
        lambda names: st.builds(RecordFilters, **{name: some[name] for name in names})
    )


def expected(filters: RecordFilters) -> list[int]:
    """Find by reading every record."""
    records = SendingRecord.objects.select_related("mail").newest_first()
    return [record.pk for record in records if keeps(filters, record)]


def keeps(filters: RecordFilters, record: SendingRecord) -> bool:
    """Tell whether filters keep a record, each in plain words."""
    causes = {"": True, NO_CAUSE: not record.cause and record.outcome != Outcome.ACCEPTED}
    requesters = {"", record.mail.requested_by.lower(), *([record.requester_ip] if record.requester_ip else [])}
    return (
        filters.receiver.lower() in record.receiver_address.lower()
        and filters.sender in {"", record.sender_address}
        and filters.template in {"", record.template_name}
        and filters.result in {None, record.result}
        and filters.outcome in {None, record.outcome}
        and causes.get(filters.cause, filters.cause == record.cause)
        and filters.phase in {None, record.phase}
        and filters.requester.lower() in requesters
        and filters.subject.lower() in record.mail.subject.lower()
        and (filters.since or date.min) <= record.started_at.date() <= (filters.until or date.max)
    )


def pages_of(filters: RecordFilters, size: int) -> Iterator[Page]:
    """Turn page after page towards the oldest."""
    page = find_page(filters, size)
    yield page
    while page.older:
        before = page.older
        page = find_page(filters, size, before=before)
        if page.newer is None:  # nothing was left there, and the newest page is shown instead
            return
        yield page


def ids(records: list[SendingRecord]) -> list[int]:
    return [record.pk for record in records]


drawn = given(filters=some_filters(), size=st.sampled_from([1, 4, 50]))
alike = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.usefixtures("_way")
@drawn
@alike
def test_page_after_page_shows_every_record_that_is_asked_for_and_no_other(filters: RecordFilters, size: int) -> None:
    found = [pk for page in pages_of(filters, size) for pk in ids(page.records)]
    assert found == expected(filters)


@pytest.mark.usefixtures("_way")
@drawn
@alike
def test_a_page_that_is_not_full_says_how_far_it_looked(filters: RecordFilters, size: int) -> None:
    wanted = expected(filters)
    shown: list[int] = []
    for page in pages_of(filters, size):
        shown += ids(page.records)
        if len(page.records) < size and len(shown) < len(wanted):
            assert page.searched_to is not None
            missing = SendingRecord.objects.filter(pk__in=set(wanted) - set(shown))
            assert all(record.started_at <= page.searched_to for record in missing)


@pytest.mark.usefixtures("_way")
@drawn
@alike
def test_the_way_back_misses_nothing(filters: RecordFilters, size: int) -> None:
    last = list(pages_of(filters, size))[-1]
    found = ids(last.records)
    newer = last.newer
    for _ in range(200):
        if newer is None:
            break
        page = find_page(filters, size, after=newer)
        newer = page.newer
        found = [pk for pk in ids(page.records) if pk not in found] + found
    assert newer is None
    assert found == expected(filters)


@pytest.mark.usefixtures("_way")
@drawn
@alike
def test_a_count_is_right_or_says_that_there_may_be_more(filters: RecordFilters, size: int) -> None:
    number = len(expected(filters))
    found = find_and_count(filters, size, size, beside=[Question("SELECT 1"), Question("SELECT 2", is_along=True)])
    assert ids(found.page.records) == ids(find_page(filters, size).records)
    assert found.beside == [[(1,)], [(2,)]]
    for counted in (count(filters, size), found.count):
        assert counted.number <= min(number, size)
        assert counted.is_at_least or counted.number == number
    assert found.count.number >= len(found.page.records)


@pytest.mark.parametrize("size", [1, 4, 50])
@pytest.mark.parametrize(
    "filters", [RecordFilters(receiver="anna", sender=SENDERS[0]), RecordFilters(receiver="anna", phase=Phase.DATA)]
)
def test_records_of_addresses_that_are_far_more_than_a_sample_told_are_found_all_the_same(
    monkeypatch: pytest.MonkeyPatch, filters: RecordFilters, size: int
) -> None:
    _choose_by_many_ways(monkeypatch)
    monkeypatch.setattr(plans, "MAX_READ", 1)
    assert [pk for page in pages_of(filters, size) for pk in ids(page.records)] == expected(filters)


def test_what_is_counted_where_the_list_begins_is_said_to_be_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    _choose_by_many_ways(monkeypatch)
    filters = RecordFilters(receiver="anna", phase=Phase.DATA)
    counted = count(filters, 50)
    assert counted.is_at_least
    assert counted.number < len(expected(filters))


def test_a_message_id_and_a_mail_are_found() -> None:
    record = make_record(make_mail(message_id="<one@example.com>"))
    assert ids(find_page(RecordFilters(message_id="<one@example.com>"), 5).records) == [record.pk]
    assert ids(find_page(RecordFilters(mail_id=record.mail_id), 5).records) == [record.pk]
    assert count(RecordFilters(mail_id=record.mail_id, sender="rare@example.com"), 5).number == 0


def test_a_page_whose_records_are_gone_leads_to_the_newest() -> None:
    filters = RecordFilters(template="daily")
    gone = find_page(filters, 3, before=Position(NOON - timedelta(days=900), 1))
    assert ids(gone.records) == expected(filters)[:3]


def test_the_search_knows_every_filter() -> None:
    asked: dict[str, Any] = {
        "sender": "a", "receiver": "a", "template": "a", "result": ResultClass.FAILED, "mail_id": 1,
        "phase": Phase.DATA, "outcome": Outcome.LOST, "cause": "a", "requester": "a", "subject": "a", "message_id": "a",
    }  # fmt: skip
    known = {
        name for name, value in asked.items() if planning.Search(RecordFilters(**{name: value})).asks_for == {name}
    }
    # The days bound every walk; a range is a way to write them.
    assert known | {"since", "until", "since_time", "until_time", "range"} == {
        field.name for field in fields(RecordFilters)
    }


def test_a_search_that_stopped_on_its_way_ends_at_the_oldest_record_and_does_not_begin_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("BUDGET", "BUDGET_ELSEWHERE", "BUDGET_WITH_MAILS"):
        monkeypatch.setattr(plans, name, 7)
    filters = RecordFilters(subject="that no mail has")
    page = find_page(filters, 4)
    for _ in range(SendingRecord.objects.count()):
        if page.older is None:
            break
        page = find_page(filters, 4, before=page.older)
    assert (page.records, page.older, page.searched_to) == ([], None, None)
    assert page.newer is not None
