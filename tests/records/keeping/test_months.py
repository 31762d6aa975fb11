"""Whole months of contents: dropped at once where each has tables of its own, and in small steps everywhere else."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.expressions import RawSQL
from django.test.utils import CaptureQueriesContext

from records.clock import database_now
from records.content import find_mime, lock_whole, read_many
from records.enums import MailState
from records.keeping.dropping import prepare_months
from records.keeping.models import KeepingRound
from records.keeping.pretending import pretend_round
from records.keeping.rounds import run_whole
from records.keeping.rules import get_rules
from records.models import Body, Content, Mail
from records.months.calendar import end_of, month_after, month_of, this_month
from records.months.tables import create_tables_of_others, drop_month, keep_all_months, list_months, make_month
from tests.records.keeping.rows import old_mail, prune, set_rules, what_is_left
from tests.services import wait_until
from tests.together import do_at_once

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = 100
"""Days: the month of that day is over for longer than contents are kept by default."""


def month_of_days_ago(days: float) -> date:
    return month_of(database_now() - timedelta(days=days))


@pytest.mark.parametrize(
    ("moment", "month"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), date(2026, 12, 1)),
        (datetime.fromisoformat("2027-01-01T07:59:00+08:00"), date(2026, 12, 1)),
        (datetime.fromisoformat("2026-12-31T20:00:00-05:00"), date(2027, 1, 1)),
    ],
)
def test_months_are_those_of_utc(moment: datetime, month: date) -> None:
    assert month_of(moment) == month


def test_after_each_month_comes_the_next() -> None:
    month, seen = date(2023, 11, 1), []
    for _ in range(16):
        assert end_of(month) == datetime.combine(month_after(month), datetime.min.time(), UTC)
        seen.append(month := month_after(month))
    assert seen == [date(2023, 12, 1), *(date(2024, number, 1) for number in range(1, 13)), *seen[-3:]]
    assert seen[-3:] == [date(2025, number, 1) for number in range(1, 4)]


def test_a_month_of_which_nothing_need_stay_is_gone_after_a_round() -> None:
    mails = [old_mail(LONG_AGO), old_mail(LONG_AGO), old_mail(1)]
    assert prune().removed_contents == 2
    assert what_is_left() == ([mail.pk for mail in mails], [mails[2].pk], [mails[2].pk])


if os.environ.get("TEST_DB") == "postgres":

    @pytest.fixture(autouse=True)
    def found() -> Iterator[list[date]]:
        """The months as they were found. The present one and the next take their place: it may turn amid a run."""
        found = list_months()
        _have([this_month(), month_after(this_month())])
        yield found
        Content.objects.all()._raw_delete("default")
        Body.objects.all()._raw_delete("default")
        _have(found)

    def _have(months: list[date]) -> None:
        with transaction.atomic():
            for month in set(list_months()).difference(months):
                drop_month(month)
            for month in set(months).difference(list_months()):
                make_month(month)

    @pytest.fixture
    def old_month() -> date:
        """A month that is over for long, with tables of its own."""
        month = month_of_days_ago(LONG_AGO)
        with transaction.atomic():
            make_month(month)
        return month

    def prepare(now: datetime) -> None:
        prepare_months(now, list_months())

    def table_of(content: Content | Body) -> str:
        """Name the table that a row is in."""
        table = RawSQL("tableoid::regclass::text", [])
        return str(type(content).objects.annotate(table=table).values_list("table", flat=True).get(pk=content.pk))

    def statements_of(do: Callable[[], object]) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            do()
        return [query["sql"] for query in queries.captured_queries]

    @pytest.mark.usefixtures("old_month")
    def test_what_mail_says_is_in_the_tables_of_its_month() -> None:
        now, old, ancient = (old_mail(days) for days in (0, LONG_AGO, 400))
        month = month_of(now.accepted_at)
        assert table_of(now.content) == f"records_content_{month:%Y_%m}"
        assert table_of(now.content.body) == f"records_body_{month:%Y_%m}"
        assert table_of(old.content) == f"records_content_{month_of(old.accepted_at):%Y_%m}"
        assert table_of(ancient.content) == "records_content_other"
        assert table_of(ancient.content.body) == "records_body_other"
        assert len(read_many([now.pk, old.pk, ancient.pk])) == 3

    def test_this_month_and_the_next_have_tables_from_the_beginning(found: list[date]) -> None:
        assert this_month() in found
        assert found[1] == month_after(found[0])

    def test_a_month_goes_as_a_whole_and_no_row_of_it_is_deleted(old_month: date) -> None:
        mails = [old_mail(LONG_AGO) for _ in range(3)]
        told = pretend_round(get_rules())
        statements = statements_of(lambda: run_whole(pause=0))
        assert (KeepingRound.objects.get().removed_contents, told.removed_contents) == (3, 3)
        assert what_is_left() == ([mail.pk for mail in mails], [], [])
        assert old_month not in list_months()
        assert [sql for sql in statements if sql.startswith("DELETE") and ("content" in sql or "body" in sql)] == []

    @pytest.mark.parametrize(
        "values",
        [
            {"state": MailState.RETRY, "finished_at": None},
            {"state": MailState.UNCERTAIN},
            {"finished_at": database_now},
        ],
        ids=["waiting", "held for a person", "ended lately"],
    )
    def test_while_something_of_a_month_has_to_stay_the_rest_goes_in_steps(
        old_month: date, values: dict[str, Any]
    ) -> None:
        kept = old_mail(LONG_AGO, **{name: value() if callable(value) else value for name, value in values.items()})
        before = find_mime(kept.pk)
        old_mail(LONG_AGO)
        assert prune().removed_contents == 1
        assert what_is_left()[1:] == ([kept.pk], [kept.pk])
        assert find_mime(kept.pk) == before
        assert old_month in list_months()
        Mail.objects.filter(pk=kept.pk).update(state=MailState.SENT, finished_at=kept.accepted_at)
        assert prune().removed_contents == 1
        assert old_month not in list_months()

    def test_an_empty_month_goes_though_contents_are_kept_for_ever(old_month: date) -> None:
        set_rules()
        mail = old_mail(LONG_AGO)
        prune()
        assert old_month in list_months()
        mail.content.delete()
        Body.objects.all().delete()
        prune()
        assert list_months() == [this_month(), month_after(this_month())]

    def test_a_month_that_has_just_ended_keeps_its_tables_for_mail_that_is_on_its_way(
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        end = end_of(this_month())
        for after, stays in ((timedelta(days=1, hours=23), True), (timedelta(days=2, hours=1), False)):
            monkeypatch.setattr("records.keeping.rounds.database_now", lambda after=after: end + after)
            run_whole(pause=0)
            assert (this_month() in list_months()) is stays
        assert list_months() == [month_after(this_month()), month_after(month_after(this_month()))]

    def test_several_months_go_in_one_round() -> None:
        months = sorted({month_of_days_ago(days) for days in (70, 110, 150, 190)})
        for month in months:
            with transaction.atomic():
                make_month(month)
        mails = [old_mail(days) for days in (190, 150, 110, 70)]
        held = old_mail(110, state=MailState.UNCERTAIN)
        assert prune().removed_contents == len(mails)
        assert what_is_left()[1] == [held.pk]
        assert list_months() == [month_of(held.accepted_at), this_month(), month_after(this_month())]

    def test_a_new_month_gets_its_tables_once() -> None:
        later = end_of(month_after(this_month()))
        for _ in range(2):
            prepare(later)
        assert list_months()[2:] == [month_of(later), month_after(month_of(later))]

    def test_contents_of_a_month_without_tables_stay_with_the_others_and_go_from_there(
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        mail = old_mail(LONG_AGO)
        prepare(mail.accepted_at)
        assert month_of(mail.accepted_at) not in list_months()
        assert table_of(mail.content) == "records_content_other"
        assert find_mime(mail.pk)
        assert prune().removed_contents == 1
        assert [record for record in caplog.records if record.levelname == "WARNING"] == []

    def test_a_content_has_a_body_of_its_own_month(old_month: date) -> None:
        mail = old_mail(LONG_AGO)
        with pytest.raises(IntegrityError):
            Content.objects.filter(pk=mail.pk).update(body_id=mail.pk + 1)
        with pytest.raises(IntegrityError):
            Body.objects.filter(pk=mail.pk)._raw_delete("default")
        with pytest.raises(IntegrityError):
            Mail.objects.filter(pk=mail.pk)._raw_delete("default")
        assert old_month in list_months()

    def test_what_a_round_dropped_before_it_died_is_there_as_before(
        old_month: date, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mail = old_mail(LONG_AGO)
        before = find_mime(mail.pk)
        monkeypatch.setattr("records.keeping.rounds.move_on", _die)
        with pytest.raises(LookupError):
            run_whole(pause=0)
        monkeypatch.undo()
        assert old_month in list_months()
        assert find_mime(mail.pk) == before
        assert prune().removed_contents == 1
        assert old_month not in list_months()

    def _die(*_given: object) -> None:
        raise LookupError

    def test_whoever_reads_for_long_holds_up_nothing_but_the_drop(
        old_month: date, caplog: pytest.LogCaptureFixture
    ) -> None:
        mail = old_mail(LONG_AGO)
        with _beside(lambda: find_mime(mail.pk)):
            assert prune().removed_contents == 1  # row by row, then
            assert old_month in list_months()
        assert "a month of contents could not be dropped yet" in caplog.messages
        prune()
        assert old_month not in list_months()

    def test_a_mail_that_is_about_to_be_tried_again_keeps_its_month(old_month: date) -> None:
        mail = old_mail(LONG_AGO, state=MailState.FAILED)

        def try_again() -> None:
            keep_all_months()  # as whoever looks whether it is whole does first
            Mail.objects.filter(pk=mail.pk).update(state=MailState.RETRY, finished_at=None)

        with _beside(try_again):
            assert run_whole(pause=0).removed_contents == 0
        assert run_whole(pause=0).removed_contents == 0
        assert find_mime(mail.pk)
        assert old_month in list_months()

    def test_months_are_kept_before_it_is_looked_whether_a_mail_is_whole() -> None:
        mail = old_mail(1, state=MailState.FAILED)
        with transaction.atomic():
            statements = statements_of(lambda: lock_whole([mail.pk]))
        assert "pg_advisory_xact_lock_shared" in statements[0]

    def test_a_mail_that_is_tried_again_while_its_month_goes_waits_and_stays_as_it_was(
        old_month: date, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mail = old_mail(LONG_AGO, state=MailState.FAILED)
        whole: list[set[int]] = []

        def ask() -> None:
            with transaction.atomic():
                whole.append(lock_whole([mail.pk]))
            connection.close()

        asking = threading.Thread(target=ask)

        def drop_while_asked(month: date) -> None:
            asking.start()
            wait_until(_somebody_waits)
            with connection.cursor() as cursor:  # after a second of waiting PostgreSQL looks for a deadlock to end
                cursor.execute("SELECT pg_sleep(1.5)")
            drop_month(month)

        monkeypatch.setattr("records.keeping.dropping.drop_month", drop_while_asked)
        run_whole(pause=0)
        asking.join()
        assert whole == [set()]
        assert old_month not in list_months()

    def _somebody_waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database()))"
            )
            (waits,) = cursor.fetchone()
        return bool(waits)

    @contextmanager
    def _beside(do: Callable[[], object]) -> Iterator[None]:
        """Do something in a transaction of another connection, which lasts as long as the block."""
        done, over = threading.Event(), threading.Event()

        def work() -> None:
            with transaction.atomic():
                do()
                done.set()
                over.wait(60)
            connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        assert done.wait(60)
        try:
            yield
        finally:
            over.set()
            thread.join()

    def test_a_role_that_may_not_change_tables_keeps_contents_by_steps_alone(
        old_month: date, caplog: pytest.LogCaptureFixture
    ) -> None:
        old_mail(LONG_AGO)
        with connection.cursor() as cursor:
            cursor.execute("CREATE ROLE mailbox_plain")
            cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO mailbox_plain")
            cursor.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO mailbox_plain")
            cursor.execute("SET ROLE mailbox_plain")
        try:
            assert prune().removed_contents == 1
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET ROLE")
                cursor.execute("DROP OWNED BY mailbox_plain")
                cursor.execute("DROP ROLE mailbox_plain")
        assert old_month in list_months()
        assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
            "the tables of months are not this role's to make and drop; contents go row by row"
        ]

    def test_somebody_in_the_way_is_waited_for_once_a_round_and_not_for_each_month(
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        mails = [old_mail(days) for days in (200, 150, 100)]
        with transaction.atomic():
            for mail in mails:
                Content.objects.filter(pk=mail.pk).delete()
                Body.objects.filter(pk=mail.pk).delete()
                make_month(month_of(mail.accepted_at))
        with _beside(lambda: read_many([mails[0].pk])):
            run_whole(pause=0)
        assert len(list_months()) == 5
        assert caplog.messages.count("a month of contents could not be dropped yet") == 1

    def test_a_month_that_cannot_be_made_yet_is_made_later(caplog: pytest.LogCaptureFixture) -> None:
        later = end_of(month_after(this_month()))
        with _beside(lambda: read_many([1])):
            prepare(later)
        assert len(list_months()) == 2
        assert "a month has no tables of its own yet" in caplog.messages
        prepare(later)
        assert len(list_months()) == 4

    def test_two_that_make_a_month_at_once_both_have_it(caplog: pytest.LogCaptureFixture) -> None:
        later = end_of(month_after(this_month()))
        do_at_once(*[partial(prepare, later)] * 2)
        # Each may have waited for the other for too long, but neither made what was there by then.
        reasons = [str(vars(record).get("reason")) for record in caplog.records]
        assert [reason for reason in reasons if "already exists" in reason] == []
        prepare(later)
        assert len(list_months()) == 4

    def test_postgresql_knows_from_the_beginning_that_ids_differ() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA beginning")
            cursor.execute("SET LOCAL search_path TO beginning")
            for table in ("records_body", "records_content"):
                cursor.execute(f"CREATE TABLE {table} (LIKE public.{table} INCLUDING ALL) PARTITION BY LIST (month)")
            for statement in create_tables_of_others():
                cursor.execute(statement)
            known = _known_to_differ("beginning")
            transaction.set_rollback(True)
        assert known == {("records_body", "id"), ("records_content", "body_id"), ("records_content", "mail_id")}

    def test_what_postgresql_forgot_in_a_restore_it_is_told_again(old_month: date) -> None:
        old_mail(LONG_AGO)
        old_mail(0)
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM pg_statistic WHERE starelid IN ('records_body'::regclass, 'records_content'::regclass)"
            )
        assert _known_to_differ() == set()
        prepare(database_now())
        assert len(_known_to_differ()) == 3
        with CaptureQueriesContext(connection) as queries:
            prepare(database_now())
        assert not [query for query in queries.captured_queries if "ANALYZE" in query["sql"]]

    def _known_to_differ(schema: str = "public") -> set[tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tablename, attname FROM pg_stats WHERE schemaname = %s AND inherited AND n_distinct = -1"
                " AND tablename IN ('records_body', 'records_content') AND attname LIKE %s",
                [schema, "%id"],
            )
            return set(cursor.fetchall())

    @pytest.mark.parametrize("ask", [read_many, lock_whole])
    def test_contents_of_a_few_mails_are_found_without_reading_those_of_others(
        ask: Callable[[list[int]], object],
    ) -> None:
        mail = old_mail(0, records=0)
        _multiply(mail, 20_000)
        with connection.cursor() as cursor:  # as autovacuum does: not what they are part of
            cursor.execute(
                f"ANALYZE records_mail, records_body_{this_month():%Y_%m}, records_content_{this_month():%Y_%m}"
            )
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan TO off")  # as every worker does
            statements = statements_of(lambda: ask([mail.pk]))
            plans = [_plan_of(cursor, sql) for sql in statements if sql.startswith("SELECT") and "records_" in sql]
        assert plans
        assert [plan for plan in plans if "Hash Join" in plan or "Merge Join" in plan] == []

    def _multiply(mail: Mail, times: int) -> None:
        """Store so many more mails like it, each with a content and a body of its own."""
        columns = ", ".join(str(field.column) for field in Mail._meta.concrete_fields if field.column != "id")
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO records_mail ({columns}) SELECT {columns} FROM records_mail, generate_series(1, {times})"
            )
            for rows in (
                "records_body (id, octets, month) SELECT id, 'x', %s",
                "records_content (mail_id, head, body_id, month) SELECT id, 'x', id, %s",
            ):
                cursor.execute(f"INSERT INTO {rows} FROM records_mail WHERE id > %s", [this_month(), mail.pk])

    def _plan_of(cursor: Any, sql: str) -> str:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())

    def test_the_tables_have_the_columns_of_the_models_and_no_more() -> None:
        for model in (Body, Content):
            with connection.cursor() as cursor:
                described = connection.introspection.get_table_description(cursor, model._meta.db_table)
            columns = {column.name: column.null_ok for column in described}
            assert columns == {field.column: field.null for field in model._meta.concrete_fields}
