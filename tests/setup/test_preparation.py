import gettext
import io
import os
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management import call_command
from pytest_django import Settings

from mailbox_admin import preparation

PO = """msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "Sender"
msgstr "发件人"
"""


@pytest.fixture
def source(tmp_path: Path, settings: Settings) -> Path:
    folder = tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    (folder / "django.po").write_text(PO)
    return folder / "django.po"


def test_translations_are_compiled_and_only_when_they_changed(source: Path) -> None:
    assert preparation.compile_translations() == 1
    assert preparation.compile_translations() == 0
    with source.with_suffix(".mo").open("rb") as compiled:
        assert gettext.GNUTranslations(compiled).gettext("Sender") == "发件人"
    later = source.with_suffix(".mo").stat().st_mtime + 5
    os.utime(source, (later, later))
    assert preparation.compile_translations() == 1


@pytest.mark.django_db
def test_the_first_admin_gets_a_random_password_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILBOX_ADMIN_PASSWORD", raising=False)
    password = preparation.create_first_admin()
    admin = get_user_model().objects.get()
    assert (admin.get_username(), admin.is_superuser, admin.check_password(password or "")) == ("admin", True, True)
    assert preparation.create_first_admin() is None


@pytest.mark.django_db
def test_a_given_password_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILBOX_ADMIN_PASSWORD", "password")
    with pytest.raises(ValidationError):
        preparation.create_first_admin()
    assert get_user_model().objects.count() == 0


@pytest.mark.django_db
def test_preparing_again_changes_nothing(source: Path, settings: Settings) -> None:
    call_command("prepare", stdout=io.StringIO())
    again = io.StringIO()
    call_command("prepare", stdout=again)
    assert again.getvalue() == ""
    assert get_user_model().objects.count() == 1
