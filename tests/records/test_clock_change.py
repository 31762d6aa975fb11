"""Filtering by times of day on the days when clocks change."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from records.filters import RecordFilters
from records.forms import find_filters_from

FORWARD, BACK = date(2026, 3, 29), date(2026, 10, 25)
"""In Berlin: from 02:00 to 03:00, at 01:00 UTC; and from 03:00 to 02:00, at 01:00 UTC."""


@pytest.fixture(autouse=True)
def _in_berlin() -> Iterator[None]:
    with timezone.override("Europe/Berlin"):
        yield


def moments(day: date, since_time: time, until_time: time) -> tuple[datetime | None, datetime | None]:
    filters = RecordFilters(since=day, until=day, since_time=since_time, until_time=until_time)
    return filters.starts_at, filters.ends_at


@pytest.mark.parametrize("skipped", [time(2), time(2, 0, 1), time(2, 30), time(2, 59, 59), time(3)])
def test_a_time_that_is_skipped_is_the_moment_at_which_clocks_are_put_forward(skipped: time) -> None:
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert moments(FORWARD, skipped, skipped) == (change, change)


def test_an_hour_that_comes_twice_is_kept_whole() -> None:
    assert moments(BACK, time(2), time(2, 30)) == (
        datetime(2026, 10, 25, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    )


def test_times_around_a_change_are_what_the_clock_shows() -> None:
    assert moments(FORWARD, time(1, 59), time(3, 1)) == (
        datetime(2026, 3, 29, 0, 59, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 1, tzinfo=UTC),
    )
    assert moments(BACK, time(1, 59), time(3)) == (
        datetime(2026, 10, 24, 23, 59, tzinfo=UTC),
        datetime(2026, 10, 25, 2, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/Havana", date(2026, 3, 8)),  # its first hour is skipped
        ("America/Havana", date(2026, 11, 1)),  # its first hour comes twice
        ("Pacific/Apia", date(2011, 12, 30)),  # it is skipped as a whole
        ("Europe/Berlin", FORWARD),
        ("Europe/Berlin", BACK),
    ],
)
def test_a_day_begins_where_the_day_before_ends(zone: str, day: date) -> None:
    with timezone.override(zone):
        before, after = RecordFilters(until=date.fromordinal(day.toordinal() - 1)), RecordFilters(since=day)
        assert before.ends_at == after.starts_at
        assert RecordFilters(until=day).ends_at == RecordFilters(since=date.fromordinal(day.toordinal() + 1)).starts_at


def test_a_day_that_is_skipped_as_a_whole_is_empty() -> None:
    with timezone.override("Pacific/Apia"):
        filters = RecordFilters(since=date(2011, 12, 30), until=date(2011, 12, 30))
        assert filters.starts_at == filters.ends_at == datetime(2011, 12, 30, 10, tzinfo=UTC)


days = st.dates(date(1971, 1, 1), date(2037, 1, 1))
times = st.none() | st.times().map(lambda moment: moment.replace(microsecond=0))
zones = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Havana", "Australia/Lord_Howe"])


@given(days, st.integers(1, 40), times, times, st.tuples(zones, zones))
def test_in_another_zone_the_same_time_is_meant(
    since: date, length: int, since_time: time | None, until_time: time | None, between: tuple[str, str]
) -> None:
    theirs, own = between
    filters = RecordFilters(
        sender="a@example.org", since=since, until=since + timedelta(days=length), since_time=since_time,
        until_time=until_time,
    )  # fmt: skip
    with timezone.override(theirs):
        meant = filters.starts_at, filters.ends_at
    with timezone.override(own):
        found = find_filters_from(theirs, filters.as_query())
        assert found
        assert found.sender == "a@example.org"
        assert found.starts_at
        assert found.ends_at
        assert meant[0]
        assert meant[1]
        # All of it, and where the clock shows an hour twice perhaps that hour beside.
        assert timedelta() <= meant[0] - found.starts_at <= timedelta(hours=1)
        assert timedelta() <= found.ends_at - meant[1] <= timedelta(hours=1)


def test_in_the_same_zone_the_same_days_are_named() -> None:
    assert find_filters_from("Europe/Berlin", "receiver=a&since=2026-03-10&until=2026-03-12T14%3A00") == RecordFilters(
        receiver="a", since=date(2026, 3, 10), until=date(2026, 3, 12), until_time=time(14)
    )
    assert find_filters_from("Asia/Shanghai", "receiver=a") == RecordFilters(receiver="a")
    assert find_filters_from("Asia/Shanghai", "result=maybe") is None
