"""The sweeper: every worker process keeps mail moving by itself, and of many one does it at a time."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models import F
from pytest_django.fixtures import Settings

from delivery.engine.sweeper import Sweeper, take_turn
from records.models import Heartbeat
from tests.services import AT_ONCE

pytestmark = pytest.mark.django_db(transaction=True)


class Sweeping:
    """A sweeper whose sweeps find what the test says."""

    def __init__(self) -> None:
        self.due = [7, 8]
        self.sweeps = 0
        self.woken: list[int] = []
        self.failures = 0
        self._changed = threading.Condition()
        self.sweeper = Sweeper(self._sweep, self._wake)

    def _sweep(self) -> list[int]:
        with self._changed:
            self.sweeps += 1
            self._changed.notify_all()
            if self.failures >= self.sweeps:
                raise RuntimeError
        return self.due

    def _wake(self, sender_id: int) -> None:
        with self._changed:
            self.woken.append(sender_id)
            self._changed.notify_all()

    def wait_for_sweeps(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.sweeps >= count and len(self.woken) >= len(self.due), AT_ONCE)


@pytest.fixture
def sweeping() -> Iterator[Sweeping]:
    running = Sweeping()
    yield running
    running.sweeper.stop()
    running.sweeper.join(AT_ONCE)


def test_it_sweeps_at_once_and_has_due_mail_sent_without_any_broker(sweeping: Sweeping) -> None:
    sweeping.sweeper.start()
    sweeping.wait_for_sweeps(1)
    assert sweeping.woken == [7, 8]


def test_it_sweeps_again_and_again_even_after_a_failure(sweeping: Sweeping, settings: Settings) -> None:
    settings.SWEEP_SECONDS = 0.05
    sweeping.failures = 2
    sweeping.sweeper.start()
    sweeping.wait_for_sweeps(4)


def test_it_ends_when_told_to(sweeping: Sweeping) -> None:
    sweeping.sweeper.start()
    sweeping.sweeper.stop()
    sweeping.sweeper.join(AT_ONCE)
    assert [thread for thread in threading.enumerate() if thread.name == "sweeper"] == []


def test_the_turn_is_taken_by_one_within_the_interval() -> None:
    assert [take_turn("sweep", 12), take_turn("sweep", 12)] == [True, False]
    Heartbeat.objects.update(seen_at=F("seen_at") - timedelta(seconds=13))
    assert [take_turn("sweep", 12), take_turn("sweep", 12)] == [True, False]


def test_different_deeds_have_turns_of_their_own() -> None:
    assert [take_turn("sweep", 12), take_turn("tidy", 12)] == [True, True]


def test_a_process_leaves_a_sweep_to_another_that_did_it_just_now(
    sweeping: Sweeping, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SWEEP_SECONDS = 0.1
    monkeypatch.setattr("delivery.engine.sweeper.take_turn", lambda _name, _seconds: False)
    sweeping.sweeper.start()
    sweeping.wait_for_sweeps(1)
    threading.Event().wait(0.5)  # nothing tells that nothing happens
    assert sweeping.sweeps == 1


def test_a_sweep_that_is_asked_for_is_done_whoever_swept_before(sweeping: Sweeping) -> None:
    assert take_turn("sweep", 12)
    sweeping.sweeper.sweep_now()
    assert sweeping.woken == [7, 8]
