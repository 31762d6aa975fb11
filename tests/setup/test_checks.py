from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

SAFE = {
    "SECRET_KEY": "0123456789" * 5,
    "ALLOWED_HOSTS": ["mailbox.example.org"],
    "BEHIND_HTTPS": True,
    "MAILBOX_DIAL_ONLY": [],
}


@pytest.fixture(autouse=True)
def safe_settings(settings: Settings, tmp_path: Path) -> None:
    """An installation with nothing to complain of."""
    tmp_path.chmod(0o700)
    keys = tmp_path / "keys"
    keys.write_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
    keys.chmod(0o600)
    for name, value in {**SAFE, "DATA_DIR": tmp_path}.items():
        setattr(settings, name, value)


def complaints() -> list[str]:
    """The ids of our own checks that complain."""
    found = [
        message for message in run_checks(include_deployment_checks=True) if str(message.id).startswith("mailbox.")
    ]
    assert all(message.hint for message in found)
    return [str(message.id) for message in found]


def test_a_safe_installation_has_no_complaint() -> None:
    assert complaints() == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SECRET_KEY", "short", "mailbox.E001"),
        ("SECRET_KEY", "a" * 60, "mailbox.E001"),
        ("MAILBOX_DIAL_ONLY", ["10.0.0.0/33"], "mailbox.E007"),
        ("TRUSTED_PROXIES", ["proxy.example.org"], "mailbox.E007"),
        ("MAILBOX_UNKNOWN_POLICY", "forget", "mailbox.E008"),
        ("ALLOWED_HOSTS", ["*"], "mailbox.E009"),
        ("ALLOWED_HOSTS", ["localhost", "[::1]"], "mailbox.W010"),
        ("BEHIND_HTTPS", False, "mailbox.W011"),
        ("MAILBOX_DIAL_ONLY", ["127.0.0.0/8"], "mailbox.W014"),
    ],
)
def test_a_wrong_setting_is_told(settings: Settings, name: str, value: object, expected: str) -> None:
    setattr(settings, name, value)
    assert expected in complaints()


def test_a_data_folder_open_to_others_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    assert complaints() == ["mailbox.E002"]


def test_broken_keys_are_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("no key at all\n")
    assert complaints() == ["mailbox.E004"]


def test_a_key_file_open_to_others_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys").chmod(0o644)
    assert complaints() == ["mailbox.E005"]


def test_missing_keys_are_told(tmp_path: Path) -> None:
    (tmp_path / "keys").unlink()
    assert complaints() == ["mailbox.W006"]
