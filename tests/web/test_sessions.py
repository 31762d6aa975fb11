"""Who is signed in, as a session tells it."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mailbox_admin.sessions import SessionStore

pytestmark = pytest.mark.django_db


def is_signed_in(client: Client) -> bool:
    return client.get(reverse("senders:list")).status_code == 200


def test_a_session_keeps_what_was_put_into_it() -> None:
    kept = SessionStore()
    kept["color"] = "red"
    kept.save()
    found = SessionStore(kept.session_key)
    assert found["color"] == "red"
    assert found.session_key == kept.session_key


def test_a_session_ends_with_its_time(admin_client: Client) -> None:
    assert is_signed_in(admin_client)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not is_signed_in(admin_client)


def test_whoever_signs_out_is_signed_out(admin_client: Client) -> None:
    admin_client.post(reverse("logout"))
    assert Session.objects.count() == 0
    assert not is_signed_in(admin_client)


@pytest.mark.parametrize(
    "key", ["", "0", "x" * 32, "x" * 100_000, "\0" * 32, "' OR 1 = 1; --", "\ud800" * 32, "é" * 32]
)
def test_a_key_that_nobody_was_given_opens_nothing(admin_client: Client, key: str) -> None:
    assert is_signed_in(admin_client)
    store = SessionStore(key)
    assert store.load() == {}
    assert store.session_key is None
    assert not store.keys()
