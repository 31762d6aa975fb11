"""POST delivery:detect, as a script and as a browser without scripts send it."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from delivery.check.slots import SLOTS
from senders.models import Sender
from tests.dns_server import DnsServer, dns_server
from tests.people import client_of, make_person
from tests.web.checking import CANARY, MAILBOX, administrator

pytestmark = pytest.mark.django_db
DETECT = f"{MAILBOX}detect/"
PART = {"X-Fragment": "proposals"}


@pytest.fixture(autouse=True)
def names(settings: Settings) -> Iterator[DnsServer]:
    with dns_server({("hosted.test", "MX"): ["10 mxbiz1.qq.com."]}) as server:
        settings.MAILBOX_NAMESERVERS = [server.address]
        yield server


@pytest.fixture
def admin() -> Client:
    return client_of(administrator())


def test_a_script_gets_the_proposals_as_a_part(admin: Client) -> None:
    response = admin.post(DETECT, {"address": "boss@hosted.test"}, headers=PART)
    part = response.content.decode()

    assert response.status_code == 200
    assert "<html" not in part
    assert 'data-host="smtp.exmail.qq.com"' in part
    assert 'data-port="465"' in part
    assert 'data-encryption="ssl"' in part


def test_nothing_found_says_whom_to_ask(admin: Client) -> None:
    part = admin.post(DETECT, {"address": "boss@unknown.test"}, headers=PART).content.decode()

    assert "No mail server of unknown.test was found." in part


def test_a_wrong_address_is_told_at_its_field(admin: Client) -> None:
    response = admin.post(DETECT, {"address": "boss"}, headers=PART)

    assert response.status_code == 200
    assert list(response.json()["errors"]) == ["address"]


def test_without_scripts_the_form_comes_back_with_the_proposals_and_all_that_was_typed(admin: Client) -> None:
    typed = {"address": "boss@hosted.test", "display_name": "The boss", "password": CANARY}
    page = admin.post(DETECT, typed).content.decode()

    assert 'value="The boss"' in page
    assert 'value="smtp.exmail.qq.com 465 ssl"' in page
    assert CANARY not in page


def test_without_scripts_a_wrong_address_comes_back_with_its_sentence(admin: Client) -> None:
    response = admin.post(DETECT, {"address": "boss", "display_name": "The boss"})

    assert response.status_code == 200
    assert "The @ is missing." in response.content.decode()


def test_without_scripts_a_choice_fills_the_form(admin: Client) -> None:
    typed = {"address": "boss@hosted.test", "use": "smtp.exmail.qq.com 465 ssl", "port": "25", "encryption": "tls"}
    page = admin.post(DETECT, typed).content.decode()

    assert 'value="smtp.exmail.qq.com"' in page
    assert 'value="465"' in page


@pytest.mark.parametrize("choice", ["x", "a b c", "a 25 rot13", "a b c d", "\x00"])
def test_a_choice_that_was_never_offered_changes_nothing(admin: Client, choice: str) -> None:
    response = admin.post(DETECT, {"address": "boss@hosted.test", "host": "kept.test", "use": choice})

    assert response.status_code == 200
    assert 'value="kept.test"' in response.content.decode()


def test_on_the_page_of_a_stored_account_it_stays_there(admin: Client) -> None:
    sender = Sender.objects.create(address="a@b.test", display_name="A", host="b.test", login_method="none")
    page = admin.post(f"{DETECT}?sender={sender.pk}", {"address": "boss@hosted.test"}).content.decode()

    assert f'action="{MAILBOX}senders/{sender.pk}/"' in page
    assert admin.post(f"{DETECT}?sender=999999", {"address": "a@b.test"}).status_code == 404


def test_too_many_searches_at_once_are_refused(admin: Client, settings: Settings) -> None:
    settings.MAILBOX_CHECKS_PER_USER = 1
    with SLOTS.held("admin"):
        response = admin.post(DETECT, {"address": "boss@hosted.test"}, headers=PART)

    assert response.status_code == 200
    assert "Other checks are still running" in response.json()["errors"]["address"][0]


@pytest.mark.parametrize(
    ("permissions", "status"),
    [
        ((), 403),
        (("senders.test_sender",), 403),
        (("senders.add_sender",), 403),
        (("senders.test_sender", "senders.add_sender"), 200),
    ],
)
def test_it_asks_for_its_permissions(permissions: tuple[str, ...], status: int) -> None:
    client = client_of(make_person(*permissions))

    assert client.post(DETECT, {"address": "boss@hosted.test"}, headers=PART).status_code == status


def test_changing_a_stored_account_asks_for_that_permission(admin: Client) -> None:
    sender = Sender.objects.create(address="a@b.test", display_name="A", host="b.test", login_method="none")
    client = client_of(make_person("senders.test_sender", "senders.add_sender"))

    assert client.post(f"{DETECT}?sender={sender.pk}", {"address": "boss@hosted.test"}).status_code == 403
