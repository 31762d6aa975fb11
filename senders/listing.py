"""The rows of the list of sender accounts."""

import zlib
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.timesince import timesince

from senders.enums import CircuitState
from senders.models import Circuit, Sender
from senders.secrets import is_readable

AVATAR_TONES = 5


@dataclass(frozen=True, slots=True)
class SenderRow:
    """One sender account as the list shows it."""

    sender: Sender
    is_readable: bool
    """Whether the stored password can be decrypted."""
    circuit: Circuit | None
    """The circuit breaker, where it keeps mail waiting."""

    @property
    def initials(self) -> str:
        """One or two characters that stand for the name."""
        return initials_of(self.sender.display_name)

    @property
    def tone(self) -> int:
        """Which avatar colour the account has: always the same one."""
        return zlib.crc32(self.sender.address.lower().encode()) % AVATAR_TONES

    @property
    def tested_since(self) -> str:
        """How long ago the latest test was, such as `3 hours`; empty where there was none."""
        return _since(self.sender.last_test_at)


def list_rows() -> list[SenderRow]:
    """List all sender accounts, by name."""
    return [_row(sender) for sender in Sender.objects.select_related("circuit")]


def initials_of(name: str) -> str:
    """Shorten a name: the first letters of two words, or the first two characters of names without spaces."""
    words = [word for word in name.split() if word[0].isalnum()]
    if len(words) > 1:
        return (words[0][0] + words[1][0]).upper()
    return (words[0][:2] if words else name.strip()[:1]).upper()


def _row(sender: Sender) -> SenderRow:
    circuit = getattr(sender, "circuit", None)
    is_open = circuit is not None and circuit.state != CircuitState.CLOSED
    return SenderRow(sender, is_readable(sender), circuit if is_open else None)


def _since(moment: datetime | None) -> str:
    return timesince(moment, timezone.now(), depth=1) if moment else ""
