"""How many checks may run at once."""

import pytest
from pytest_django.fixtures import Settings

from delivery.check.slots import Slots, TooManyChecksError


def test_one_person_may_not_take_all_slots(settings: Settings) -> None:
    settings.MAILBOX_CHECKS_PER_USER, settings.MAILBOX_CHECKS_AT_ONCE = 2, 6
    slots = Slots()
    slots.take("ann")
    slots.take("ann")

    with pytest.raises(TooManyChecksError):
        slots.take("ann")
    slots.take("ben")


def test_all_people_together_may_not_take_more_than_there_are(settings: Settings) -> None:
    settings.MAILBOX_CHECKS_PER_USER, settings.MAILBOX_CHECKS_AT_ONCE = 2, 2
    slots = Slots()
    slots.take("ann")
    slots.take("ben")

    with pytest.raises(TooManyChecksError):
        slots.take("eve")


def test_a_slot_that_is_given_back_can_be_taken_again(settings: Settings) -> None:
    settings.MAILBOX_CHECKS_PER_USER, settings.MAILBOX_CHECKS_AT_ONCE = 1, 1
    slots = Slots()

    with slots.held("ann"), pytest.raises(TooManyChecksError):
        slots.take("ann")

    slots.take("ann")


def test_a_slot_comes_back_also_after_an_error(settings: Settings) -> None:
    settings.MAILBOX_CHECKS_PER_USER, settings.MAILBOX_CHECKS_AT_ONCE = 1, 1
    slots = Slots()

    with pytest.raises(ZeroDivisionError), slots.held("ann"):
        raise ZeroDivisionError

    slots.take("ann")


def test_a_refused_person_leaves_no_trace(settings: Settings) -> None:
    settings.MAILBOX_CHECKS_PER_USER, settings.MAILBOX_CHECKS_AT_ONCE = 1, 1
    slots = Slots()
    slots.take("ann")
    with pytest.raises(TooManyChecksError):
        slots.take("ben")
    slots.give_back("ann")

    slots.take("ben")
