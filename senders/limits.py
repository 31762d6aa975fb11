"""How much an account may send now: what its admin set, else what its provider is known to bear, less what was learned.

What is learned from a server's replies holds for a while, then doubles step by step until it no longer matters.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from django.utils import timezone

from senders.models import Allowance, Sender
from senders.presets import NO_LIMITS, SenderLimits, find_preset_by_host

HOLDS = timedelta(minutes=30)
"""How long what was learned holds as it is."""
DOUBLES_EVERY = timedelta(minutes=10)
"""How often it doubles after that."""
DOUBLINGS = 6
"""After so many it is forgotten."""


def limits_of(sender: Sender, now: datetime | None = None) -> SenderLimits:
    """Tell how much the account may send now.

    Args:
        sender: Best loaded with its `allowance`, which else costs a query.
        now: The database's time; None: this machine's, which is good enough to look.
    """
    configured = configured_limits(sender)
    learned = learned_limits(find_allowance(sender), now or timezone.now())
    return replace(
        configured,
        connections=_tighter(configured.connections, learned.connections),
        per_minute=_tighter(configured.per_minute, learned.per_minute),
    )


def configured_limits(sender: Sender) -> SenderLimits:
    """Tell what the account's admin set; for what was left empty, what its provider is known to bear."""
    known = known_limits(sender)
    return SenderLimits(
        connections=sender.max_connections or known.connections,
        per_minute=sender.per_minute or known.per_minute,
        per_hour=sender.per_hour or known.per_hour,
        per_day=sender.per_day or known.per_day,
    )


def known_limits(sender: Sender) -> SenderLimits:
    """Tell what the account's provider is known to bear."""
    preset = find_preset_by_host(sender.host)
    return preset.limits_for(sender.address) if preset else NO_LIMITS


def learned_limits(allowance: Allowance | None, now: datetime) -> SenderLimits:
    """Tell what was learned from the server's replies and is not forgotten yet."""
    if allowance is None or allowance.learned_until is None:
        return NO_LIMITS
    doublings = _doublings(allowance.learned_until, now)
    if doublings > DOUBLINGS:
        return NO_LIMITS
    return SenderLimits(
        connections=_doubled(allowance.learned_connections, doublings),
        per_minute=_doubled(allowance.learned_per_minute, doublings),
    )


def find_allowance(sender: Sender) -> Allowance | None:
    """Find what the account used and what was learned; None where nothing had to be counted yet."""
    return getattr(sender, "allowance", None) if sender.pk else None


def _doublings(learned_until: datetime, now: datetime) -> int:
    return 0 if now < learned_until else 1 + (now - learned_until) // DOUBLES_EVERY


def _doubled(limit: int | None, times: int) -> int | None:
    return None if limit is None else limit * 2**times


def _tighter(one: int | None, other: int | None) -> int | None:
    limits = [limit for limit in (one, other) if limit is not None]
    return min(limits, default=None)
