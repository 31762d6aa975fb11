"""Choosing the system default sender."""

import pytest
from django.test import Client
from django.urls import reverse

from senders.services import find_default_sender, set_default_sender
from tests.senders.conftest import MakeSender

URL = "/system/setting/mailbox/senders/default/"
pytestmark = pytest.mark.django_db


def choose(client: Client, value: object) -> str:
    response = client.post(URL, {} if value is None else {"sender": value}, follow=True)
    assert response.redirect_chain == [(reverse("senders:list"), 302)]
    return response.content.decode()


def test_a_chosen_account_becomes_the_default(admin_client: Client, make_sender: MakeSender) -> None:
    sender = make_sender()
    page = choose(admin_client, sender.pk)
    assert "Reports is the system default sender now." in page
    assert "Mail is not configured." not in page
    assert find_default_sender() == sender


def test_another_choice_replaces_it(admin_client: Client, make_sender: MakeSender) -> None:
    set_default_sender(make_sender())
    other = make_sender(address="other@example.com")
    choose(admin_client, other.pk)
    assert find_default_sender() == other


@pytest.mark.parametrize("value", [None, "", "987654", "abc", "1 or 1", "9" * 40, "\x00"])
def test_what_is_no_account_changes_nothing(admin_client: Client, make_sender: MakeSender, value: str | None) -> None:
    sender = make_sender()
    set_default_sender(sender)
    choose(admin_client, value)
    assert find_default_sender() == sender


def test_a_disabled_account_is_refused(admin_client: Client, make_sender: MakeSender) -> None:
    disabled = make_sender(is_enabled=False)
    assert "That account is disabled or was deleted. Choose another one." in choose(admin_client, disabled.pk)
    assert find_default_sender() is None


def test_reading_the_address_changes_nothing(admin_client: Client, make_sender: MakeSender) -> None:
    sender = make_sender()
    assert admin_client.get(URL, {"sender": sender.pk}).status_code == 405
    assert find_default_sender() is None
