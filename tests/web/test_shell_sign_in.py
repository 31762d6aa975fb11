"""Signing in and out, the lock after too many tries, and changing the password."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from tests.people import PASSWORD, client_of, make_person

SIGN_IN = "/sign-in/"
MAILBOX = "/system/setting/mailbox/"


@pytest.fixture(autouse=True)
def ada(db: None) -> None:
    make_person(role="administrator", name="ada")


def test_the_right_password_leads_to_the_first_page(client: Client) -> None:
    response = client.post(SIGN_IN, {"username": "ada", "password": PASSWORD}, follow=True)
    assert response.redirect_chain == [("/", 302), (f"{MAILBOX}overview/", 302)]
    assert response.status_code == 200


def test_a_page_that_asked_for_sign_in_comes_next(client: Client) -> None:
    asked = client.get(f"{MAILBOX}records/?receiver=anna").headers["Location"]
    assert asked == f"{SIGN_IN}?next=/system/setting/mailbox/records/%3Freceiver%3Danna"
    response = client.post(asked, {"username": "ada", "password": PASSWORD, "next": f"{MAILBOX}records/?receiver=anna"})
    assert response.headers["Location"] == f"{MAILBOX}records/?receiver=anna"


@pytest.mark.parametrize(
    ("page", "following"),
    [
        ("http://testserver/system/setting/mailbox/records/?receiver=anna", f"{MAILBOX}records/?receiver=anna"),
        ("https://example.org/", f"{MAILBOX}records/views/save/"),
        ("", f"{MAILBOX}records/views/save/"),
    ],
)
def test_whoever_was_signed_out_in_the_midst_of_a_form_comes_back_to_its_page(
    client: Client, page: str, following: str
) -> None:
    asked = client.post(f"{MAILBOX}records/views/save/", {"name": "Mine"}, headers={"Referer": page})
    sign_in = client.get(asked.headers["Location"])
    assert "You were signed out, so nothing was done." in sign_in.content.decode()
    form = {"username": "ada", "password": PASSWORD, "next": sign_in.context["next"]}
    assert client.post(SIGN_IN, form).headers["Location"].removeprefix("http://testserver") == following


@pytest.mark.parametrize("target", ["https://example.org/", "//example.org/", "javascript:alert(1)", "/\\example.org"])
def test_sign_in_never_leads_elsewhere(client: Client, target: str) -> None:
    response = client.post(SIGN_IN, {"username": "ada", "password": PASSWORD, "next": target})
    assert response.headers["Location"] == "/"


def test_a_wrong_password_gets_a_sentence_and_keeps_the_name(client: Client) -> None:
    text = client.post(SIGN_IN, {"username": "ada", "password": "wrong"}).content.decode()
    assert "Please enter a correct username and password." in text
    assert 'value="ada"' in text
    assert "wrong" not in text


def test_a_name_longer_than_any_user_has_is_refused_with_a_sentence(client: Client) -> None:
    response = client.post(SIGN_IN, {"username": "a" * 1000, "password": "wrong"})
    assert response.status_code == 200
    assert "Ensure this value has at most 150 characters" in response.content.decode()


def test_too_many_tries_lock_sign_in_and_say_how_long(client: Client, settings: Settings) -> None:
    for _try in range(settings.AXES_FAILURE_LIMIT - 1):
        assert client.post(SIGN_IN, {"username": "ada", "password": "wrong"}).status_code == 200
    response = client.post(SIGN_IN, {"username": "ada", "password": "wrong"})
    assert response.status_code == 429
    text = " ".join(response.content.decode().split())
    assert "Sign-in as this user is locked from your address for 15 minutes." in text
    assert "ask an administrator to set a new password" in text
    locked = client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})
    assert locked.status_code == 429


def test_the_lock_is_for_that_user_from_that_address_only(client: Client, settings: Settings) -> None:
    make_person(role="auditor", name="otto")
    for _try in range(settings.AXES_FAILURE_LIMIT):
        client.post(SIGN_IN, {"username": "ada", "password": "wrong"})
    assert client.post(SIGN_IN, {"username": "otto", "password": PASSWORD}).status_code == 302
    elsewhere = Client(REMOTE_ADDR="10.9.9.9")
    assert elsewhere.post(SIGN_IN, {"username": "ada", "password": PASSWORD}).status_code == 302


def test_the_right_password_forgets_earlier_tries(client: Client, settings: Settings) -> None:
    for _round in range(2):
        for _try in range(settings.AXES_FAILURE_LIMIT - 1):
            assert client.post(SIGN_IN, {"username": "ada", "password": "wrong"}).status_code == 200
        assert client.post(SIGN_IN, {"username": "ada", "password": PASSWORD}).status_code == 302
        client.post("/sign-out/")


def test_whoever_is_signed_in_goes_home(client: Client) -> None:
    client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})
    assert client.get(SIGN_IN).headers["Location"] == "/"


def test_a_part_asked_for_after_the_session_ended_reloads_the_page(client: Client) -> None:
    response = client.get(SIGN_IN, headers={"HX-Request": "true"})
    assert response.headers["HX-Refresh"] == "true"


def test_signing_out_needs_a_post_and_ends_the_session(client: Client) -> None:
    client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").headers["Location"] == SIGN_IN
    assert client.get(MAILBOX).headers["Location"] == f"{SIGN_IN}?next={MAILBOX}"


def test_the_session_cookie_is_out_of_reach_of_scripts(client: Client, settings: Settings) -> None:
    cookie = client.post(SIGN_IN, {"username": "ada", "password": PASSWORD}).cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_the_session_changes_at_sign_in(client: Client, settings: Settings) -> None:
    client.get(SIGN_IN)
    before = client.session.session_key
    client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})
    assert client.session.session_key != before


def test_a_new_password_is_checked_and_told(client: Client) -> None:
    client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})
    weak = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    assert "This password is too short." in client.post("/password/", weak).content.decode()
    new = "a-better-password-9"
    right = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    text = client.post("/password/", right, follow=True).content.decode()
    assert "Password changed." in text
    assert Client().post(SIGN_IN, {"username": "ada", "password": new}).status_code == 302


def test_other_sessions_end_when_the_password_changes() -> None:
    person = make_person(role="administrator", name="bea")
    here, there = client_of(person), client_of(person)
    new = "a-better-password-9"
    here.post("/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert here.get(MAILBOX).status_code == 200
    assert there.get(MAILBOX).status_code == 302


def test_a_form_without_its_proof_is_refused_with_a_sentence() -> None:
    strict = Client(enforce_csrf_checks=True)
    response = strict.post(SIGN_IN, {"username": "ada", "password": PASSWORD})
    assert response.status_code == 403
    assert "Please send that again" in response.content.decode()
