"""Editing a sender account."""

import pytest
from django.test import Client
from django.urls import reverse

from senders.models import Circuit, Sender
from senders.secrets import unseal
from senders.services import find_default_sender, set_default_sender
from tests.senders.conftest import PASSWORD, MakeSender

Values = dict[str, str]
pytestmark = pytest.mark.django_db


def url_of(sender: Sender) -> str:
    return reverse("senders:edit", args=[sender.pk])


def test_the_form_shows_the_account_and_never_the_password(admin_client: Client, make_sender: MakeSender) -> None:
    sender = make_sender()
    response = admin_client.get(url_of(sender))
    page = response.content.decode()
    assert 'value="smtp.example.com"' in page
    assert "One is stored; leave the field empty to keep it." in page
    assert PASSWORD not in page
    assert sender.secret not in page
    assert "no-store" in response.headers["Cache-Control"]


def test_a_change_is_saved_and_the_password_stays(
    admin_client: Client, make_sender: MakeSender, form_values: Values
) -> None:
    sender = make_sender()
    Circuit.objects.create(sender=sender, state="open")
    response = admin_client.post(
        url_of(sender), {**form_values, "password": "", "display_name": "New name"}, follow=True
    )
    assert response.redirect_chain == [(reverse("senders:list"), 302)]
    assert "New name saved." in response.content.decode()
    assert unseal(Sender.objects.get()) == PASSWORD
    assert Circuit.objects.get().state == "closed"


def test_another_server_wants_the_password_again(
    admin_client: Client, make_sender: MakeSender, form_values: Values
) -> None:
    sender = make_sender()
    response = admin_client.post(url_of(sender), {**form_values, "password": "", "host": "evil.example.net"})
    assert response.status_code == 200
    assert "Type the password again, since this changed: Mail Server (SMTP)." in response.content.decode()
    assert Sender.objects.get().host == "smtp.example.com"


def test_disabling_the_default_leaves_mail_not_configured(
    admin_client: Client, make_sender: MakeSender, form_values: Values
) -> None:
    sender = make_sender()
    set_default_sender(sender)
    response = admin_client.post(url_of(sender), {**form_values, "password": "", "is_enabled": ""}, follow=True)
    assert find_default_sender() is None
    assert "Mail is not configured." in response.content.decode()


def test_a_preset_changes_nothing_that_is_stored(
    admin_client: Client, make_sender: MakeSender, form_values: Values
) -> None:
    sender = make_sender()
    response = admin_client.post(url_of(sender), {**form_values, "preset": "gmail"})
    assert response.status_code == 200
    assert 'value="smtp.gmail.com"' in response.content.decode()
    assert Sender.objects.get().host == "smtp.example.com"


def test_a_password_that_cannot_be_read_is_asked_for(admin_client: Client, make_sender: MakeSender) -> None:
    sender = make_sender()
    Sender.objects.update(secret="v1:000000000000:AAAA")
    page = admin_client.get(url_of(sender)).content.decode()
    assert "can't be read with this machine's keys. Type it again, or bring the key file back." in page


@pytest.mark.parametrize("pk", [0, 987654, 10**30])
def test_an_account_that_is_not_there_is_not_found(admin_client: Client, pk: int) -> None:
    address = f"/system/setting/mailbox/senders/{pk}/"
    assert admin_client.get(address).status_code == 404
    assert admin_client.post(address, {}).status_code == 404
    assert admin_client.post(f"{address}delete/").status_code == 404


def test_an_account_deleted_while_it_is_edited_is_told(
    admin_client: Client, make_sender: MakeSender, form_values: Values
) -> None:
    sender = make_sender()
    admin_client.get(url_of(sender))
    Sender.objects.all().delete()
    assert admin_client.post(url_of(sender), form_values).status_code == 404
    assert Sender.objects.count() == 0
