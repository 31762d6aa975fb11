"""Connection slots: never more than the account's limit, over all workers; free when their holder dies."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.db.models import F
from django.db.models.functions import Now

from delivery.engine import held_slots as keeping
from delivery.engine.demand import USUAL_CONNECTIONS, find_connection_limit
from delivery.engine.held_slots import HeldSlots
from delivery.engine.slots import Slot, give_slots_back, renew_slots, take_slot
from senders.models import ConnectionSlot, Sender
from tests import services
from tests.delivery.engine.scenes import make_sender

pytestmark = pytest.mark.django_db(transaction=True)


MakeHeld = Callable[[Callable[[int], int]], HeldSlots]


@pytest.fixture
def make_held() -> Iterator[MakeHeld]:
    made: list[HeldSlots] = []

    def make(count_idle_sessions: Callable[[int], int]) -> HeldSlots:
        made.append(HeldSlots(count_idle_sessions))
        return made[-1]

    yield make
    for held in made:
        held.close()


@pytest.fixture
def sender() -> Sender:
    return make_sender(max_connections=2)


def take(sender: Sender, limit: int = 2) -> Slot:
    slot = take_slot(sender.pk, limit)
    assert slot is not None
    return slot


def end_slot_leases() -> None:
    ConnectionSlot.objects.update(lease_until=F("lease_until") - timedelta(days=1))


def test_an_account_has_as_many_connections_as_its_limit(sender: Sender) -> None:
    assert [take(sender).number, take(sender).number] == [0, 1]
    assert take_slot(sender.pk, 2) is None


def test_accounts_do_not_share_their_limits(sender: Sender) -> None:
    other = make_sender(address="other@example.com")
    assert [take(sender, 1).number, take(other, 1).number] == [0, 0]


def test_a_slot_that_was_given_back_is_taken_by_the_next(sender: Sender) -> None:
    first = take(sender)
    take(sender)
    give_slots_back([first])
    assert take(sender).number == first.number
    assert take_slot(sender.pk, 2) is None


def test_a_dead_workers_slots_come_free_with_their_leases(sender: Sender) -> None:
    dead = [take(sender), take(sender)]
    end_slot_leases()
    assert [take(sender).number, take(sender).number] == [0, 1]
    assert renew_slots(dead) == 0


def test_a_lease_that_ended_is_renewed_if_nobody_took_the_slot(sender: Sender) -> None:
    slot = take(sender, 1)
    end_slot_leases()
    assert renew_slots([slot]) == 1
    assert take_slot(sender.pk, 1) is None


def test_what_a_former_holder_gives_back_is_not_taken_from_the_present_one(sender: Sender) -> None:
    former = take(sender, 1)
    end_slot_leases()
    take(sender, 1)
    give_slots_back([former])
    assert take_slot(sender.pk, 1) is None


def test_a_lowered_limit_leaves_the_higher_slots_alone(sender: Sender) -> None:
    slots = [take(sender, 3) for _ in range(3)]
    give_slots_back(slots)
    assert take(sender, 1).number == 0
    assert take_slot(sender.pk, 1) is None


def test_of_many_who_ask_at_once_no_more_than_the_limit_get_one(sender: Sender) -> None:
    def ask(_number: int) -> Slot | None:
        try:
            return take_slot(sender.pk, 3)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        taken = [slot.number for slot in pool.map(ask, range(16)) if slot]
    assert sorted(taken) == [0, 1, 2]


def test_a_slot_stays_with_an_idle_session_and_is_given_back_when_that_ends(
    sender: Sender, make_held: MakeHeld
) -> None:
    idle_sessions = 1
    held = make_held(lambda _sender_id: idle_sessions)
    slot = held.take(sender.pk, 1)
    assert slot is not None
    held.put(slot)
    assert take_slot(sender.pk, 1) is None
    assert held.take(sender.pk, 1) == slot
    held.put(slot)
    idle_sessions = 0
    held.trim_all()
    assert take(sender, 1).number == 0


def test_a_slot_without_a_session_is_given_back_at_once(sender: Sender, make_held: MakeHeld) -> None:
    held = make_held(lambda _sender_id: 0)
    slot = held.take(sender.pk, 1)
    assert slot is not None
    held.put(slot)
    assert take(sender, 1).number == 0


def test_a_kept_slot_beyond_a_lowered_limit_is_given_back(sender: Sender, make_held: MakeHeld) -> None:
    held = make_held(lambda _sender_id: 2)
    slots = [held.take(sender.pk, 2), held.take(sender.pk, 2)]
    for slot in slots:
        assert slot is not None
        held.put(slot)
    kept = held.take(sender.pk, 1)
    assert kept is not None
    assert kept.number == 0
    assert take(sender).number == 1


def test_slots_in_use_and_kept_ones_are_renewed(sender: Sender, make_held: MakeHeld) -> None:
    held = make_held(lambda _sender_id: 1)
    first, second = held.take(sender.pk, 2), held.take(sender.pk, 2)
    assert first is not None
    assert second is not None
    held.put(first)
    end_slot_leases()
    held.renew()
    assert take_slot(sender.pk, 2) is None


def test_slots_are_renewed_by_themselves_as_long_as_there_are_any(
    sender: Sender, make_held: MakeHeld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "RENEW_INTERVAL", 0.05)
    held = make_held(lambda _sender_id: 0)
    slot = held.take(sender.pk, 1)
    assert slot is not None
    end_slot_leases()
    services.wait_until(lambda: ConnectionSlot.objects.filter(lease_until__gt=Now()).exists())
    held.put(slot)
    services.wait_until(lambda: "slot-keeper" not in {thread.name for thread in threading.enumerate()})
    assert take(sender, 1).number == 0


def test_the_limit_is_the_accounts_own_or_what_is_usual(sender: Sender) -> None:
    assert find_connection_limit(sender.pk) == 2
    assert find_connection_limit(make_sender(address="other@example.com").pk) == USUAL_CONNECTIONS
    assert find_connection_limit(4711) == 0
