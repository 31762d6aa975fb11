"""The system checks of the senders room."""

from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django.fixtures import Settings

from senders.checks import check_keys, check_secrets
from senders.keyring import Key, primary_key
from senders.models import Sender
from tests.senders.conftest import MakeSender


def ids_of_key_checks() -> list[str | None]:
    return [message.id for message in check_keys()]


def test_no_keys_yet_are_fine() -> None:
    assert ids_of_key_checks() == []


def test_good_keys_are_fine(settings: Settings) -> None:
    primary_key()
    assert ids_of_key_checks() == []
    settings.MAILBOX_KEYS = [Key.generate().text]
    assert ids_of_key_checks() == []


def test_keys_that_cannot_be_used_are_an_error(data_dir: Path, settings: Settings) -> None:
    (data_dir / "keys").write_text("nonsense\n")
    (message,) = check_keys()
    assert message.id == "senders.E001"
    assert str(data_dir / "keys") in str(message.hint)
    settings.MAILBOX_KEYS = ["nonsense"]
    assert "MAILBOX_KEYS" in str(check_keys()[0].hint)


def test_a_key_file_that_others_may_read_is_a_warning(data_dir: Path) -> None:
    primary_key()
    (data_dir / "keys").chmod(0o644)
    assert ids_of_key_checks() == ["senders.W001"]


@pytest.mark.django_db
def test_passwords_that_cannot_be_read_are_counted(make_sender: MakeSender) -> None:
    make_sender()
    make_sender(address="other@example.com")
    assert check_secrets(databases=["default"]) == []
    Sender.objects.filter(address="other@example.com").update(secret="v1:000000000000:AAAA")
    (message,) = check_secrets(databases=["default"])
    assert message.id == "senders.W002"
    assert message.msg.startswith("The stored passwords of 1 sender accounts")


def test_the_database_is_left_alone_unless_asked_for() -> None:
    assert check_secrets() == []


@pytest.mark.django_db
def test_every_start_runs_them(make_sender: MakeSender, data_dir: Path) -> None:
    make_sender()
    (data_dir / "keys").write_text("nonsense\n")
    found = {message.id for message in run_checks(databases=["default"])}
    assert {"senders.E001", "senders.W002"} <= found
