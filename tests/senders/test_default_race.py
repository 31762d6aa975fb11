"""The one default, chosen by many at once."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from senders.exceptions import SenderDisabledError
from senders.models import Sender
from senders.services import save_sender, set_default_sender
from tests.senders.conftest import MakeSender

pytestmark = pytest.mark.django_db(transaction=True)


def run_at_once(*actions: Callable[[], None]) -> list[Exception]:
    """Run all actions at the same moment, each over its own connection, and return what they raised."""
    barrier = threading.Barrier(len(actions))
    errors: list[Exception] = []

    def run(action: Callable[[], None]) -> None:
        barrier.wait()
        try:
            action()
        except Exception as error:  # noqa: BLE001  (whatever it is, the test must see it)
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.parametrize("has_default", [False, True])
def test_many_choices_at_once_leave_exactly_one_default(make_sender: MakeSender, has_default: bool) -> None:
    senders = [make_sender(address=f"s{number}@example.com") for number in range(6)]
    if has_default:
        set_default_sender(senders[0])

    def choose(sender: Sender) -> Callable[[], None]:
        def again_and_again() -> None:
            for _ in range(5):
                set_default_sender(sender)

        return again_and_again

    assert run_at_once(*(choose(sender) for sender in senders)) == []
    assert Sender.objects.filter(is_default=True).count() == 1


def test_disabling_and_choosing_at_once_never_leave_a_disabled_default(make_sender: MakeSender) -> None:
    sender = make_sender()

    def choose() -> None:
        set_default_sender(sender)

    def disable() -> None:
        account = Sender.objects.get(pk=sender.pk)
        account.is_enabled = False
        save_sender(account)

    for _ in range(10):
        Sender.objects.update(is_enabled=True, is_default=False)
        errors = run_at_once(choose, disable)
        assert [type(error) for error in errors] in ([], [SenderDisabledError])
        assert Sender.objects.filter(is_default=True).count() == 0


def test_the_same_address_added_at_once_makes_one_account(make_sender: MakeSender) -> None:
    def add() -> None:
        make_sender(address="same@example.com")

    errors = run_at_once(*[add] * 5)
    assert sorted(type(error).__name__ for error in errors) == ["AddressTakenError"] * 4
    assert Sender.objects.count() == 1
