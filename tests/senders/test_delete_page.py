"""Deleting a sender account."""

import pytest
from django.test import Client
from django.urls import reverse

from senders.models import Sender
from senders.services import set_default_sender
from tests.senders.conftest import MakeSender

pytestmark = pytest.mark.django_db


def url_of(sender: Sender) -> str:
    return reverse("senders:delete", args=[sender.pk])


def test_it_asks_first_and_says_what_follows(admin_client: Client, make_sender: MakeSender) -> None:
    sender = make_sender()
    set_default_sender(make_sender(address="other@example.com"))
    page = admin_client.get(url_of(sender)).content.decode()
    assert "Delete Reports?" in page
    assert "Its mail sending records stay, under the address." in page
    assert "This is the system default sender." not in page
    assert Sender.objects.count() == 2


def test_it_warns_of_deleting_the_default(admin_client: Client, make_sender: MakeSender) -> None:
    sender = make_sender()
    set_default_sender(sender)
    page = admin_client.get(url_of(sender)).content.decode()
    assert "This is the system default sender." in page
    assert "default and account both count as not configured" in page


def test_confirmed_it_deletes(admin_client: Client, make_sender: MakeSender) -> None:
    sender = make_sender()
    response = admin_client.post(url_of(sender), follow=True)
    page = response.content.decode()
    assert response.redirect_chain == [(reverse("senders:list"), 302)]
    assert "Reports deleted." in page
    assert "That was the system default sender" not in page
    assert Sender.objects.count() == 0


def test_deleting_the_default_leaves_default_and_account_not_configured(
    admin_client: Client, make_sender: MakeSender
) -> None:
    sender = make_sender()
    make_sender(address="other@example.com")
    set_default_sender(sender)
    page = admin_client.post(url_of(sender), follow=True).content.decode()
    assert "That was the system default sender: choose another one, or no mail is sent." in page
    assert "Mail is not configured." in page
    assert "No system default sender is chosen, so mail that names no sender is refused." in page


def test_deleting_twice_is_not_found(admin_client: Client, make_sender: MakeSender) -> None:
    sender = make_sender()
    admin_client.post(url_of(sender))
    assert admin_client.post(url_of(sender)).status_code == 404
