"""Who may do what with sender accounts: every action asks for exactly its own permission."""

from typing import NamedTuple

import pytest
from django.test import Client
from django.urls import reverse

from senders.models import Sender
from senders.services import find_default_sender
from tests.senders.conftest import ClientWith, MakeSender

PERMISSIONS = [
    "senders.view_sender",
    "senders.add_sender",
    "senders.change_sender",
    "senders.delete_sender",
    "senders.set_default_sender",
    "senders.test_sender",
    "records.view_sendingrecord",
    "records.view_content",
    "records.send_mail",
]


class Action(NamedTuple):
    """One request, and the permission that it asks for."""

    method: str
    name: str
    permission: str
    is_of_one: bool = False


ACTIONS = [
    Action("GET", "senders:list", "senders.view_sender"),
    Action("GET", "senders:add", "senders.add_sender"),
    Action("POST", "senders:add", "senders.add_sender"),
    Action("GET", "senders:edit", "senders.change_sender", is_of_one=True),
    Action("POST", "senders:edit", "senders.change_sender", is_of_one=True),
    Action("GET", "senders:delete", "senders.delete_sender", is_of_one=True),
    Action("POST", "senders:delete", "senders.delete_sender", is_of_one=True),
    Action("POST", "senders:set_default", "senders.set_default_sender"),
]

pytestmark = pytest.mark.django_db


def status_of(client: Client, action: Action, sender: Sender) -> int:
    address = reverse(action.name, args=[sender.pk] if action.is_of_one else [])
    return client.generic(action.method, address).status_code


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_asks_for_its_own_permission(
    client_with: ClientWith, make_sender: MakeSender, action: Action
) -> None:
    sender = make_sender()
    others = [each for each in PERMISSIONS if each != action.permission]
    assert status_of(client_with(*others), action, sender) == 403
    assert Sender.objects.get() == sender
    assert status_of(client_with(action.permission), action, sender) in {200, 302}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_visitor_is_sent_to_the_sign_in(client: Client, make_sender: MakeSender, action: Action) -> None:
    sender = make_sender()
    assert status_of(client, action, sender) == 302
    assert Sender.objects.get() == sender


def test_anyone_signed_in_reads_the_guides(client: Client, client_with: ClientWith) -> None:
    address = reverse("senders:guide", args=["qq"])
    assert client_with("records.view_sendingrecord").get(address).status_code == 200
    assert client_with().get(address).status_code == 200
    assert client.get(address).status_code == 302


def test_a_refused_action_changes_nothing(client_with: ClientWith, make_sender: MakeSender) -> None:
    sender = make_sender()
    client = client_with("senders.view_sender")
    client.post(reverse("senders:delete", args=[sender.pk]))
    client.post(reverse("senders:set_default"), {"sender": sender.pk})
    assert Sender.objects.get() == sender
    assert find_default_sender() is None
