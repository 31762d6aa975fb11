"""A signed note that settings were tested before they were saved. The open form keeps it until then.

Nothing is stored: the note says which settings it is about by a keyed digest, so that it is worth nothing for others.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.debug import sensitive_variables

from senders.models import Sender
from senders.services import secret_purpose

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTE_FIELD = "tested"
"""The hidden field in which the form sends the note."""
NOTE_AGE = timedelta(hours=12)
_SALT = "senders.tested"


@dataclass(frozen=True, slots=True)
class LatestTest:
    """How the latest test of some settings ended."""

    mail_id: int
    """The test's own mail, which leads to its record."""
    passed: bool
    at: datetime


@sensitive_variables("password")
def write_note(sender: Sender, password: str, result: LatestTest) -> str:
    """Write the note: how a test of exactly these settings, password included, ended."""
    note = {
        "of": _digest(sender, password),
        "mail": result.mail_id,
        "passed": result.passed,
        "at": result.at.isoformat(),
    }
    return signing.dumps(note, salt=_SALT)


@sensitive_variables("password")
def read_note(note: str, sender: Sender, password: str) -> LatestTest | None:
    """Read a note; None where it is not ours, too old, or about other settings than these."""
    try:
        said: Mapping[str, Any] = signing.loads(note, salt=_SALT, max_age=NOTE_AGE)
    except signing.BadSignature:
        return None
    if not constant_time_compare(said["of"], _digest(sender, password)):
        return None
    return LatestTest(said["mail"], said["passed"], datetime.fromisoformat(said["at"]))


def remember_test(sender: Sender, result: LatestTest) -> None:
    """Show the test as the account's latest one."""
    Sender.objects.filter(pk=sender.pk).update(
        last_test_at=result.at, last_test_passed=result.passed, last_test_mail_id=result.mail_id
    )


@sensitive_variables("password")
def _digest(sender: Sender, password: str) -> str:
    settings = [sender.address, *map(str, astuple(secret_purpose(sender))), password]
    return salted_hmac(_SALT, json.dumps(settings), algorithm="sha256").hexdigest()
