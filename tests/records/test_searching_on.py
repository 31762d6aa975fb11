"""Searches that stop to stay fast: what they say, how they go on in either direction, and how they end."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from records.listing import views
from records.models import SendingRecord
from records.paging import Position
from records.search import plans
from tests.people import client_of, make_person
from tests.records.rows import NOON, make_mail, make_record

URL = "/system/setting/mailbox/records/"


@pytest.fixture
def client(db: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    """One who may do all that is offered, of a list whose searches stop after four records."""
    monkeypatch.setattr(plans, "BUDGET_WITH_MAILS", 4)
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    permissions = ("view_sendingrecord", "view_content", "export_records", "send_mail")
    return client_of(make_person(*(f"records.{each}" for each in permissions)))


def make_history(number: int, *rare: int) -> list[SendingRecord]:
    """Records a minute apart, the newest first; some have another subject."""
    mails = {is_rare: make_mail(subject="A rare one" if is_rare else "Rows") for is_rare in (True, False)}
    return [
        make_record(mails[place in rare], epoch=place + 1, started_at=NOON - timedelta(minutes=place))
        for place in range(number)
    ]


def link(text: str, attribute: str, mark: str) -> str:
    """Find the address of the link that has a mark."""
    (tag,) = [tag for tag in re.findall(r"<a [^>]*>", text) if mark in tag]
    found = re.search(rf'\s{attribute}="([^"]+)"', tag)
    assert found
    return found[1].replace("&amp;", "&")


def heading(text: str) -> str:
    found = re.search(r'<h2 id="total"[^>]*>(.*?)</h2>', text, re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def ask(client: Client, url: str) -> str:
    return client.get(url, headers={"HX-Request": "true"}).content.decode()


def test_what_is_found_on_the_way_is_counted_in_the_heading(client: Client) -> None:
    make_history(10, 5, 9)
    text = client.get(URL, {"subject": "rare"}).content.decode()
    assert heading(text) == "No record found so far"
    headings = []
    while "data-search-on" in text:
        text = ask(client, link(text, "hx-get", "data-search-on"))
        headings.append(heading(text))
    assert headings == ["At least 1 record", "2 records"]
    assert 'id="results-said" hx-swap-oob="innerHTML"' in text


def test_what_was_found_so_far_is_in_no_address_that_leads_elsewhere(client: Client) -> None:
    make_history(12, 5, 6, 7)
    text = client.get(URL, {"subject": "rare"}).content.decode()
    text = ask(client, link(text, "hx-get", "data-search-on"))
    assert heading(text) == "At least 2 records"
    for name in ("part=", "newer=", "so_far="):
        assert name not in link(text, "href", 'rel="next"')


def test_a_page_further_back_leaves_the_number_as_it_is(client: Client) -> None:
    records = make_history(12, 0, 11)
    before = str(Position(records[2].started_at, records[2].pk))
    text = client.get(URL, {"subject": "rare", "before": before}).content.decode()
    text = ask(client, link(text, "hx-get", "data-search-on"))
    assert heading(text) == ""


def test_a_screen_reader_hears_how_far_a_folded_search_went_on(client: Client) -> None:
    make_history(12, 11)
    text = client.get(URL, {"subject": "rare", "fold": "1"}).content.decode()
    text = ask(client, link(text, "hx-get", "data-search-on"))
    said = text[text.index('id="results-said"') : text.index('id="rest"')]
    assert "Searched back to 2026-03-10 11:53:00. Older records may match." in said


def test_what_can_be_done_with_all_is_offered_before_the_first_was_found(client: Client) -> None:
    make_history(10, 9)
    text = client.get(URL, {"subject": "rare"}).content.decode()
    assert "Send again" in text
    assert "export.csv?subject=rare" in text


def test_where_nothing_is_found_up_to_the_end_that_is_said(client: Client) -> None:
    make_history(6)
    text = client.get(URL, {"subject": "rare"}).content.decode()
    text = ask(client, link(text, "hx-get", "data-search-on"))
    assert heading(text) == "0 records"
    assert "No record matches these filters" in text


def test_a_search_towards_newer_records_that_found_nothing_counts_nothing(client: Client) -> None:
    records = make_history(12)
    after = str(Position(records[10].started_at, records[10].pk))
    text = client.get(URL, {"subject": "rare", "after": after}).content.decode()
    assert "Searched up to" in text
    assert heading(text) == "No record found so far"


def test_a_search_towards_newer_records_says_how_far_it_went_and_goes_on(client: Client) -> None:
    records = make_history(12, 0, 10, 11)
    after = str(Position(records[10].started_at, records[10].pk))
    text = client.get(URL, {"subject": "rare", "after": after}).content.decode()
    ends = []
    while found := re.search(r"Searched up to 2026-03-10 ([0-9:]+)\. Newer records may match\.", text):
        ends.append(found[1])
        assert link(text, "href", "data-search-on") == link(text, "hx-get", "data-search-on")
        text = ask(client, link(text, "hx-get", "data-search-on"))
    assert ends == ["11:54:00", "11:58:00"]
    assert f"{URL}{records[0].pk}/" in text


@pytest.mark.parametrize("so_far", ["x", "-1", "9" * 30])
def test_a_number_that_is_none_is_passed_over(client: Client, so_far: str) -> None:
    make_history(10)
    text = client.get(URL, {"subject": "rare"}).content.decode()
    asked = link(text, "hx-get", "data-search-on").replace("so_far=0", f"so_far={so_far}")
    assert heading(ask(client, asked)) == ""
