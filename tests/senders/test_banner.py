"""Whether mail is configured, and the banner that says so on every page of the module."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from senders.configuration import ConfigurationState, find_configuration
from senders.models import Sender
from senders.services import set_default_sender
from tests.senders.conftest import ClientWith, MakeSender

pytestmark = pytest.mark.django_db


def page_of(client: Client, name: str = "senders:list") -> str:
    return client.get(reverse(name)).content.decode()


def test_without_an_account_it_leads_to_adding_one(admin_client: Client) -> None:
    assert find_configuration().state == ConfigurationState.NO_ACCOUNT
    for name, leads_there in (("senders:list", True), ("senders:add", False)):
        page = page_of(admin_client, name)
        assert "There is no sender account yet, so no mail can be sent." in page
        assert (f'<a href="{reverse("senders:add")}">Add sender</a>' in page) is leads_there


def test_without_a_default_it_leads_to_choosing_one(admin_client: Client, make_sender: MakeSender) -> None:
    make_sender()
    assert find_configuration().state == ConfigurationState.NO_DEFAULT
    for name in ("senders:list", "senders:add"):
        page = page_of(admin_client, name)
        assert "No system default sender is chosen, so mail that names no sender is refused." in page
        assert f'href="{reverse("senders:list")}#default-sender"' in page


def test_with_a_default_whose_password_is_lost_it_leads_to_its_page(
    admin_client: Client, make_sender: MakeSender
) -> None:
    sender = make_sender()
    set_default_sender(sender)
    Sender.objects.update(secret="v1:000000000000:AAAA")
    configuration = find_configuration()
    assert (configuration.state, configuration.default) == (ConfigurationState.PASSWORD_UNREADABLE, sender)
    page = page_of(admin_client, "senders:add")
    assert "The stored password of the default sender Reports can't be read with this machine's keys." in page
    assert f'href="{reverse("senders:edit", args=[sender.pk])}#id_password"' in page


def test_with_a_working_default_there_is_no_banner(admin_client: Client, make_sender: MakeSender) -> None:
    set_default_sender(make_sender())
    assert find_configuration().is_configured
    assert "Mail is not configured" not in page_of(admin_client)


def test_who_may_not_repair_it_sees_no_link(client_with: ClientWith, make_sender: MakeSender) -> None:
    client = client_with("senders.view_sender")
    assert "Add sender" not in page_of(client)
    make_sender()
    page = page_of(client)
    assert "Mail is not configured." in page
    assert "Choose the default sender" not in page


def test_it_costs_one_query_where_all_is_well(make_sender: MakeSender) -> None:
    set_default_sender(make_sender())
    with CaptureQueriesContext(connection) as queries:
        find_configuration()
    assert len(queries) == 1
