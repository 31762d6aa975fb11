"""Which parts of addresses are worth a look into the index."""

from datetime import timedelta

import pytest
from django.db import connection

from records.search import addresses
from records.search.addresses import Receivers, find_addresses
from records.search.filling import fill
from records.search.sampling import ToSample
from records.search.scope import Scope
from records.statements import Question, Rows
from tests.records.rows import NOON, make_record

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _colleagues() -> None:
    for number in range(20):
        make_record(receiver_address=f"someone{number}@example.com")
    make_record(receiver_address="jo@example.com")
    fill(seconds=10)


def found(part: str, to_sample: ToSample | None = None) -> Receivers | None:
    return find_addresses(part, to_sample).receivers


@pytest.mark.parametrize("part", ["jo@example.com", "JO@EXAMPLE", "someone7@example.com"])
def test_a_rare_address_is_found_though_the_most_of_it_is_in_every_other(part: str) -> None:
    assert found(part) == Receivers([part.lower() if "." in part else "jo@example.com"])


def test_a_part_of_nothing_that_only_the_index_would_take_for_frequent_is_not_looked_up_there() -> None:
    # PostgreSQL's trigrams leave out what is between words, so that each address would have to be looked at.
    assert found("example.com@") == (None if connection.vendor == "postgresql" else Receivers([]))


def test_letters_that_no_index_knows_are_left_to_the_walk() -> None:
    assert found("邮件系") in (None, Receivers([]))


@pytest.fixture
def _all_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "MAX_IN_SAMPLE", 1000)


@pytest.mark.usefixtures("_all_fit")
@pytest.mark.parametrize("newest_first", [True, False])
def test_a_sample_of_the_records_comes_along_whether_the_addresses_are_known_or_not(newest_first: bool) -> None:
    for hours in range(5):
        make_record(receiver_address=f"someone{hours * 10}@example.com", started_at=NOON + timedelta(hours=hours))
    scope = Scope(starts_at=NOON + timedelta(hours=1), newest_first=newest_first)
    receivers = found("someone", ToSample(scope, limit=100, size=2))
    assert receivers is not None
    assert len(receivers.addresses) == 23
    if connection.vendor == "postgresql":
        first = [NOON + timedelta(hours=hours) for hours in ((4, 3) if newest_first else (1, 2))]
        assert receivers.sample is not None
        assert receivers.sample[:4] == (scope, 4, True, None)
        assert [position.started_at for position in receivers.sample.positions] == first
    else:
        assert receivers.sample is None


@pytest.mark.usefixtures("_all_fit")
@pytest.mark.parametrize("part", ["someone7@", "nobody"])
def test_of_few_addresses_there_is_no_sample(part: str) -> None:
    receivers = found(part, ToSample(Scope(), limit=100))
    assert receivers is not None
    assert receivers.sample is None


@pytest.mark.usefixtures("_all_fit")
def test_of_too_many_addresses_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "MAX_ADDRESSES", 19)
    assert found("someone", ToSample(Scope(), limit=100)) is None


@pytest.mark.parametrize(("part", "answers"), [("jo@example", [[(7,)]]), ("example.com@", [[(7,)]]), ("jo", None)])
def test_what_is_asked_beside_is_answered_where_anything_is_asked(part: str, answers: list[Rows] | None) -> None:
    assert find_addresses(part, beside=[Question("SELECT 7")]).beside == answers
