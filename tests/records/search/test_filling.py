"""The known addresses follow the records, and no record is hidden while they do not yet."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import close_old_connections, connection, connections, transaction

from records.filters import RecordFilters
from records.models import SendingRecord
from records.search import addresses, filling
from records.search.filling import fill, forget_unused
from records.search.finding import find_page
from records.search.models import KnownAddress, SearchMark
from tests.records.rows import make_record


def known() -> list[str]:
    return sorted(KnownAddress.objects.values_list("address", flat=True))


def begin_here() -> None:
    """Let all records until now be dealt with: ids go on from test to test, though their rows do not."""
    SearchMark.objects.create(pk=1, reached=make_record(receiver_address="before@example.org").pk)
    SendingRecord.objects.all().delete()


def found(part: str) -> set[str]:
    return {record.receiver_address for record in find_page(RecordFilters(receiver=part), 50).records}


@pytest.mark.django_db
def test_each_address_is_known_once_as_it_is_written() -> None:
    for address in ("anna@example.net", "Anna@example.net", "anna@example.net"):
        make_record(receiver_address=address)
    last = make_record(receiver_address="bo@example.net")
    assert fill(seconds=10) == last.pk
    assert known() == sorted(["anna@example.net", "Anna@example.net", "bo@example.net"])


@pytest.mark.django_db
def test_what_is_known_stays_known_when_it_is_filled_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "BATCH", 2)
    begin_here()
    for number in range(5):
        make_record(receiver_address=f"r{number % 3}@example.net")
    fill(seconds=10)
    make_record(receiver_address="r9@example.net")
    fill(seconds=10)
    assert known() == [f"r{number}@example.net" for number in (0, 1, 2, 9)]
    assert fill(seconds=10) == SearchMark.objects.get().reached


@pytest.mark.django_db
def test_it_stops_when_its_time_is_over_and_goes_on_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "BATCH", 1)
    SearchMark.objects.create(pk=1, reached=make_record(receiver_address="first@example.net").pk)
    for number in range(3):
        make_record(receiver_address=f"r{number}@example.net")
    while len(known()) < 3:
        before = len(known())
        fill(seconds=0)
        assert len(known()) == before + 1


@pytest.mark.django_db
def test_records_above_the_mark_are_found() -> None:
    make_record(receiver_address="anna@example.net")
    fill(seconds=10)
    make_record(receiver_address="anna@example.org")
    assert found("anna@exa") == {"anna@example.net", "anna@example.org"}


@pytest.mark.django_db
def test_records_are_found_while_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    make_record(receiver_address="anna@example.net")
    monkeypatch.setattr(addresses, "MAX_YOUNG", 0)
    assert found("anna@exa") == {"anna@example.net"}


@pytest.mark.django_db
def test_an_address_without_records_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "BATCH", 2)
    begin_here()
    records = [make_record(receiver_address=f"r{number}@example.net") for number in range(5)]
    fill(seconds=10)
    records[1].delete()
    records[4].delete()
    assert forget_unused(seconds=10) == 5
    assert known() == [f"r{number}@example.net" for number in (0, 2, 3)]
    assert found("r2@example") == {"r2@example.net"}
    make_record(receiver_address="r4@example.net")
    fill(seconds=10)
    assert found("r4@example") == {"r4@example.net"}


@pytest.mark.django_db(transaction=True)
def test_a_record_that_is_committed_late_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "_PATIENCE", 0.1)
    make_record(receiver_address="first@example.net")
    fill(seconds=10)
    with _writing("late@example.net"):
        if connection.vendor == "postgresql":  # the other has one writer at a time
            early = make_record(receiver_address="early@example.net")
            fill(seconds=10)
            assert SearchMark.objects.get().reached < early.pk
            assert found("early@exa") == {"early@example.net"}
    assert found("late@exa") == {"late@example.net"}
    fill(seconds=10)
    assert SearchMark.objects.get().reached >= SendingRecord.objects.latest("pk").pk
    assert found("late@exa") == {"late@example.net"}
    assert "late@example.net" in known()


@contextmanager
def _writing(address: str) -> Iterator[None]:
    """Write a record in another connection, which commits at the end of the block."""
    is_written, may_commit = threading.Event(), threading.Event()

    def write() -> None:
        close_old_connections()
        with transaction.atomic():
            make_record(receiver_address=address)
            is_written.set()
            may_commit.wait(30)
        connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    assert is_written.wait(30)
    try:
        yield
    finally:
        may_commit.set()
        writer.join(30)
