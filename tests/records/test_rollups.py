"""The sums of how tries ended: folded, read, made anew. That the engine adds every try is tested with the engine."""

import threading
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from records.enums import Outcome
from records.models import SendingRecord
from records.rollups import folding, rebuilding
from records.rollups.folding import KEPT_FOR, fold
from records.rollups.models import DayRollup, HourTotal, MonthRollup, Rollup, RollupDelta
from records.rollups.reading import find_first_hour, read_sums, read_totals
from tests.records.rows import NOON, make_record
from tests.records.sums import ANY, assert_sums_agree, counted_from_records, hour_of, keys_of_hours

pytestmark = pytest.mark.django_db(transaction=True)

SERVER = "mail.example.com:587"
HOUR = timedelta(hours=1)
LATELY = datetime.now(UTC).replace(minute=20, second=0, microsecond=0) - timedelta(days=3)


@pytest.fixture(autouse=True)
def _kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sums of `NOON` be kept, however long ago that will be."""
    for module in (folding, rebuilding):
        monkeypatch.setattr(module, "KEPT_FOR", KEPT_FOR + (LATELY - NOON) + timedelta(days=365))


def lengths_of(milliseconds: int) -> list[tuple[int, tuple[int, ...]]]:
    ended = LATELY + timedelta(milliseconds=milliseconds)
    make_record(started_at=LATELY, ended_at=ended, server=SERVER)
    return [(found.milliseconds, found.lengths) for found in read_sums(LATELY - HOUR).by_server]


def tries_since(moment: datetime) -> int:
    """How many tries are summed; the same by whatever they are counted."""
    sums = read_sums(moment)
    numbers = {sum(found.tries for found in each) for each in (sums.by_sender, sums.by_template, sums.by_cause)}
    assert len(numbers) == 1
    return numbers.pop()


@pytest.mark.parametrize(
    ("milliseconds", "lengths"),
    [
        (0, (1, 0, 0, 0, 0, 0)),
        (100, (1, 0, 0, 0, 0, 0)),
        (101, (0, 1, 0, 0, 0, 0)),
        (300, (0, 1, 0, 0, 0, 0)),
        (301, (0, 0, 1, 0, 0, 0)),
        (1_000, (0, 0, 1, 0, 0, 0)),
        (3_000, (0, 0, 0, 1, 0, 0)),
        (10_000, (0, 0, 0, 0, 1, 0)),
        (10_001, (0, 0, 0, 0, 0, 1)),
    ],
)
def test_tries_are_counted_by_their_length(milliseconds: int, lengths: tuple[int, ...]) -> None:
    assert lengths_of(milliseconds) == [(milliseconds, lengths)]


def test_a_try_that_ended_before_it_began_as_after_a_clock_jump_took_no_time() -> None:
    assert lengths_of(-5_000) == [(0, (1, 0, 0, 0, 0, 0))]


@pytest.mark.parametrize(
    ("outcome", "server"),
    [("skipped", ""), ("unknown", SERVER), ("lost", SERVER), ("not_connected", SERVER), ("accepted", "")],
)
def test_only_what_a_server_answered_has_a_length(outcome: str, server: str) -> None:
    make_record(outcome=outcome, server=server, started_at=LATELY)
    assert tries_since(LATELY - HOUR) == 1
    assert read_sums(LATELY - HOUR).by_server == []


def test_a_try_under_way_counts_when_it_has_ended() -> None:
    make_record(outcome=Outcome.SENDING, ended_at=None)
    assert RollupDelta.objects.count() == 0


def test_folding_moves_what_was_noted_into_the_sums() -> None:
    make_record(started_at=NOON, server=SERVER)
    make_record(started_at=NOON + timedelta(minutes=59), server=SERVER)
    make_record(started_at=NOON + HOUR, outcome="refused", cause="no_such_mailbox")
    assert fold() == 3
    assert RollupDelta.objects.count() == 0
    assert sorted(Rollup.objects.values_list("hour", "tries")) == [(NOON, 2), (NOON + HOUR, 1)]
    of_causes = {"key__sender_address": ANY, "key__template_name": ANY, "key__server": ANY}
    days = DayRollup.objects.filter(**of_causes).values_list("day", "key__outcome", "key__cause", "tries")
    months = MonthRollup.objects.filter(**of_causes).values_list("month", "key__outcome", "key__cause", "tries")
    tries = [("accepted", "", 2), ("refused", "no_such_mailbox", 1)]
    assert sorted(days) == [(NOON.date(), *each) for each in tries]
    assert sorted(months) == [(date(2026, 3, 1), *each) for each in tries]
    assert DayRollup.objects.count() == MonthRollup.objects.count() == 4 * 2
    assert sorted(HourTotal.objects.values_list("hour", "success", "failed", "uncertain")) == [
        (NOON, 2, 0, 0),
        (NOON + HOUR, 0, 1, 0),
    ]
    assert_sums_agree()


def test_folding_again_adds_to_the_sums_that_are_there() -> None:
    for _time in range(3):
        make_record(server=SERVER)
        assert fold() == 1
    assert Rollup.objects.get().tries == 3
    assert keys_of_hours().count() == 1
    assert_sums_agree()


def test_folding_nothing_writes_nothing() -> None:
    assert fold() == 0
    assert Rollup.objects.count() == 0


def test_more_deltas_than_a_batch_are_folded_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "BATCH", 2)
    for number in range(5):
        make_record(sender_address=f"sender{number}@example.com")
    assert fold() == 5
    assert_sums_agree()


def test_a_fold_that_dies_in_the_middle_has_done_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    make_record()

    def die(*_arguments: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(folding, "add_to", die)
        with pytest.raises(SystemExit):
            fold()
    assert (RollupDelta.objects.count(), Rollup.objects.count()) == (1, 0)
    assert fold() == 1
    assert_sums_agree()


def test_two_that_fold_at_once_add_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "BATCH", 3)
    for number in range(40):
        make_record(sender_address=f"sender{number % 4}@example.com")

    def fold_and_leave() -> None:
        try:
            fold()
        finally:
            connection.close()

    threads = [threading.Thread(target=fold_and_leave) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fold()
    assert RollupDelta.objects.count() == 0
    assert_sums_agree()


def test_what_is_added_while_it_is_folded_is_neither_lost_nor_counted_twice() -> None:
    stop = threading.Event()

    def fold_again_and_again() -> None:
        try:
            while not stop.is_set():
                fold()
        finally:
            connection.close()

    thread = threading.Thread(target=fold_again_and_again)
    thread.start()
    try:
        for number in range(60):
            with transaction.atomic():
                make_record(sender_address=f"sender{number % 3}@example.com")
            assert tries_since(NOON) == number + 1
    finally:
        stop.set()
        thread.join()
    fold()
    assert_sums_agree()


def test_a_key_of_the_longest_values_fits() -> None:
    values = {"sender_address": "𝛼" * 320, "template_name": "𝛽" * 200, "server": "𝛾" * 320, "cause": "c" * 64}
    make_record(started_at=NOON, **values)
    fold()
    sums = read_sums(NOON)
    assert [found.name for each in (sums.by_sender, sums.by_template, sums.by_cause) for found in each] == [
        values[name] for name in ("sender_address", "template_name", "cause")
    ]
    assert [found.server for found in sums.by_server] == [values["server"]]


def test_values_that_would_read_alike_when_joined_have_keys_of_their_own() -> None:
    make_record(started_at=NOON, sender_address="a", template_name="bc")
    make_record(started_at=NOON, sender_address="ab", template_name="c")
    fold()
    assert keys_of_hours().count() == 2


def test_sums_that_nobody_looks_at_any_more_are_forgotten() -> None:
    now = datetime.now(UTC)
    make_record(started_at=now - folding.KEPT_FOR - timedelta(days=32))
    make_record(started_at=LATELY)
    fold()
    assert [hour for (hour,) in Rollup.objects.values_list("hour")] == [LATELY.replace(minute=0)]
    assert DayRollup.objects.count() == 4
    assert MonthRollup.objects.count() == 4
    assert HourTotal.objects.count() == 1


@pytest.mark.parametrize("folded", [True, False])
def test_sums_begin_with_the_hour_that_is_asked_for(folded: bool) -> None:
    for hours in range(60):
        make_record(started_at=NOON + hours * HOUR)
    if folded:
        fold()
    # From an hour within a day, from midnight, and from the last hour of a day.
    for hours, tries in ((0, 60), (5, 55), (12, 48), (11, 49), (59, 1), (60, 0)):
        assert tries_since(NOON + hours * HOUR) == tries


@pytest.mark.parametrize("folded", [True, False])
def test_sums_of_months_days_and_hours_go_on_where_the_others_end(folded: bool) -> None:
    begins = datetime(2025, 11, 28, 22, tzinfo=UTC)
    moments = [begins + number * timedelta(hours=25) for number in range(100)]
    for moment in moments:
        make_record(started_at=moment)
    if folded:
        fold()
    # Within a month, and at its very beginning; a year ends within.
    for since in (begins, datetime(2025, 12, 1, tzinfo=UTC), datetime(2025, 12, 31, 23, tzinfo=UTC), moments[-1]):
        asked = hour_of(since)
        assert tries_since(asked) == sum(moment >= asked for moment in moments)


def test_sums_of_each_value_are_the_same_by_hour_day_and_month() -> None:
    begins = datetime(2025, 11, 29, 22, tzinfo=UTC)
    for number in range(70):
        make_record(
            started_at=begins + number * timedelta(hours=25),
            sender_address=f"s{number % 3}@example.com",
            template_name=f"t{number % 4}" if number % 4 else "",
            outcome="refused" if number % 2 else "accepted",
            cause=f"c{number % 5}" if number % 2 else "",
            server=f"h{number % 7}.example:25",
        )
    unfolded = read_sums(begins)
    fold()
    folded = read_sums(begins)
    for name in ("by_sender", "by_template", "by_cause", "by_server"):
        assert sorted(getattr(folded, name)) == sorted(getattr(unfolded, name))
    assert {each.name for each in folded.by_sender} == {"s0@example.com", "s1@example.com", "s2@example.com"}
    assert {each.name for each in folded.by_template} == {"", "t1", "t2", "t3"}
    assert len(folded.by_server) == 7


@pytest.mark.parametrize("folded", [True, False])
def test_totals_are_of_spans_that_end_before_the_next_begins(folded: bool) -> None:
    for hours in range(6):
        make_record(started_at=NOON + hours * HOUR + timedelta(minutes=59))
    make_record(started_at=NOON + HOUR, outcome="refused")
    make_record(started_at=NOON + 3 * HOUR, outcome="unknown")
    if folded:
        fold()
    totals = read_totals([NOON + HOUR, NOON + 3 * HOUR, NOON + 4 * HOUR])
    assert sorted((found.span, found.success, found.failed, found.uncertain) for found in totals) == [
        (0, 2, 1, 0),
        (1, 1, 0, 1),
    ]


def test_the_first_hour_is_found_folded_or_not() -> None:
    assert find_first_hour() is None
    make_record(started_at=NOON + timedelta(minutes=5))
    assert find_first_hour() == NOON
    fold()
    assert find_first_hour() == NOON


def rebuild(*arguments: str) -> str:
    out = StringIO()
    call_command("rebuild_rollups", *arguments, stdout=out)
    return out.getvalue()


def test_sums_that_were_lost_are_made_anew() -> None:
    for hours in range(30):
        make_record(started_at=NOON + hours * HOUR, server=SERVER, outcome="refused" if hours % 3 else "accepted")
    fold()
    Rollup.objects.filter(hour__gte=NOON + 3 * HOUR).delete()
    DayRollup.objects.all().delete()
    MonthRollup.objects.all().delete()
    HourTotal.objects.all().delete()
    assert rebuild() == "Since 2026-03-10 12:00 UTC the sums agree with the records: 30 hours checked.\n"
    assert_sums_agree()


def test_sums_that_say_too_much_are_corrected() -> None:
    make_record(started_at=NOON)
    make_record(started_at=NOON + HOUR, outcome="refused")
    fold()
    Rollup.objects.update(tries=500, milliseconds=7)
    DayRollup.objects.update(tries=3)
    MonthRollup.objects.update(tries=4)
    rebuild()
    assert_sums_agree()


def test_right_sums_are_left_as_they_are() -> None:
    make_record(started_at=NOON)
    fold()
    make_record(started_at=NOON)  # still to be folded
    rebuild()
    assert Rollup.objects.get().tries == 2
    assert_sums_agree()


def test_sums_of_pruned_records_stay() -> None:
    make_record(started_at=NOON)
    kept = make_record(started_at=NOON + 2 * HOUR + timedelta(minutes=30))
    make_record(started_at=NOON + 2 * HOUR)
    make_record(started_at=NOON + 3 * HOUR)
    fold()
    SendingRecord.objects.filter(started_at__lt=kept.started_at).delete()
    rebuild()
    assert sorted(Rollup.objects.values_list("hour", "tries")) == [
        (NOON, 1),
        (NOON + 2 * HOUR, 2),
        (NOON + 3 * HOUR, 1),
    ]


def test_a_day_that_is_named_is_made_anew_whatever_was_pruned() -> None:
    make_record(started_at=NOON)
    make_record(started_at=NOON + HOUR)
    fold()
    SendingRecord.objects.filter(started_at=NOON).delete()
    assert rebuild("--since", "2026-03-10") == (
        "Since 2026-03-10 00:00 UTC the sums agree with the records: 14 hours checked.\n"
    )
    assert counted_from_records() != {}
    assert_sums_agree()


def test_without_records_the_command_asks_for_a_day() -> None:
    with pytest.raises(CommandError, match="There are no sending records"):
        rebuild()
    assert rebuild("--since", "2026-03-10") == (
        "Since 2026-03-10 00:00 UTC the sums agree with the records: 1 hour checked.\n"
    )
