"""Fixtures of the senders room: keys of their own for every test, accounts, people with exactly some permissions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django.fixtures import Settings

from senders.models import Sender
from senders.services import save_sender

PASSWORD = "canary-7Qx!密码-pw"

MakeSender = Callable[..., Sender]
ClientWith = Callable[..., Client]


@pytest.fixture(autouse=True)
def data_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    settings.MAILBOX_KEYS = []
    return tmp_path


@pytest.fixture
def make_sender(db: None) -> MakeSender:
    """Save an account with sensible values and a password; any of them can be given."""

    def make(*, password: str | None = PASSWORD, **values: Any) -> Sender:
        given: dict[str, Any] = {
            "address": "reports@example.com",
            "display_name": "Reports",
            "host": "smtp.example.com",
            "port": 465,
            "encryption": "ssl",
        }
        return save_sender(Sender(**{**given, **values}), password=password)

    return make


@pytest.fixture
def client_with(db: None) -> ClientWith:
    """A browser, signed in as someone who has exactly the named permissions."""

    def make(*names: str) -> Client:
        user = User.objects.create_user(f"person{User.objects.count()}")
        for name in names:
            app, codename = name.split(".")
            user.user_permissions.add(*Permission.objects.filter(content_type__app_label=app, codename=codename))
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def form_values() -> dict[str, str]:
    """What a person sends for a new account that is right in every field."""
    return {
        "host": "smtp.example.com",
        "port": "465",
        "encryption": "ssl",
        "address": "reports@example.com",
        "password": PASSWORD,
        "display_name": "Reports",
        "login_method": "address",
        "login_name": "",
        "trusted_certificates": "",
        "ehlo_name": "",
        "reply_to": "",
        "timeout": "30",
        "is_enabled": "on",
    }
