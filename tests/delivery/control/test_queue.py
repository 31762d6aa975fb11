"""What the queue page is told: how much waits, since when and why, at a cost that does not grow with the queue."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from delivery.control import counting
from delivery.control.counting import read_lines
from delivery.control.pausing import pause_everything, pause_sender, resume_sender
from delivery.control.queue import QueueRow, read_queue
from records.clock import database_now
from records.enums import Priority
from records.models import Heartbeat, Mail
from senders.enums import CircuitState
from senders.models import Allowance, Circuit, Fallback, Sender
from tests.delivery.control.scenes import BY, accept_many, fail, hold, wait_for_retry
from tests.delivery.engine.scenes import accept, make_sender, take

pytestmark = pytest.mark.django_db(transaction=True)

REPLY = "535 5.7.8 authentication failed"


@pytest.fixture(autouse=True)
def _worker() -> None:
    Heartbeat.objects.create(name="worker", seen_at=database_now())


@pytest.fixture
def sender() -> Sender:
    return make_sender()


def only_row() -> QueueRow:
    [row] = read_queue().rows
    return row


def shown(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}"


def test_an_account_without_mail_has_an_empty_line(sender: Sender) -> None:
    row = only_row()
    assert (row.waiting, row.sending, row.oldest_at, row.why.mark) == (0, 0, None, "Nothing waits")


def test_what_waits_and_what_is_in_hand_are_told_apart(sender: Sender) -> None:
    first, second, _third = accept_many(sender, 3)
    take(first)
    row = only_row()
    assert (row.waiting, row.sending, row.why.mark) == (2, 1, "Sending")
    assert row.oldest_at == Mail.objects.get(pk=second.pk).accepted_at
    queue = read_queue()
    assert (queue.waiting, queue.sending, queue.is_capped) == (2, 1, False)


def test_the_mail_that_waits_longest_may_be_of_any_priority_and_due_last(sender: Sender) -> None:
    oldest, _bulk, _high = accept_many(sender, 3)
    Mail.objects.filter(pk=_bulk.pk).update(priority=Priority.BULK)
    Mail.objects.filter(pk=_high.pk).update(priority=Priority.HIGH)
    wait_for_retry(oldest)
    row = only_row()
    assert row.oldest_at == Mail.objects.get(pk=oldest.pk).accepted_at
    assert row.why.mark == "Next in line"


def test_counting_stops(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    now = database_now()
    Mail.objects.bulk_create(
        Mail(sender=sender, accepted_at=now, due_at=now, expires_at=now) for _ in range(counting.MAX_COUNTED + 5)
    )
    row = only_row()
    assert (row.waiting, row.is_capped) == (10_000, True)


def test_held_and_failed_mail_is_counted(sender: Sender) -> None:
    held, failed, _waits = accept_many(sender, 3)
    hold(held)
    fail(failed)
    queue = read_queue()
    assert (queue.held, queue.failed, queue.waiting) == (1, 1, 1)


def test_those_with_mail_stand_first(sender: Sender) -> None:
    make_sender(address="a@example.com", display_name="Aa")
    accept(make_sender(address="z@example.com", display_name="Zz"))
    assert [row.sender.display_name for row in read_queue().rows] == ["Zz", "Aa", "Reports"]


def _open_circuit(sender: Sender, **values: Any) -> None:
    Circuit.objects.update_or_create(pk=sender.pk, defaults=values)


def _test_paused(sender: Sender) -> tuple[str, str, str]:
    pause_sender(sender, BY)
    paused_at = Sender.objects.get().paused_at
    assert paused_at is not None
    return ("Paused", f"Paused by ada since {shown(paused_at)}.", "")


def _test_all_paused(sender: Sender) -> tuple[str, str, str]:
    pause_everything(BY)
    assert read_queue().pause is not None
    return ("Paused", "All sending is paused.", "")


def _test_resuming(sender: Sender) -> tuple[str, str, str]:
    pause_sender(sender, BY)
    resume_sender(sender, BY)
    return ("Resuming", "Mail flows again in a moment: first it gets the time of the pause back.", "")


def _test_disabled(sender: Sender) -> tuple[str, str, str]:
    Sender.objects.update(is_enabled=False)
    return ("Disabled", "Mail waits until the account is enabled, or its time to give up has passed.", "")


def _test_refused(sender: Sender) -> tuple[str, str, str]:
    _open_circuit(sender, state=CircuitState.REFUSED, reply=REPLY)
    sentence = "The server refused the sign-in. Mail waits until the account is edited or tested well."
    return ("Sign-in refused", sentence, REPLY)


def _test_unreadable(sender: Sender) -> tuple[str, str, str]:
    _open_circuit(sender, state=CircuitState.REFUSED, fault="secret_unreadable")
    return ("Password unreadable", "The stored password can't be read. Type it again.", "")


def _test_unreachable(sender: Sender) -> tuple[str, str, str]:
    now = database_now()
    probe_at = now + timedelta(minutes=2)
    _open_circuit(sender, state=CircuitState.OPEN, opened_at=now, probe_at=probe_at)
    return ("Not reachable", f"Since {shown(now)}. The next look is at {shown(probe_at)}.", "")


def _test_slow(sender: Sender) -> tuple[str, str, str]:
    until = database_now() + timedelta(minutes=9)
    Allowance.objects.create(sender=sender, slow_until=until, hint="450 4.7.1 too fast")
    return ("Slowed down", f"The server asked to wait. Mail goes on at {shown(until)}.", "450 4.7.1 too fast")


def _test_retry(sender: Sender) -> tuple[str, str, str]:
    wait_for_retry(Mail.objects.get())
    return ("Next try later", f"The next try is at {shown(Mail.objects.get().due_at)}.", "")


def _test_not_due(sender: Sender) -> tuple[str, str, str]:
    due_at = database_now() + timedelta(hours=3)
    Mail.objects.update(due_at=due_at)
    return ("Not due yet", f"The first is due at {shown(due_at)}.", "")


def _test_no_worker(sender: Sender) -> tuple[str, str, str]:
    seen_at = database_now() - timedelta(minutes=5)
    Heartbeat.objects.update(seen_at=seen_at)
    sentence = f"No worker was seen since {shown(seen_at)}. Start the worker or look into its log; nothing is lost."
    return ("No worker", sentence, "")


def _test_never_a_worker(sender: Sender) -> tuple[str, str, str]:
    Heartbeat.objects.all().delete()
    return ("No worker", "No worker was seen yet. Start the worker; nothing is lost.", "")


@pytest.mark.parametrize(
    "arrange",
    [
        _test_paused, _test_all_paused, _test_resuming, _test_disabled, _test_refused, _test_unreadable,
        _test_unreachable, _test_slow, _test_retry, _test_not_due, _test_no_worker, _test_never_a_worker,
    ],
)  # fmt: skip
def test_it_says_why_mail_waits(sender: Sender, arrange: Callable[[Sender], tuple[str, str, str]]) -> None:
    accept(sender)
    expected = arrange(sender)
    why = only_row().why
    assert (why.mark, why.sentence, why.reply) == expected


def test_it_says_who_helps_out(sender: Sender) -> None:
    stand_in = make_sender(address="b@example.com", display_name="Backup")
    Fallback.objects.create(owner=sender, sender=stand_in, position=1)
    _open_circuit(sender, state=CircuitState.REFUSED)
    [why] = [row.why for row in read_queue().rows if row.sender == sender]
    assert why.sentence.endswith("tested well. For now its mail is sent by Backup.")


def test_it_costs_as_many_queries_for_three_accounts_as_for_one() -> None:
    counts = []
    for number in (1, 2, 3):
        accept(make_sender(address=f"a{number}@example.com"))
        with CaptureQueriesContext(connection) as queries:
            read_queue()
        counts.append(len(queries))
    assert counts[0] == counts[2]


def test_what_was_sent_before_costs_nothing_and_what_waits_is_walked_by_index(sender: Sender) -> None:
    now = database_now()
    ended = {"sender": sender, "state": "sent", "accepted_at": now, "due_at": now, "expires_at": now}
    Mail.objects.bulk_create([Mail(finished_at=now, **ended) for _ in range(3000)])
    accept(sender)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{explain} {counting._STATEMENT}", {"sending": "sending"})
        plan = "\n".join(str(row) for row in cursor.fetchall())
    assert read_lines()[sender.pk].unfinished == 1
    assert "SCAN m" not in plan
    assert "Seq Scan on records_mail" not in plan
    assert "unfinished_mail_by_sender" in plan
