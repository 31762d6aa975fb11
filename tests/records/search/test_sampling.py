"""What records of many addresses look like, told from some of them."""

from datetime import timedelta

import pytest

from records.search import sampling
from records.search.sampling import ToSample, take_sample
from records.search.scope import Scope
from tests.records.rows import NOON, make_record

pytestmark = pytest.mark.django_db

ADDRESSES = [f"r{number}@example.net" for number in range(8)]


@pytest.fixture(autouse=True)
def _records() -> None:
    """Ten records of each address, one an hour, all at the same times."""
    for address in ADDRESSES:
        for hours in range(10):
            make_record(receiver_address=address, started_at=NOON + timedelta(hours=hours))
    make_record(receiver_address="somebody@example.net", started_at=NOON)


def test_few_records_are_read_wholly() -> None:
    sample = take_sample(ADDRESSES, ToSample(Scope(), limit=81, size=9))
    assert (sample.number, sample.is_whole, sample.near) == (80, True, None)
    newest = [NOON + timedelta(hours=9)] * 8 + [NOON + timedelta(hours=8)]
    assert [position.started_at for position in sample.positions] == newest


@pytest.mark.parametrize(("newest_first", "hours"), [(True, 6), (False, 3)])
def test_of_many_records_it_is_told_where_the_first_ones_end(
    monkeypatch: pytest.MonkeyPatch, newest_first: bool, hours: int
) -> None:
    """Of 80 records 28 are wanted, and 30 read: those of three addresses of eight, which have 10 of the 28."""
    monkeypatch.setattr(sampling, "NEAR", 28)
    sample = take_sample(ADDRESSES, ToSample(Scope(newest_first=newest_first), limit=30))
    assert (sample.number, sample.is_whole) == (30, False)
    assert sample.near == NOON + timedelta(hours=hours)


def test_only_the_days_that_are_asked_for_are_read() -> None:
    scope = Scope(starts_at=NOON + timedelta(hours=2), ends_at=NOON + timedelta(hours=4))
    assert take_sample(ADDRESSES, ToSample(scope, limit=100)).number == 16


def test_of_none_there_is_nothing_to_tell() -> None:
    assert take_sample(["nobody@example.net"], ToSample(Scope(), limit=3, size=2))[1:] == (0, True, None, [])
