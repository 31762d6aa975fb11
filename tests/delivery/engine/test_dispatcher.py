"""The dispatcher: whose mail gets a line, and when. What a line does is the test's own function."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from delivery.acceptance import accept_mails
from delivery.engine import dispatcher as rules
from delivery.engine import stints
from delivery.engine.dispatcher import Dispatcher
from delivery.engine.held_slots import HeldSlots
from delivery.engine.slots import take_slot
from delivery.engine.stints import STALL_TIME
from delivery.request import MailRequest
from delivery.smtp.hub import elsewhere
from senders.models import Sender
from tests import services
from tests.delivery.engine.scenes import make_sender

pytestmark = pytest.mark.django_db(transaction=True)

IsStopping = Callable[[], bool]


class Lines:
    """What the lines of a dispatcher do: as the test says, for each sender."""

    def __init__(self) -> None:
        self.turns: list[int] = []
        self.threads: list[int] = []
        """Which thread each of the turns was in."""
        self.passed_on: list[tuple[int, int]] = []
        self.work: dict[int, Callable[[IsStopping], bool]] = {}
        self.release = threading.Event()
        self._changed = threading.Condition()
        self.dispatcher = Dispatcher(self._drain, HeldSlots(lambda _sender_id: 0), self._pass_on)

    def _drain(self, sender_id: int, *, is_stopping: IsStopping) -> bool:
        with self._changed:
            self.turns.append(sender_id)
            self.threads.append(threading.get_ident())
            self._changed.notify_all()
        work = self.work.get(sender_id)
        return work(is_stopping) if work else False

    def _pass_on(self, sender_id: int, hops: int) -> None:
        with self._changed:
            self.passed_on.append((sender_id, hops))
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, seconds)

    def wait_for_turns(self, sender: Sender, count: int = 1) -> None:
        self.wait_for(lambda: Counter(self.turns)[sender.pk] >= count)

    def hang(self, _is_stopping: IsStopping) -> bool:
        """Be silent, as with a server that does not answer."""
        elsewhere(lambda: self.release.wait(30))
        return False

    def go_on(self, is_stopping: IsStopping) -> bool:
        """Send mail after mail, as with a slow server and a long queue, until told to end."""
        while not is_stopping():
            if elsewhere(lambda: self.release.wait(0.02)):
                return False
        return True


@pytest.fixture
def lines() -> Iterator[Lines]:
    running = Lines()
    yield running
    running.release.set()
    running.dispatcher.stop()
    assert running.dispatcher.join(services.AT_ONCE)


def make_senders(count: int, **values: Any) -> list[Sender]:
    return [make_sender(address=f"s{number}@example.com", **values) for number in range(count)]


def accept_many(sender: Sender, count: int = 100) -> None:
    accept_mails([MailRequest(to=["bob@example.org"], subject="Load", text="Done.", sender=sender)] * count)


def test_a_woken_sender_gets_a_line_at_once(lines: Lines) -> None:
    sender = make_sender()
    lines.dispatcher.wake(sender.pk)
    lines.wait_for_turns(sender)


def test_however_often_a_sender_is_woken_its_line_looks_once_more(lines: Lines) -> None:
    sender = make_sender(max_connections=1)
    lines.work[sender.pk] = lines.hang
    lines.dispatcher.wake(sender.pk)
    lines.wait_for_turns(sender)
    for _ in range(5):
        lines.dispatcher.wake(sender.pk)
    lines.release.set()
    lines.wait_for_turns(sender, 2)
    services.wait_until(lambda: lines.dispatcher.count_lines(sender.pk) == 0)
    assert lines.turns == [sender.pk] * 2


def test_a_line_whose_time_is_over_before_the_mail_begins_anew(lines: Lines) -> None:
    sender = make_sender()
    answers = iter([True, True, False])
    lines.work[sender.pk] = lambda _is_stopping: next(answers)
    lines.dispatcher.wake(sender.pk)
    lines.wait_for_turns(sender, 3)


def test_a_drain_that_fails_is_left_to_the_sweep(lines: Lines, caplog: pytest.LogCaptureFixture) -> None:
    sender, other = make_senders(2)

    def fail(_is_stopping: IsStopping) -> bool:
        raise RuntimeError

    lines.work[sender.pk] = fail
    lines.dispatcher.wake(sender.pk)
    lines.wait_for_turns(sender)
    lines.dispatcher.wake(other.pk)
    lines.wait_for_turns(other)
    services.wait_until(lambda: lines.dispatcher.count_lines(sender.pk) == 0)
    assert lines.turns.count(sender.pk) == 1
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert errors == ["a drain failed, its mail waits for the sweep"]


def test_senders_whose_servers_hang_take_no_place_of_others(lines: Lines, settings: Settings) -> None:
    settings.MAILBOX_LINES = 4
    *hanging, working = make_senders(9)
    for sender in hanging:
        lines.work[sender.pk] = lines.hang
        lines.dispatcher.wake(sender.pk)
    lines.dispatcher.wake(working.pk)
    lines.wait_for_turns(working)


def test_there_is_an_end_to_the_number_of_threads(lines: Lines, settings: Settings) -> None:
    settings.MAILBOX_LINES = 1
    *hanging, last = make_senders(rules.HANGING_FACTOR + 1)
    for sender in hanging:
        lines.work[sender.pk] = lines.hang
        lines.dispatcher.wake(sender.pk)
        lines.wait_for_turns(sender)
    lines.dispatcher.wake(last.pk)
    time.sleep(STALL_TIME * 1.2)  # nothing tells that nothing happens
    assert last.pk not in lines.turns
    lines.release.set()
    lines.wait_for_turns(last)


def test_more_senders_than_lines_take_turns(lines: Lines, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "TURN_TIME", 0.1)
    settings.MAILBOX_LINES = 2
    senders = make_senders(5)
    for sender in senders:
        lines.work[sender.pk] = lines.go_on
        lines.dispatcher.wake(sender.pk)
    for sender in senders:
        lines.wait_for_turns(sender, 3)
    counts = Counter(lines.turns)
    assert max(counts.values()) - min(counts.values()) <= 2


def test_a_slow_server_with_a_long_queue_gets_further_lines_up_to_the_accounts_limit(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stints, "LOOK_TIME", 0.1)
    sender = make_sender(max_connections=3)
    accept_many(sender)
    lines.work[sender.pk] = lines.go_on
    lines.dispatcher.wake(sender.pk)
    lines.wait_for_turns(sender, 3)
    time.sleep(0.5)  # nothing tells that nothing happens
    assert lines.dispatcher.count_lines(sender.pk) == 3


def test_a_queue_that_is_short_needs_no_further_lines(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stints, "LOOK_TIME", 0.05)
    sender = make_sender(max_connections=3)
    accept_many(sender, rules.MAILS_PER_LINE - 1)
    lines.work[sender.pk] = lines.go_on
    lines.dispatcher.wake(sender.pk)
    lines.wait_for_turns(sender)
    time.sleep(0.3)  # nothing tells that nothing happens
    assert lines.dispatcher.count_lines(sender.pk) == 1


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        pytest.param(9, 1, id="little mail"),
        pytest.param(10, stints.FAST_LINES, id="enough for one more line at each look"),
        pytest.param(100, stints.FAST_LINES, id="any amount"),
    ],
)
def test_a_fast_server_gets_a_few_lines_where_enough_mail_waits_whatever_the_account_allows(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, waiting: int, expected: int
) -> None:
    monkeypatch.setattr(stints, "LOOK_TIME", 0.05)
    monkeypatch.setattr(stints, "FAST", 1)
    monkeypatch.setattr(rules, "MAILS_PER_FAST_LINE", 10)
    sender = make_sender(max_connections=8)
    accept_many(sender, waiting)
    lines.work[sender.pk] = lines.go_on
    lines.dispatcher.wake(sender.pk)
    lines.wait_for_turns(sender, expected)
    time.sleep(0.3)  # nothing tells that nothing happens
    assert lines.dispatcher.count_lines(sender.pk) == expected


def test_a_fast_server_gets_no_more_lines_than_its_account_allows(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stints, "LOOK_TIME", 0.05)
    monkeypatch.setattr(stints, "FAST", 1)
    monkeypatch.setattr(rules, "MAILS_PER_FAST_LINE", 10)
    sender = make_sender(max_connections=2)
    accept_many(sender)
    lines.work[sender.pk] = lines.go_on
    lines.dispatcher.wake(sender.pk)
    lines.wait_for_turns(sender, 2)
    time.sleep(0.3)  # nothing tells that nothing happens
    assert lines.dispatcher.count_lines(sender.pk) == 2


def test_the_lines_of_a_sender_share_a_thread_and_other_senders_have_theirs(lines: Lines) -> None:
    sender, other = make_senders(2, max_connections=2)
    for one in (sender, other):
        lines.work[one.pk] = lines.hang
        lines.dispatcher.wake(one.pk)
        lines.wait_for_turns(one)
    time.sleep(rules.CLAIM_TIME * 1.1)  # the lines' silence is what is awaited
    lines.dispatcher.wake(sender.pk, is_urgent=True)
    lines.wait_for_turns(sender, 2)
    first, others, second = lines.threads
    assert (first == second, first == others) == (True, False)


def test_a_process_that_computes_all_the_time_gets_no_further_lines(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stints, "LOOK_TIME", 0.1)
    sender = make_sender(max_connections=3)
    accept_many(sender)

    def compute(is_stopping: IsStopping) -> bool:
        end = time.process_time() + 0.6
        while time.process_time() < end:
            is_stopping()
        return False

    monkeypatch.setattr(stints, "FAST", 10**9)
    monkeypatch.setattr(stints, "BUSY_SHARE", 0.01)
    lines.work[sender.pk] = compute
    lines.dispatcher.wake(sender.pk)
    services.wait_until(lambda: lines.turns != [] and lines.dispatcher.count_lines(sender.pk) == 0)
    assert lines.turns == [sender.pk]


def test_further_lines_leave_room_for_the_first_lines_of_others(
    lines: Lines, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stints, "LOOK_TIME", 0.05)
    settings.MAILBOX_LINES = 8
    greedy, modest = make_senders(2, max_connections=20)
    accept_many(greedy)
    lines.work[greedy.pk] = lines.go_on
    lines.dispatcher.wake(greedy.pk)
    lines.wait_for_turns(greedy, 6)
    time.sleep(0.3)  # nothing tells that nothing happens
    assert lines.dispatcher.count_lines(greedy.pk) == 6
    lines.work[modest.pk] = lines.go_on
    lines.dispatcher.wake(modest.pk)
    assert [lines.dispatcher.count_lines(sender.pk) for sender in (greedy, modest)] == [6, 1]
    lines.wait_for_turns(modest)


def test_a_sender_with_many_lines_gives_way_first(
    lines: Lines, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stints, "LOOK_TIME", 0.05)
    monkeypatch.setattr(rules, "TURN_TIME", 600.0)  # nobody who has a single line gives way
    settings.MAILBOX_LINES = 4
    greedy, *others = make_senders(3, max_connections=3)
    accept_many(greedy)
    lines.work[greedy.pk] = lines.go_on
    lines.dispatcher.wake(greedy.pk)
    lines.wait_for_turns(greedy, 3)
    for sender in others:
        lines.work[sender.pk] = lines.go_on
        lines.dispatcher.wake(sender.pk)
    for sender in others:
        lines.wait_for_turns(sender)


def test_a_line_that_hangs_is_joined_by_another_when_the_sender_is_woken_again(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stints, "STALL_TIME", 600.0)
    sender = make_sender(max_connections=2)
    lines.work[sender.pk] = lines.hang
    lines.dispatcher.wake(sender.pk)
    lines.wait_for_turns(sender)
    lines.dispatcher.wake(sender.pk)
    assert lines.dispatcher.count_lines(sender.pk) == 1
    monkeypatch.setattr(stints, "STALL_TIME", 0.0)  # it has been silent for long enough
    lines.dispatcher.wake(sender.pk)
    assert lines.dispatcher.count_lines(sender.pk) == 2
    lines.wait_for_turns(sender, 2)


def test_urgent_mail_gets_a_further_line_beside_one_that_is_silent(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stints, "STALL_TIME", 600.0)  # not so long that any mail would get one
    sender = make_sender(max_connections=2)
    lines.work[sender.pk] = lines.hang
    lines.dispatcher.wake(sender.pk)
    lines.wait_for_turns(sender)
    time.sleep(rules.CLAIM_TIME * 1.1)  # the line's silence is what is awaited
    lines.dispatcher.wake(sender.pk, is_urgent=True)
    assert lines.dispatcher.count_lines(sender.pk) == 2
    lines.wait_for_turns(sender, 2)


def test_urgent_mail_is_left_to_a_line_that_is_just_sending(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "CLAIM_TIME", 600.0)  # its latest sign of life was just now
    sender = make_sender(max_connections=2)
    lines.work[sender.pk] = lines.go_on
    lines.dispatcher.wake(sender.pk)
    lines.wait_for_turns(sender)
    lines.dispatcher.wake(sender.pk, is_urgent=True)
    assert lines.dispatcher.count_lines(sender.pk) == 1
    lines.release.set()
    lines.wait_for_turns(sender, 2)  # it looks once more, as after any wake-up
    assert lines.turns == [sender.pk] * 2


def test_urgent_mail_does_not_queue(lines: Lines, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "TURN_TIME", 600.0)  # the line of the busy one gives way to nobody
    monkeypatch.setattr(stints, "STALL_TIME", 600.0)
    settings.MAILBOX_LINES = 1
    busy, waiting, urgent = make_senders(3)
    lines.work[busy.pk] = lines.go_on
    lines.dispatcher.wake(busy.pk)
    lines.wait_for_turns(busy)
    lines.dispatcher.wake(waiting.pk)
    lines.dispatcher.wake(urgent.pk)
    lines.dispatcher.wake(urgent.pk, is_urgent=True)
    lines.wait_for_turns(urgent)
    assert lines.turns.index(urgent.pk) == 1


def test_a_sender_whose_connections_are_all_in_use_elsewhere_is_passed_on(lines: Lines) -> None:
    sender = make_sender(max_connections=1)
    assert take_slot(sender.pk, 1)
    lines.dispatcher.wake(sender.pk, hops=3)
    lines.wait_for(lambda: lines.passed_on == [(sender.pk, 3)])
    assert lines.turns == []


def test_an_account_that_is_gone_is_forgotten(lines: Lines) -> None:
    lines.dispatcher.wake(4711)
    services.wait_until(lambda: lines.dispatcher.count_lines(4711) == 0)
    assert (lines.turns, lines.passed_on) == ([], [])


def test_stopping_ends_lines_after_the_mail_in_hand_and_passes_on_what_is_left(lines: Lines) -> None:
    working, hanging, late = make_senders(3)
    lines.work = {working.pk: lines.go_on, hanging.pk: lines.hang}
    for sender in (working, hanging):
        lines.dispatcher.wake(sender.pk)
        lines.wait_for_turns(sender)
    lines.dispatcher.stop()
    lines.wait_for(lambda: lines.passed_on == [(working.pk, 0)])
    assert lines.dispatcher.join(0.1) is False
    lines.dispatcher.wake(late.pk, hops=2)
    assert lines.passed_on == [(working.pk, 0), (late.pk, 2)]
    lines.release.set()
    assert lines.dispatcher.join(services.AT_ONCE) is True
    assert late.pk not in lines.turns


if os.environ.get("TEST_DB") == "postgres":

    def break_connection(_is_stopping: IsStopping) -> bool:
        """Ask a database that ended the connection of this thread."""
        connection.ensure_connection()
        connection.connection.close()
        Sender.objects.count()
        raise AssertionError

    def test_a_line_that_joins_a_silent_one_is_not_hindered_by_a_connection_to_the_database_that_broke(
        lines: Lines, caplog: pytest.LogCaptureFixture
    ) -> None:
        sender = make_sender(max_connections=3)
        turns_of_lines = iter([lines.hang, break_connection, lines.hang])

        def work(is_stopping: IsStopping) -> bool:
            turn = next(turns_of_lines)
            return turn(is_stopping)

        lines.work[sender.pk] = work
        lines.dispatcher.wake(sender.pk)
        for turns in (2, 3):
            lines.wait_for_turns(sender, turns - 1)
            services.wait_until(lambda: lines.dispatcher.count_lines(sender.pk) == 1)
            time.sleep(rules.CLAIM_TIME * 1.1)  # the line's silence is what is awaited
            lines.dispatcher.wake(sender.pk, is_urgent=True)
            lines.wait_for_turns(sender, turns)
        assert len(set(lines.threads)) == 1
        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
            "a drain failed, its mail waits for the sweep"
        ]
