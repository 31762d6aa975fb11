"""What the list says about its filters: a chip for each that takes it away, what is folded away, what was found."""

from html.parser import HTMLParser

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from records.filters import RecordFilters
from records.forms import find_filters
from records.listing.active import list_active
from records.paging import Page, Position
from tests.people import client_of, make_person
from tests.records.rows import NOON, make_record

URL = "/system/setting/mailbox/records/"


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_sendingrecord", "records.view_content"))


def chips(query: str) -> list[tuple[str, str, str]]:
    filters = find_filters(query)
    assert filters is not None
    return [(str(chip.label), str(chip.value), chip.query) for chip in list_active(filters, QueryDict(query))]


def test_each_filter_in_force_has_a_chip_that_takes_it_away() -> None:
    assert chips("receiver=anna&result=failed&cause=spam&range=7d") == [
        ("Receiver", "anna", "?result=failed&cause=spam&range=7d"),
        ("Result", "Failed", "?receiver=anna&cause=spam&range=7d"),
        ("Days", "7 days", "?receiver=anna&result=failed&cause=spam"),
        (
            "Cause",
            "The server takes this mail for spam because of its content.",
            "?receiver=anna&result=failed&range=7d",
        ),
    ]


def test_taking_one_away_leads_to_the_first_page_and_drops_what_is_empty() -> None:
    query = "receiver=anna&sender=&template=&since=&phase=auth&before=5-5&fold=1"
    assert chips(query) == [
        ("Receiver", "anna", "?phase=auth&fold=1"),
        ("Step", "Sign in", "?receiver=anna&fold=1"),
    ]


def test_relative_days_that_named_ones_won_over_are_gone_for_good() -> None:
    assert chips("range=today&since=2026-03-10&receiver=a")[0] == ("From", "2026-03-10", "?receiver=a")


def test_without_filters_there_is_no_chip(client: Client) -> None:
    make_record()
    assert list_active(RecordFilters(), QueryDict("fold=1")) == []
    assert "Filters in force" not in client.get(URL).content.decode()


def test_what_was_typed_is_shown_as_text(client: Client) -> None:
    make_record()
    text = client.get(URL, {"subject": "<b>bold"}).content.decode()
    assert "<b>bold" not in text
    assert text.count("&lt;b&gt;bold") >= 2


class _Details(HTMLParser):
    is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "details" and "more-filters" in (dict(attrs).get("class") or ""):
            self.is_open = "open" in dict(attrs)


@pytest.mark.parametrize(
    ("query", "is_open", "count"),
    [
        ({}, False, None),
        ({"receiver": "anna"}, False, None),
        ({"phase": "auth"}, True, "1 in use"),
        ({"phase": "auth", "subject": "x"}, True, "2 in use"),
        ({"phase": "lunch"}, True, "1 in use"),
    ],
)
def test_more_filters_stay_open_when_one_is_used(
    client: Client, query: dict[str, str], is_open: bool, count: str | None
) -> None:
    text = client.get(URL, query).content.decode()
    details = _Details()
    details.feed(text)
    assert details.is_open is is_open
    assert ("in use" in text) is (count is not None)
    assert (count or "") in text


def test_a_part_tells_the_number_in_use_to_the_form_that_stays(client: Client) -> None:
    text = client.get(URL, {"phase": "auth"}, headers={"HX-Request": "true"}).content.decode()
    assert '<span id="more-count" hx-swap-oob="true">' in text
    assert "1 in use" in text


@pytest.mark.parametrize(
    ("total", "is_at_least", "is_capped", "words"),
    [
        (1, False, False, "1 record\n"),
        (1234, False, False, "1,234 records\n"),
        (10_000, True, True, "More than 10,000 records\n"),
        (37, True, False, "At least 37 records\n"),
        (1, True, False, "At least 1 record\n"),
    ],
)
def test_the_number_says_how_sure_it_is(total: int, is_at_least: bool, is_capped: bool, words: str) -> None:
    text = render_to_string(
        "records/_results.html",
        {"page": Page([]), "total": total, "total_is_at_least": is_at_least, "total_is_capped": is_capped},
        RequestFactory().get(URL),
    )
    assert words in text.replace("        ", "").replace("  ", "")


def test_a_search_that_stopped_says_how_far_it_went_and_leads_on() -> None:
    page = Page([], older=Position(NOON, 7), searched_to=NOON)
    text = render_to_string(
        "records/_results.html",
        {"page": page, "total": 0, "filters": RecordFilters()},
        RequestFactory().get(URL + "?receiver=a"),
    )
    assert "Searched back to 2026-03-10 12:00:00. Older records may match." in text
    assert f'href="{URL}?receiver=a&amp;before=1773144000000000-7"' in text
    assert 'rel="next"' not in text
    assert "No record matches" not in text


def test_a_search_that_ended_only_leads_to_older_pages() -> None:
    page = Page([], older=Position(NOON, 7))
    text = render_to_string("records/_rest.html", {"page": page}, RequestFactory().get(URL))
    assert "Searched back" not in text
    assert 'rel="next"' in text


def test_searching_on_joins_rows_to_the_page_and_keeps_its_way_back(client: Client) -> None:
    record = make_record(receiver_address="older@example.net")
    newer = make_record(receiver_address="newer@example.net", started_at=NOON.replace(hour=13))
    query = {"before": str(Position(newer.started_at, newer.pk)), "part": "rest", "newer": "5-5"}
    text = client.get(URL, query, headers={"HX-Request": "true"}).content.decode()
    assert '<tbody hx-swap-oob="beforeend:#record-rows">' in text
    assert f"{URL}{record.pk}/" in text
    assert "newer@example.net" not in text
    assert f'href="{URL}?after=5-5"' in text


def test_searching_on_where_nothing_older_is_adds_nothing(client: Client) -> None:
    record = make_record()
    query = {"before": str(Position(record.started_at, record.pk)), "part": "rest"}
    text = client.get(URL, query, headers={"HX-Request": "true"}).content.decode()
    assert "<tr" not in text


def test_the_form_puts_each_step_into_the_address_once_and_only_what_is_filled(client: Client) -> None:
    make_record()

    def pushed(query: dict[str, str], current: str = URL) -> str:
        headers = {"HX-Request": "true", "HX-Trigger": "filters", "HX-Current-URL": f"http://testserver{current}"}
        return client.get(URL, query, headers=headers).headers["HX-Push-Url"]

    assert pushed({"receiver": "anna", "sender": "", "range": "7d", "since": "2026-03-10", "since_time": "14:00"}) == (
        f"{URL}?receiver=anna&since=2026-03-10T14%3A00"
    )
    assert pushed({"receiver": "anna", "sender": ""}, f"{URL}?receiver=anna") == "false"
    assert pushed({"receiver": "", "phase": "lunch"}) == f"{URL}?phase=lunch"
    assert pushed({"receiver": ""}, f"{URL}?receiver=anna") == URL
