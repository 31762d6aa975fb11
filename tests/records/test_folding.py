"""The tries of one mail at one receiver as one line: which one, how many, and from page to page."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from records.enums import Outcome, ResultClass
from records.filters import RecordFilters
from records.listing import folding, views
from records.listing.folding import find_folded_page
from records.models import Mail, SendingRecord
from records.search.finding import find_page
from tests.people import client_of, make_person
from tests.records.rows import NOON, make_mail, make_record

if TYPE_CHECKING:
    from django.test import Client

    from records.paging import Position

URL = "/system/setting/mailbox/records/"


def make_tries(receiver: str, *minutes: int, outcome: Outcome = Outcome.DEFERRED) -> list[SendingRecord]:
    """One mail, tried at these minutes after NOON."""
    mail = make_mail()
    return [
        make_record(
            mail, receiver_address=receiver, epoch=epoch, outcome=outcome, started_at=NOON + timedelta(minutes=minute)
        )
        for epoch, minute in enumerate(minutes, start=1)
    ]


def walk(filters: RecordFilters, size: int) -> list[tuple[str, int]]:
    """Receiver and number of tries of every line, page by page."""
    lines: list[tuple[str, int]] = []
    before: Position | None = None
    while True:
        folded = find_folded_page(filters, size, before=before)
        lines += [(each.receiver_address, len(folded.tries[each.pk])) for each in folded.page.records]
        if folded.page.older is None:
            return lines
        before = folded.page.older


@pytest.mark.django_db
def test_a_line_stands_where_the_latest_try_stands_and_says_how_many_there_were() -> None:
    make_tries("a@example.net", 0, 10, 50)
    make_tries("b@example.net", 30)
    folded = find_folded_page(RecordFilters(), 50)
    assert [(each.receiver_address, len(folded.tries[each.pk])) for each in folded.page.records] == [
        ("a@example.net", 3),
        ("b@example.net", 1),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["ÜBERSICHT", "übersicht"])
def test_letters_of_every_language_are_folded_as_they_are_found(typed: str) -> None:
    deferred, accepted = make_tries("a@example.net", 0, 10)
    SendingRecord.objects.filter(pk=accepted.pk).update(outcome=Outcome.ACCEPTED)
    Mail.objects.filter(pk=deferred.mail_id).update(subject="Übersicht")
    filters = RecordFilters(subject=typed)
    # Whether case counts beyond ASCII is the database's own rule: the test is that both go by the same.
    is_found = bool(find_page(filters, 50).records)
    folded = find_folded_page(filters, 50)
    lines = [(each.pk, len(folded.tries[each.pk])) for each in folded.page.records]
    assert lines == ([(accepted.pk, 2)] if is_found else [])


@pytest.mark.django_db
def test_receivers_of_one_mail_have_a_line_each() -> None:
    mail = make_mail()
    for epoch in (1, 2):
        for receiver in ("a@example.net", "b@example.net"):
            make_record(mail, receiver_address=receiver, epoch=epoch, started_at=NOON + timedelta(minutes=epoch))
    assert sorted(walk(RecordFilters(), 50)) == [("a@example.net", 2), ("b@example.net", 2)]


@pytest.mark.django_db
def test_the_filters_say_which_tries_are_folded() -> None:
    tries = make_tries("a@example.net", 0, 10, 50)
    SendingRecord.objects.filter(pk=tries[2].pk).update(outcome=Outcome.ACCEPTED)
    assert walk(RecordFilters(result=ResultClass.FAILED), 50) == [("a@example.net", 2)]
    assert walk(RecordFilters(result=ResultClass.SUCCESS), 50) == [("a@example.net", 1)]


@pytest.mark.django_db
def test_a_page_that_folds_to_little_is_filled_up() -> None:
    make_tries("a@example.net", 40, 41, 42, 43)
    for minute in (3, 2, 1):
        make_tries(f"r{minute}@example.net", minute)
    folded = find_folded_page(RecordFilters(), 3)
    assert [each.receiver_address for each in folded.page.records] == [
        "a@example.net",
        "r3@example.net",
        "r2@example.net",
    ]
    assert walk(RecordFilters(), 3)[3:] == [("r1@example.net", 1)]


@pytest.mark.django_db
def test_very_many_tries_make_a_short_page_that_says_so_and_leads_on() -> None:
    make_tries("a@example.net", *range(10, 10 + 2 * (folding.MAX_READS + 1)))
    make_tries("b@example.net", 1)
    page = find_folded_page(RecordFilters(), 2).page
    assert [each.receiver_address for each in page.records] == ["a@example.net"]
    assert page.older is not None
    assert page.searched_to == page.older.started_at
    assert walk(RecordFilters(), 2) == [("a@example.net", 10), ("b@example.net", 1)]


@pytest.mark.django_db
def test_folding_takes_a_bounded_number_of_queries() -> None:
    make_tries("a@example.net", 1, 2)
    with CaptureQueriesContext(connection) as few:
        find_folded_page(RecordFilters(), 50)
    for number in range(5):
        make_tries(f"r{number}@example.net", 1, 2, 3)
    with CaptureQueriesContext(connection) as more:
        find_folded_page(RecordFilters(), 50)
    assert len(more) == len(few)


class EveryLineOnce(TestCase):
    """Whatever the tries, paging shows each receiver once, with all its tries."""

    @settings(deadline=None)
    @given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6), max_size=8), st.integers(1, 4))
    def test_every_receiver_has_one_line(self, mails: list[list[int]], size: int) -> None:
        for number, minutes in enumerate(mails):
            make_tries(f"r{number}@example.net", *minutes)
        expected = [(f"r{number}@example.net", len(minutes)) for number, minutes in enumerate(mails)]
        assert sorted(walk(RecordFilters(), size)) == sorted(expected)


@pytest.fixture
def show(db: None) -> Callable[..., str]:
    client: Client = client_of(make_person("records.view_sendingrecord"))
    return lambda **query: client.get(URL, query).content.decode()


def test_the_page_folds_when_its_address_says_so(show: Callable[..., str]) -> None:
    make_tries("a@example.net", 0, 10, 50)
    assert show().count("a@example.net</bdi>") == 3
    make_tries("b@example.net", 5)
    folded = show(fold="1")
    assert "4 tries in 2 lines" in " ".join(folded.split())
    assert "one line per mail and receiver" in folded
    assert folded.count("a@example.net</bdi>") == 1
    assert "3 tries" in folded
    assert "tries</span>" not in show()


def test_folding_stays_in_force_from_page_to_page(show: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 1)
    make_tries("a@example.net", 0, 10)
    make_tries("b@example.net", 5)
    text = show(fold="1", receiver="example")
    assert 'name="fold" value="1"' in text
    assert f'href="{URL}?fold=1&amp;receiver=example&amp;before=' in text
    assert f'href="{URL}?receiver=example"' in text
