"""The rows of the list of sender accounts."""

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from senders.allowances import AllowanceState, state_of
from senders.enums import CircuitState
from senders.models import Circuit, Sender
from senders.secrets import is_readable

AVATAR_TONES = 5
# Django's own words, here to be translated again: its Chinese ones are those of a calendar ("1 month": January).
_UNITS: dict[str, Any] = {
    "year": ngettext_lazy("%(num)d year", "%(num)d years", "num"),
    "month": ngettext_lazy("%(num)d month", "%(num)d months", "num"),
    "week": ngettext_lazy("%(num)d week", "%(num)d weeks", "num"),
    "day": ngettext_lazy("%(num)d day", "%(num)d days", "num"),
    "hour": ngettext_lazy("%(num)d hour", "%(num)d hours", "num"),
    "minute": ngettext_lazy("%(num)d minute", "%(num)d minutes", "num"),
}


@dataclass(frozen=True, slots=True)
class SenderRow:
    """One sender account as the list shows it."""

    sender: Sender
    is_readable: bool
    """Whether the stored password can be decrypted."""
    circuit: Circuit | None
    """The circuit breaker, where it keeps mail waiting."""
    allowance: AllowanceState
    """What is used of its limits."""

    @property
    def initials(self) -> str:
        """One or two characters that stand for the name."""
        return initials_of(self.sender.display_name)

    @property
    def tone(self) -> int:
        """Which avatar colour the account has: always the same one."""
        return tone_of(self.sender.address)

    @property
    def tested_ago(self) -> str:
        """How long ago the latest test was, such as `3 hours ago`; empty where there was none."""
        return ago(self.sender.last_test_at) if self.sender.last_test_at else ""


def list_rows() -> list[SenderRow]:
    """List all sender accounts, by name."""
    return [row_of(sender) for sender in Sender.objects.select_related("circuit", "allowance")]


def initials_of(name: str) -> str:
    """Shorten a name: the first letters of two words, or the first two characters of names without spaces."""
    words = [word for word in name.split() if word[0].isalnum()]
    if len(words) > 1:
        return (words[0][0] + words[1][0]).upper()
    return (words[0][:2] if words else name.strip()[:1]).upper()


def tone_of(address: str) -> int:
    """Choose the avatar colour of an account: always the same one."""
    return zlib.crc32(address.lower().encode()) % AVATAR_TONES


def ago(moment: datetime) -> str:
    """Tell how long ago something was, such as `3 hours ago`."""
    now = timezone.now()
    if now - moment < timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(moment, now, time_strings=_UNITS, depth=1)}


def show_time(moment: datetime) -> str:
    """Write a time as the pages do, in the active time zone."""
    return date_format(timezone.localtime(moment), "Y-m-d H:i:s")


def row_of(sender: Sender) -> SenderRow:
    """Tell of an account what the list shows; best loaded with its `circuit` and `allowance`."""
    circuit = getattr(sender, "circuit", None)
    is_open = circuit is not None and circuit.state != CircuitState.CLOSED
    return SenderRow(sender, is_readable(sender), circuit if is_open else None, state_of(sender))
