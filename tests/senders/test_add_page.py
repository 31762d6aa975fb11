"""Adding a sender account."""

import pytest
from django.test import Client
from django.urls import reverse

from senders.models import Sender
from senders.presets import PRESETS
from senders.secrets import unseal
from tests.senders.certificates import PRIVATE_KEY_PEM, make_certificate
from tests.senders.conftest import PASSWORD, MakeSender

Values = dict[str, str]
URL = "/system/setting/mailbox/senders/add/"

pytestmark = pytest.mark.django_db


def test_the_form_is_shown_empty_and_is_not_cached(admin_client: Client) -> None:
    response = admin_client.get(URL)
    page = response.content.decode()
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    assert 'name="port" value="25"' in page
    assert "Recipients see it as the sender" in page


def test_every_preset_is_offered_as_a_plain_button(admin_client: Client) -> None:
    page = admin_client.get(URL).content.decode()
    offered = {preset.key for preset in PRESETS if f'value="{preset.key}"' in page}
    assert offered == {preset.key for preset in PRESETS}


def test_the_first_button_of_the_form_saves(admin_client: Client) -> None:
    page = admin_client.get(URL).content.decode()
    form = page[page.index('id="sender-form"') :]
    first = form[form.index("<button") : form.index("</button>")]
    assert "Save sender" in first
    assert "name=" not in first


def test_right_values_are_saved(admin_client: Client, form_values: Values) -> None:
    response = admin_client.post(URL, form_values, follow=True)
    assert response.redirect_chain == [(reverse("senders:list"), 302)]
    assert "Reports added." in response.content.decode()
    assert unseal(Sender.objects.get()) == PASSWORD


def test_wrong_values_come_back_with_what_was_typed_but_the_password(admin_client: Client, form_values: Values) -> None:
    response = admin_client.post(URL, {**form_values, "host": "smtp://x", "display_name": "Übersicht & Co"})
    page = response.content.decode()
    assert response.status_code == 200
    assert "Correct the marked fields, then try again." in page
    assert "Übersicht &amp; Co" in page
    assert "reports@example.com" in page
    assert PASSWORD not in page
    assert "Type the password again: for safety it is never sent back to the page." in page
    assert Sender.objects.count() == 0


def test_an_address_that_is_taken_links_to_its_account(
    admin_client: Client, form_values: Values, make_sender: MakeSender
) -> None:
    other = make_sender(display_name="The other one")
    page = admin_client.post(URL, form_values).content.decode()
    assert "There already is an account for reports@example.com. Edit that one instead." in page
    assert f'href="{reverse("senders:edit", args=[other.pk])}"' in page
    assert "Edit The other one" in page


def test_a_preset_fills_the_form_without_judging_it(admin_client: Client, form_values: Values) -> None:
    response = admin_client.post(URL, {**form_values, "display_name": "", "preset": "qq"})
    page = response.content.decode()
    assert response.status_code == 200
    assert 'value="smtp.qq.com"' in page
    assert 'name="port" value="465"' in page
    assert "Authorization code" in page
    assert reverse("senders:guide", args=["qq"]) in page
    assert 'class="errors"' not in page
    assert PASSWORD not in page
    assert Sender.objects.count() == 0


def test_an_unknown_preset_is_no_preset(admin_client: Client, form_values: Values) -> None:
    assert admin_client.post(URL, {**form_values, "preset": "nonsense"}).status_code == 302
    assert Sender.objects.count() == 1


def test_a_trusted_certificate_is_described(admin_client: Client, form_values: Values) -> None:
    values = {**form_values, "trusted_certificates": make_certificate("ca.corp.example"), "display_name": ""}
    page = admin_client.post(URL, values).content.decode()
    assert "CN=ca.corp.example,O=Corp" in page
    assert "SHA-256 fingerprint" in page


def test_a_private_key_does_not_come_back(admin_client: Client, form_values: Values) -> None:
    values = {**form_values, "trusted_certificates": PRIVATE_KEY_PEM}
    page = admin_client.post(URL, values).content.decode()
    assert "This is a private key, and was not stored." in page
    assert PRIVATE_KEY_PEM.splitlines()[1] not in page


def test_nothing_is_saved_without_the_token_of_the_form(admin_client: Client, form_values: Values) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = admin_client.cookies
    assert careful.post(URL, form_values).status_code == 403
    assert Sender.objects.count() == 0


@pytest.mark.parametrize("junk", ["\x00", "ÿþ\x00Ø", "%00", "A" * 100_000])
@pytest.mark.parametrize("field", ["host", "port", "address", "display_name", "login_name", "ehlo_name", "timeout"])
def test_junk_is_refused_with_a_page(admin_client: Client, form_values: Values, field: str, junk: str) -> None:
    response = admin_client.post(URL, {**form_values, "login_method": "login_name", "login_name": "x", field: junk})
    assert response.status_code in {200, 302}


def test_other_methods_are_refused(admin_client: Client) -> None:
    assert admin_client.put(URL).status_code == 405
