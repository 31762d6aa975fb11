"""Exports in the background: whatever breaks off, the file is whole in the end, with each row once."""

import io
import json
import signal
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone, translation
from redis import Redis

from delivery import exporting, tasks, worker
from records.clock import database_now
from records.enums import Outcome
from records.evidence import exporting as evidence
from records.evidence.keys import signing_key
from records.evidence.verifying import Verification
from records.export import orders, parts, reading, writing
from records.export.csv_file import stream_csv
from records.export.enums import FileKind
from records.export.models import ExportOrder, ExportPiece
from records.export.orders import Asked, TicketTakenError, TooManyExportsError, cancel, give, read_file
from records.export.reading import Export
from records.export.tidying import tidy
from records.filters import NEEDED_FOR_SUBJECTS, RecordFilters
from records.models import Mail, SendingRecord
from senders.keyring import key_file
from tests.delivery.engine.processes import start
from tests.people import lose, make_person
from tests.records.rows import NOON, make_mail, make_record
from tests.together import do_at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_keys", "_small_parts")]

DAY = date(2026, 3, 10)


@pytest.fixture
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 2)
    monkeypatch.setattr(evidence, "AT_ONCE", 2)
    monkeypatch.setattr(parts, "PART_BYTES", 1)


@pytest.fixture
def person() -> User:
    return make_person(*orders.NEEDED)


def make_records(count: int) -> None:
    mail = make_mail(subject="Q1 figures")
    for number in range(count):
        moment = NOON + timedelta(seconds=number // 2)
        make_record(mail, receiver_address=f"r{number}@example.net", started_at=moment, epoch=number + 1)


def order(person: User, kind: FileKind = FileKind.CSV, **filters: Any) -> ExportOrder:
    if kind == FileKind.EVIDENCE:
        filters = {"since": DAY, "until": DAY, **filters}
    return give(Asked(ticket=uuid4(), person=person, kind=kind, filters=RecordFilters(**filters)))


def write(work: ExportOrder) -> bytes:
    while exporting.continue_one(work.pk, seconds=60):
        pass
    return file_of(work)


def file_of(work: ExportOrder) -> bytes:
    work.refresh_from_db()
    octets = b"".join(read_file(work))
    assert len(octets) == work.size
    return octets


def streamed(**filters: Any) -> bytes:
    return "".join(stream_csv(Export.of(RecordFilters(**filters), with_subjects=False))).encode()


def receivers_in(kind: FileKind, octets: bytes) -> list[str]:
    if kind == FileKind.XLSX:
        sheet = openpyxl.load_workbook(io.BytesIO(octets)).active
        assert sheet is not None
        return [str(row[3]) for row in sheet.iter_rows(values_only=True)][1:]
    if kind == FileKind.CSV:
        return [line.split(",")[3] for line in octets.decode().splitlines()][1:]
    verification = Verification(signing_key().public_key())
    assert list(verification.run(octets.splitlines(keepends=True))) == []
    lines = map(json.loads, octets.splitlines())
    return [line["receiver"] for line in lines if line["kind"] == "record"][::-1]


def all_receivers() -> list[str]:
    return list(SendingRecord.objects.order_by("-started_at", "-pk").values_list("receiver_address", flat=True))


def test_the_file_is_the_one_that_would_be_streamed(person: User) -> None:
    make_records(7)
    make_record(outcome=Outcome.REFUSED)
    with translation.override("zh-hans"), timezone.override("Asia/Shanghai"):
        expected = streamed(receiver="example.net")
        work = order(person, receiver="example.net")
    assert write(work) == expected
    assert (work.state, work.rows, work.total, work.pieces_count) == ("ready", 8, 8, 4)
    assert work.expires_at == work.finished_at + timedelta(hours=24)  # type: ignore[operator]


@pytest.mark.parametrize("kind", FileKind)
def test_a_process_that_is_killed_amid_a_part_leaves_no_row_out_and_none_twice(
    kind: FileKind, person: User, tmp_path: Path
) -> None:
    make_records(7)
    work = order(person, kind)
    log = tmp_path / "log"
    process = start("tests.delivery.dying_exporter", str(work.pk), log=log)
    assert process.wait(60) == -signal.SIGKILL, log.read_text()
    work.refresh_from_db()
    assert (work.state, work.pieces_count) == ("writing", 1)
    assert receivers_in(kind, write(work)) == all_receivers()


@pytest.mark.parametrize("kind", FileKind)
def test_without_records_there_is_a_whole_file_with_none(kind: FileKind, person: User) -> None:
    assert receivers_in(kind, write(order(person, kind))) == []


def test_two_processes_at_one_export_write_it_once(person: User) -> None:
    make_records(12)
    work = order(person)
    do_at_once(*[lambda: exporting.continue_one(work.pk, seconds=60)] * 2)
    assert write(work) == streamed()


def test_what_is_recorded_meanwhile_is_left_out(person: User) -> None:
    make_records(4)
    expected = streamed()
    work = order(person)
    writing.write_next(work.pk)
    make_record(started_at=database_now())
    assert write(work) == expected


@pytest.mark.parametrize("parts_before", [0, 1, 2])
def test_cancelled_in_the_middle_nothing_more_is_written_and_the_file_goes(parts_before: int, person: User) -> None:
    make_records(7)
    work = order(person)
    for _ in range(parts_before):
        writing.write_next(work.pk)
    assert cancel(work, "bob")
    assert not writing.write_next(work.pk)
    work.refresh_from_db()
    assert (work.state, work.pieces_count) == ("cancelled", parts_before)
    tidy(60)
    assert not ExportPiece.objects.exists()
    assert not cancel(work, "bob")


def test_one_that_is_cancelled_while_a_part_is_written_stays_cancelled(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_records(4)
    work = order(person)
    write_part = parts.write_part

    def write_and_be_cancelled(seen: ExportOrder) -> object:
        part = write_part(seen)
        cancel(work, "bob")
        return part

    monkeypatch.setattr(writing, "write_part", write_and_be_cancelled)
    assert not writing.write_next(work.pk)
    work.refresh_from_db()
    assert (work.state, work.rows) == ("cancelled", 0)


class TestLimits:
    def test_a_person_has_three_unfinished_ones_at_most(self, person: User) -> None:
        works = [order(person) for _ in range(3)]
        with pytest.raises(TooManyExportsError):
            order(person)
        order(make_person(*orders.NEEDED, name="other"))
        write(works[0])
        order(person)

    def test_the_same_ticket_is_the_same_order(self, person: User) -> None:
        ticket = uuid4()
        asked = Asked(ticket=ticket, person=person, kind=FileKind.CSV, filters=RecordFilters())
        assert give(asked) == give(asked)

    def test_the_ticket_of_another_is_no_order(self, person: User, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = Asked(ticket=uuid4(), person=person, kind=FileKind.CSV, filters=RecordFilters())
        give(asked)
        late = replace(asked, person=make_person(*orders.NEEDED))
        with pytest.raises(TicketTakenError):
            give(late)
        monkeypatch.setattr(orders, "_find", lambda _asked: None)  # both sent it in at the same moment
        with pytest.raises(TicketTakenError):
            give(late)
        assert ExportOrder.objects.get().person == person

    def test_files_never_take_more_than_their_room(self, person: User, monkeypatch: pytest.MonkeyPatch) -> None:
        make_records(7)
        work = order(person)
        writing.write_next(work.pk)
        monkeypatch.setattr(writing, "MAX_STORED", ExportOrder.objects.get().stored + 10)
        assert not writing.write_next(work.pk)
        work.refresh_from_db()
        assert (work.state, work.failure, work.pieces_count) == ("failed", "no_room", 1)
        tidy(60)
        assert writing.find_room() == writing.MAX_STORED

    def test_a_file_goes_after_a_day_and_its_order_after_thirty(self, person: User) -> None:
        work = order(person)
        write(work)
        tidy(60)
        assert ExportPiece.objects.count() == 1
        ExportOrder.objects.update(expires_at=database_now())
        tidy(60)
        work.refresh_from_db()
        assert (work.state, work.stored, ExportPiece.objects.count()) == ("expired", 0, 0)
        ExportOrder.objects.update(finished_at=database_now() - timedelta(days=30))
        tidy(60)
        assert not ExportOrder.objects.exists()

    def test_what_nobody_finishes_in_a_day_has_failed(self, person: User) -> None:
        work = order(person)
        ExportOrder.objects.update(asked_at=database_now() - timedelta(days=1))
        tidy(60)
        work.refresh_from_db()
        assert (work.state, work.failure) == ("failed", "too_long")


def test_filters_that_nobody_knows_any_more_fail(person: User) -> None:
    work = order(person)
    ExportOrder.objects.update(query="result=maybe")
    assert not writing.write_next(work.pk)
    work.refresh_from_db()
    assert (work.state, work.failure) == ("failed", "filters_gone")


@pytest.mark.parametrize("lost", ["active", "export_records", "view_sendingrecord", "view_content"])
@pytest.mark.parametrize("parts_before", [0, 1])
def test_nothing_more_is_read_for_whom_it_is_forbidden_by_now(
    lost: str, parts_before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_records(4)
    person = make_person(*orders.NEEDED, NEEDED_FOR_SUBJECTS)
    work = order(person)
    for _ in range(parts_before):
        writing.write_next(work.pk)
    lose(person, lost)
    monkeypatch.delattr(writing, "write_part")
    assert not writing.write_next(work.pk)
    work.refresh_from_db()
    assert (work.state, work.failure, work.pieces_count) == ("failed", "not_allowed", parts_before)
    tidy(60)
    assert not ExportPiece.objects.exists()


def test_evidence_is_not_gone_on_with_under_another_key(person: User) -> None:
    make_records(4)
    work = order(person, FileKind.EVIDENCE)
    writing.write_next(work.pk)
    key_file().unlink()
    assert not writing.write_next(work.pk)
    work.refresh_from_db()
    assert (work.state, work.failure) == ("failed", "no_key")


def order_until_now(person: User) -> ExportOrder:
    today = timezone.localdate()
    return order(person, FileKind.EVIDENCE, since=today - timedelta(days=1), until=today + timedelta(days=1))


def test_evidence_covers_the_time_until_it_was_asked_for(person: User) -> None:
    work = order_until_now(person)
    ExportOrder.objects.update(asked_at=work.asked_at - timedelta(minutes=5))
    header = json.loads(write(work).splitlines()[0])
    assert header["until"] == work.asked_at.isoformat(timespec="microseconds")
    assert header["exported_by"] == person.get_username()


def test_evidence_ends_before_what_may_not_be_recorded_yet(person: User, settings: Any) -> None:
    assert until_of(order_until_now(person)) <= database_now() - timedelta(minutes=1)
    claimed_at = database_now() - timedelta(minutes=7)
    lease_until = claimed_at + timedelta(seconds=settings.MAILBOX_CLAIM_LEASE)
    mail = make_mail(state="sending", lease_until=lease_until)
    assert until_of(order_until_now(person)) == claimed_at
    Mail.objects.filter(pk=mail.pk).update(state="sent", lease_until=None, finished_at=database_now())
    assert until_of(order_until_now(person)) > claimed_at


def until_of(work: ExportOrder) -> datetime:
    return datetime.fromisoformat(json.loads(write(work).splitlines()[0])["until"])


def test_evidence_ends_where_it_was_begun_to_end(person: User, settings: Any) -> None:
    now = database_now()
    lease_until = now - timedelta(minutes=5) + timedelta(seconds=settings.MAILBOX_CLAIM_LEASE)
    mail = make_mail(state="sending", lease_until=lease_until)
    for number in range(3):
        make_record(receiver_address=f"r{number}@example.net", started_at=now - timedelta(minutes=9 - number))
    work = order_until_now(person)
    writing.write_next(work.pk)
    make_record(mail, receiver_address="late@example.net", started_at=now - timedelta(minutes=4))
    Mail.objects.filter(pk=mail.pk).update(state="sent", lease_until=None, finished_at=now)
    assert receivers_in(FileKind.EVIDENCE, write(work)) == [f"r{number}@example.net" for number in (2, 1, 0)]
    assert until_of(work) == now - timedelta(minutes=5)
    assert work.progress["until"] == (now - timedelta(minutes=5)).isoformat()


class TestContinuing:
    @pytest.fixture(autouse=True)
    def _records(self, person: User) -> None:
        make_records(3)

    def test_a_worker_that_is_told_goes_on(self, person: User) -> None:
        work = order(person)
        tasks.continue_export(work.pk)
        assert file_of(work) == streamed()

    def test_a_task_whose_time_is_over_orders_the_next(
        self, person: User, broker: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        work = order(person)
        broker.flushall()
        monkeypatch.setattr(tasks, "EXPORT_SECONDS", 0.0)
        tasks.continue_export(work.pk)
        assert broker.llen("mail") == 1

    def test_the_sweep_goes_on_with_what_nobody_moved(self, person: User) -> None:
        work = order(person)
        worker._after_sweep()
        work.refresh_from_db()
        assert work.state == "waiting"
        ExportOrder.objects.update(moved_at=database_now() - exporting.LEFT_ALONE)
        worker._after_sweep()
        assert file_of(work) == streamed()

    def test_the_sweep_has_a_worker_take_on_what_it_did_not_finish(
        self, person: User, broker: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        work = order(person)
        ExportOrder.objects.update(moved_at=database_now() - exporting.LEFT_ALONE)
        broker.flushall()
        monkeypatch.setattr(exporting, "repeat", lambda write, **_: write())  # as if the time were over
        exporting.continue_unfinished(seconds=60)
        work.refresh_from_db()
        assert (work.state, broker.llen("mail")) == ("writing", 1)

    def test_while_mail_is_late_a_part_is_written_now_and_then(
        self, person: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        work = order(person)
        monkeypatch.setattr(exporting, "find_due_senders", lambda **_: [1])
        assert not exporting.continue_one(work.pk, seconds=60)
        work.refresh_from_db()
        assert (work.state, work.rows) == ("writing", 2)

    def test_one_that_always_fails_does_not_keep_the_others_from_going_and_rests_longer_each_time(
        self, person: User
    ) -> None:
        broken, work = order(person), order(person)
        ExportOrder.objects.filter(pk=broken.pk).update(time_zone="Nowhere/Never")
        for failures, seconds in enumerate([10, 20, 40, 80], 1):
            now = database_now()
            ExportOrder.objects.update(moved_at=now - exporting.LEFT_ALONE)
            exporting.continue_unfinished(seconds=60)
            broken.refresh_from_db()
            assert (broken.state, broken.progress["failures"]) == ("waiting", failures)
            assert broken.moved_at >= now + timedelta(seconds=seconds)
        assert file_of(work) == streamed()

    def test_while_the_database_is_locked_it_rests_and_is_logged_once(
        self, person: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        work = order(person)
        with monkeypatch.context() as locked:
            locked.setattr(exporting, "write_next", _locked)
            for failures, seconds in enumerate([10, 20, 40], 1):
                now = database_now()
                ExportOrder.objects.update(moved_at=now - exporting.LEFT_ALONE)
                exporting.continue_unfinished(seconds=60)
                work.refresh_from_db()
                assert (work.state, work.progress["failures"]) == ("waiting", failures)
                assert work.moved_at >= now + timedelta(seconds=seconds)
            locked.setattr(exporting, "note_failure", _locked)
            for _ in range(2):
                ExportOrder.objects.update(moved_at=database_now() - exporting.LEFT_ALONE)
                exporting.continue_unfinished(seconds=60)
        assert _warnings(caplog, work) == 1
        assert write(work) == streamed()
        with monkeypatch.context() as locked:
            locked.setattr(exporting, "write_next", _locked)
            locked.setattr(exporting, "note_failure", _locked)
            other = order(person)
            for _ in range(2):
                assert not exporting.continue_one(other.pk, seconds=60)
        assert _warnings(caplog, other) == 1
        assert [each for each in caplog.records if each.levelname == "ERROR"] == []

    def test_a_part_that_is_written_after_all_makes_up_for_those_that_failed(
        self, person: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_records(5)
        work = order(person)
        with monkeypatch.context() as broken:
            broken.setattr(parts, "write_rows", lambda *_: None)
            with pytest.raises(AttributeError):
                exporting.continue_one(work.pk, seconds=60)
        work.refresh_from_db()
        assert work.progress["failures"] == 1
        assert write(work) == streamed()
        assert "failures" not in work.progress


def _locked(_order_id: int) -> bool:
    raise OperationalError("database is locked")


def _warnings(caplog: pytest.LogCaptureFixture, work: ExportOrder) -> int:
    return sum(each.levelname == "WARNING" and vars(each).get("export") == work.pk for each in caplog.records)


@pytest.mark.parametrize("with_subjects", [False, True])
def test_a_record_whose_mail_is_removed_meanwhile_has_a_row_of_as_many_cells(
    with_subjects: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_records(1)
    export = Export.of(RecordFilters(), with_subjects=with_subjects)
    find_mails = Export._find_mails

    def find_late(self: Export, records: list[SendingRecord]) -> dict[int, tuple[str, ...]]:
        Mail.objects.all().delete()
        return find_mails(self, records)

    monkeypatch.setattr(Export, "_find_mails", find_late)
    [[row]] = export.rows()
    assert len(row) == len(export.columns)


def test_filters_of_any_length_are_kept(person: User) -> None:
    work = order(person, subject="\N{SNOWMAN}" * 200, receiver="\N{SNOWMAN}" * 320)
    assert write(work) == streamed(subject="\N{SNOWMAN}")
    assert work.state == "ready"


def test_a_file_that_goes_while_it_is_fetched_breaks_off(person: User) -> None:
    make_records(4)
    work = order(person)
    write(work)
    pieces = read_file(work)
    next(pieces)
    ExportPiece.objects.all().delete()
    with pytest.raises(orders.PieceGoneError):
        next(pieces)
