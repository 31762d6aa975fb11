"""Whether mail is configured, and the banner that says so on every page of the module."""

from typing import cast

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mailbox_admin.banners import banners, take_glance
from mailbox_admin.people import PersonBackend
from senders.configuration import ConfigurationState, MailConfiguration
from senders.models import Sender
from senders.services import set_default_sender
from tests.senders.conftest import ClientWith, MakeSender

pytestmark = pytest.mark.django_db


def page_of(client: Client, name: str = "senders:list") -> str:
    return client.get(reverse(name)).content.decode()


def configuration_now() -> MailConfiguration:
    """What a page that is asked for now is told."""
    return cast("MailConfiguration", banners(RequestFactory().get("/"))["mail_configuration"])


def test_without_an_account_it_leads_to_adding_one(admin_client: Client) -> None:
    assert configuration_now().state == ConfigurationState.NO_ACCOUNT
    for name, leads_there in (("senders:list", True), ("senders:add", False)):
        page = page_of(admin_client, name)
        assert "There is no sender account yet, so no mail can be sent." in page
        assert (f'<a href="{reverse("senders:add")}">Add sender</a>' in page) is leads_there


def test_without_a_default_it_leads_to_choosing_one(admin_client: Client, make_sender: MakeSender) -> None:
    make_sender()
    assert configuration_now().state == ConfigurationState.NO_DEFAULT
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
    configuration = configuration_now()
    assert (configuration.state, configuration.default) == (ConfigurationState.PASSWORD_UNREADABLE, sender)
    page = page_of(admin_client, "senders:add")
    assert "The stored password of the default sender Reports can't be read with this machine's keys." in page
    assert f'href="{reverse("senders:edit", args=[sender.pk])}#id_password"' in page


def test_with_a_working_default_there_is_no_banner(admin_client: Client, make_sender: MakeSender) -> None:
    set_default_sender(make_sender())
    assert configuration_now().is_configured
    assert "Mail is not configured" not in page_of(admin_client)


def test_who_may_not_repair_it_sees_no_link(client_with: ClientWith, make_sender: MakeSender) -> None:
    client = client_with("senders.view_sender")
    assert "Add sender" not in page_of(client)
    make_sender()
    page = page_of(client)
    assert "Mail is not configured." in page
    assert "Choose the default sender" not in page


def test_all_banners_together_cost_one_query_where_all_is_well(
    client_with: ClientWith, make_sender: MakeSender
) -> None:
    client = client_with("senders.view_sender", "records.view_alarm", "senders.pause_sender")
    with CaptureQueriesContext(connection) as in_need:
        client.get(reverse("password_change"))
    set_default_sender(make_sender())
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("password_change"))
    glances = [query["sql"] for query in queries if "records_heartbeat" in query["sql"]]
    assert len(glances) == 1
    others = ("senders_fallback", "records_deliverypause", "records_alarm", "senders_sender")
    assert not [
        query for query in queries if query["sql"] not in glances and any(name in query["sql"] for name in others)
    ]
    assert len(queries) == len(in_need)


@pytest.mark.parametrize(("method", "is_told"), [("get", True), ("post", False)])
def test_a_request_that_changes_something_is_told_how_it_is_afterwards(
    admin_user: User, make_sender: MakeSender, method: str, is_told: bool
) -> None:
    request = RequestFactory().generic(method, "/")
    person = PersonBackend().get_user(admin_user.pk)
    assert person == admin_user
    request.user = person
    set_default_sender(make_sender())
    configuration = cast("MailConfiguration", banners(request)["mail_configuration"])
    assert (configuration.state == ConfigurationState.NO_ACCOUNT) is is_told
    assert configuration.is_configured is not is_told


def test_who_may_not_sign_in_any_more_is_nobody(admin_user: User) -> None:
    assert PersonBackend().get_user(0) is None
    User.objects.update(is_active=False)
    assert PersonBackend().get_user(admin_user.pk) is None


def test_what_is_encrypted_is_not_told_by_what_was_seen(make_sender: MakeSender) -> None:
    set_default_sender(make_sender())
    assert Sender.objects.get().secret not in repr(take_glance())
