"""Older and newer pages, and positions that somebody made up."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from records.filters import RecordFilters
from records.listing import views
from records.models import SendingRecord
from records.paging import Position, find_position
from records.search.finding import find_page
from tests.people import client_of, make_person
from tests.records.rows import NOON, make_mail, make_record

ALL = RecordFilters()
URL = "/system/setting/mailbox/records/"


def make_records(count: int) -> None:
    """Records two by two at the same moment, so that the id has to decide."""
    mail = make_mail()
    for index in range(count):
        make_record(mail, receiver_address=f"r{index}@example.net", started_at=NOON + timedelta(seconds=index // 2))


def numbers(records: list[SendingRecord]) -> list[int]:
    return [int(record.receiver_address.partition("@")[0][1:]) for record in records]


@pytest.mark.django_db
def test_every_record_is_on_exactly_one_page() -> None:
    make_records(7)
    first = find_page(ALL, 3)
    second = find_page(ALL, 3, before=first.older)
    third = find_page(ALL, 3, before=second.older)
    assert [numbers(page.records) for page in (first, second, third)] == [[6, 5, 4], [3, 2, 1], [0]]
    assert first.newer is None
    assert third.older is None


@pytest.mark.django_db
def test_the_way_back_shows_the_same_pages() -> None:
    make_records(8)
    second = find_page(ALL, 3, before=find_page(ALL, 3).older)
    third = find_page(ALL, 3, before=second.older)
    assert numbers(find_page(ALL, 3, after=third.newer).records) == numbers(second.records)
    assert numbers(find_page(ALL, 3, after=second.newer).records) == [7, 6, 5]


@pytest.mark.django_db
def test_the_newest_page_is_full_even_when_reached_from_behind() -> None:
    make_records(4)
    page = find_page(ALL, 3, after=Position(NOON, 10**9))
    assert numbers(page.records) == [3, 2, 1]
    assert page.newer is None


@pytest.mark.django_db
def test_new_records_shift_nothing_on_an_older_page() -> None:
    make_records(6)
    older = find_page(ALL, 3).older
    make_record(receiver_address="r99@example.net", started_at=NOON + timedelta(hours=1))
    assert numbers(find_page(ALL, 3, before=older).records) == [2, 1, 0]


@pytest.mark.django_db
def test_a_page_whose_records_are_gone_leads_to_the_newest() -> None:
    make_records(2)
    page = find_page(ALL, 3, before=Position(NOON - timedelta(days=1), 1))
    assert numbers(page.records) == [1, 0]


@pytest.mark.django_db
def test_the_pages_link_to_each_other_and_keep_the_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    make_records(5)
    client = client_of(make_person("records.view_sendingrecord"))
    first = client.get(URL, {"receiver": "example"})
    older = first.context["page"].older
    assert f'href="{URL}?receiver=example&amp;before={older}" rel="next"' in _flat(first.content)
    second = client.get(URL, {"receiver": "example", "before": str(older)})
    newer = second.context["page"].newer
    assert f'href="{URL}?receiver=example&amp;after={newer}" rel="prev"' in _flat(second.content)


def _flat(content: bytes) -> str:
    return " ".join(content.decode().split())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "1",
        "1-",
        "-1",
        "1-2-3",
        "x-1",
        "1-x",
        "1 - 2",
        "١-٢",
        "9" * 18 + "-1",
        "1-" + "9" * 19,
        "1-1\n",
        "1e3-1",
    ],
)
def test_a_made_up_position_is_none(text: str) -> None:
    assert find_position(text) is None


@given(st.datetimes(datetime(1970, 1, 1), datetime(9998, 1, 1)), st.integers(0, 2**63 - 1))  # noqa: DTZ001
def test_a_position_survives_the_address(moment: datetime, record_id: int) -> None:
    position = Position(moment.replace(tzinfo=UTC), record_id)
    assert find_position(str(position)) == position


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_a_position(text: str) -> None:
    position = find_position(text)
    assert position is None or str(position).count("-") == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "position", ["9223372036854775807-9223372036854775807", "nonsense", "253370764800000000-1", "1-0"]
)
def test_a_made_up_position_in_the_address_shows_a_page(client: Client, position: str) -> None:
    make_record()
    client.force_login(make_person("records.view_sendingrecord"))
    for name in ("before", "after"):
        response = client.get(URL, {name: position})
        assert response.status_code == 200
        assert numbers_of(response.context["page"].records) == ["anna@example.net"]


def numbers_of(records: list[SendingRecord]) -> list[str]:
    return [record.receiver_address for record in records]
