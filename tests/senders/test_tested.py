"""The note that a form keeps of a test: it counts for exactly the settings that were tested."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from senders.enums import Encryption, LoginMethod
from senders.models import Sender
from senders.tested import NOTE_AGE, LatestTest, read_note, write_note

TEST = LatestTest(mail_id=7, passed=True, at=datetime(2026, 3, 1, 12, tzinfo=UTC))
PASSWORD = "canary-9-pw"


def make(**changes: Any) -> Sender:
    values: dict[str, Any] = {"address": "a@acme.test", "display_name": "A", "host": "smtp.acme.test", "port": 587}
    return Sender(**{**values, **changes})


def test_a_note_is_read_back_for_the_same_settings() -> None:
    note = write_note(make(), PASSWORD, TEST)
    assert read_note(note, make(display_name="Another name"), PASSWORD) == TEST


def test_a_note_says_nothing_of_the_password() -> None:
    assert PASSWORD not in write_note(make(), PASSWORD, TEST)


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "b@acme.test"},
        {"host": "mail.acme.test"},
        {"port": 465},
        {"encryption": Encryption.SSL},
        {"login_method": LoginMethod.DISPLAY_NAME},
        {"trusted_certificates": "PEM"},
    ],
)
def test_a_note_is_worth_nothing_for_other_settings(changes: dict[str, Any]) -> None:
    assert read_note(write_note(make(), PASSWORD, TEST), make(**changes), PASSWORD) is None


def test_a_note_is_worth_nothing_for_another_password() -> None:
    assert read_note(write_note(make(), PASSWORD, TEST), make(), "another") is None


@pytest.mark.parametrize("spoil", [lambda note: note[:-1], lambda note: "x" + note, lambda _note: "nonsense"])
def test_a_note_that_is_not_ours_is_worth_nothing(spoil: Callable[[str], str]) -> None:
    assert read_note(spoil(write_note(make(), PASSWORD, TEST)), make(), PASSWORD) is None


def test_an_old_note_is_worth_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now - NOTE_AGE.total_seconds() - 60)
        note = write_note(make(), PASSWORD, TEST)
    assert read_note(note, make(), PASSWORD) is None
