"""Which parts of addresses are worth a look into the index."""

import pytest
from django.db import connection

from records.search.addresses import find_addresses
from records.search.filling import fill
from tests.records.rows import make_record

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _colleagues() -> None:
    for number in range(20):
        make_record(receiver_address=f"someone{number}@example.com")
    make_record(receiver_address="jo@example.com")
    fill(seconds=10)


@pytest.mark.parametrize("part", ["jo@example.com", "JO@EXAMPLE", "someone7@example.com"])
def test_a_rare_address_is_found_though_the_most_of_it_is_in_every_other(part: str) -> None:
    assert find_addresses(part) == [part.lower() if "." in part else "jo@example.com"]


def test_a_part_of_nothing_that_only_the_index_would_take_for_frequent_is_not_looked_up_there() -> None:
    # PostgreSQL's trigrams leave out what is between words, so that each address would have to be looked at.
    assert find_addresses("example.com@") == (None if connection.vendor == "postgresql" else [])


def test_letters_that_no_index_knows_are_left_to_the_walk() -> None:
    assert find_addresses("邮件系") in (None, [])
