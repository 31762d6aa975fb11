"""Which parts of addresses are worth a look into the index."""

from datetime import timedelta

import pytest
from django.db import connection

from records.search import addresses
from records.search.addresses import Beside, Receivers, ToRead, find_addresses
from records.search.filling import fill
from records.search.scope import Scope
from tests.records.rows import NOON, make_record

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _colleagues() -> None:
    for number in range(20):
        make_record(receiver_address=f"someone{number}@example.com")
    make_record(receiver_address="jo@example.com")
    fill(seconds=10)


@pytest.mark.parametrize("part", ["jo@example.com", "JO@EXAMPLE", "someone7@example.com"])
def test_a_rare_address_is_found_though_the_most_of_it_is_in_every_other(part: str) -> None:
    assert find_addresses(part) == Receivers([part.lower() if "." in part else "jo@example.com"])


def test_a_part_of_nothing_that_only_the_index_would_take_for_frequent_is_not_looked_up_there() -> None:
    # PostgreSQL's trigrams leave out what is between words, so that each address would have to be looked at.
    assert find_addresses("example.com@") == (None if connection.vendor == "postgresql" else Receivers([]))


def test_letters_that_no_index_knows_are_left_to_the_walk() -> None:
    assert find_addresses("邮件系") in (None, Receivers([]))


@pytest.fixture
def _all_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "MAX_IN_SAMPLE", 1000)


@pytest.mark.usefixtures("_all_fit")
@pytest.mark.parametrize("newest_first", [True, False])
def test_records_are_read_along_with_the_addresses_known_or_not(newest_first: bool) -> None:
    for hours in range(5):
        make_record(receiver_address=f"someone{hours * 10}@example.com", started_at=NOON + timedelta(hours=hours))
    scope = Scope(starts_at=NOON + timedelta(hours=1), newest_first=newest_first)
    found = find_addresses("someone", ToRead(scope, limit=100, size=2, more_than=3))
    assert found is not None
    assert len(found.addresses) == 23
    if connection.vendor == "postgresql":
        first = [NOON + timedelta(hours=hours) for hours in ((4, 3) if newest_first else (1, 2))]
        assert found.beside is not None
        assert (found.beside.within, found.beside.number) == (scope, 4)
        assert [position.started_at for position in found.beside.positions] == first
    else:
        assert found.beside is None


@pytest.mark.usefixtures("_all_fit")
def test_records_are_counted_no_further_than_they_are_asked_for() -> None:
    found = find_addresses("someone", ToRead(Scope(), limit=7, size=0, more_than=3))
    assert found is not None
    if connection.vendor == "postgresql":
        assert found.beside == Beside(Scope(), 7, [])


@pytest.mark.usefixtures("_all_fit")
@pytest.mark.parametrize("part", ["someone7@", "nobody"])
def test_of_few_addresses_no_record_is_read(part: str) -> None:
    found = find_addresses(part, ToRead(Scope(), limit=100, size=10, more_than=1))
    assert found is not None
    assert found.beside is None


@pytest.mark.usefixtures("_all_fit")
def test_of_too_many_addresses_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "MAX_ADDRESSES", 19)
    assert find_addresses("someone", ToRead(Scope(), limit=100, size=10, more_than=1)) is None
