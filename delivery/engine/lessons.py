"""Learning from a server's complaints how much an account may send, for a while (see `senders.limits`)."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from delivery.engine.causes import failure_of
from delivery.engine.retry import read_hint
from delivery.engine.values import Server
from delivery.values import Reply
from records.enums import Fault, Lesson, Phase
from records.error_book import explain
from records.models import SendingRecord
from senders.allowances import Window
from senders.limits import HOLDS, learned_limits, limits_of
from senders.models import Allowance, ConnectionSlot, Sender

logger = logging.getLogger(__name__)

CALM = timedelta(seconds=60)
"""How long nothing is sent after a complaint without a time, and how long the same complaint teaches nothing more."""
LEAST_WAIT = timedelta(seconds=10)
"""A server that asks for less patience gets this much: what waits spends no attempt, and must not come in a rush."""
LEAST_DAY = timedelta(hours=1)
"""An account whose day is over waits at least so long, shortly before midnight too."""
USUAL_CONNECTIONS = 2
"""Where neither a limit nor what is open tells how many connections were too many."""


def lesson_of(reply: Reply, server: Server, phase: Phase | None = None) -> Lesson | None:
    """Read out of a reply what it teaches about how much the account may send."""
    return None if reply.is_positive else explain(failure_of(phase, Fault.REPLY, reply, server)).lesson


def learn(sender: Sender, replies: Iterable[Reply], now: datetime) -> Lesson | None:
    """Learn from replies of the sender's server; returns the gravest lesson among them.

    A complaint that was just learned from teaches nothing more: the mails that were under way all hear the same one.

    Args:
        sender: Best loaded with its `allowance`; it gets the new one.
        replies: What the server said, in any order.
        now: The database's time.
    """
    server = Server.of(sender)
    heard = {lesson: reply for reply in replies if (lesson := lesson_of(reply, server))}
    for lesson in (Lesson.DAY, Lesson.RATE, Lesson.CONNECTIONS):
        if lesson in heard:
            _write_down(sender, lesson, heard[lesson], now)
            return lesson
    return None


def is_too_many(sender: Sender, reply: Reply, phase: Phase, now: datetime) -> bool:
    """Tell whether a server refused one connection more, while others of the account's work: nothing is wrong."""
    if lesson_of(reply, Server.of(sender), phase) is not Lesson.CONNECTIONS:
        return False
    return ConnectionSlot.objects.filter(sender=sender, lease_until__gt=now).count() > 1


def forget_wait(sender_id: int) -> None:
    """Send at once again, as when a test shows that the server takes mail: a new plan, or a quota of another day."""
    Allowance.objects.filter(pk=sender_id, slow_until__isnull=False).update(slow_until=None)


def _write_down(sender: Sender, lesson: Lesson, reply: Reply, now: datetime) -> None:
    with transaction.atomic():
        allowance, _is_new = Allowance.objects.select_for_update().get_or_create(pk=sender.pk)
        sender.allowance = allowance
        if _is_known(allowance, lesson, now):
            return
        {Lesson.DAY: _wait_for_tomorrow, Lesson.RATE: _slow_down, Lesson.CONNECTIONS: _connect_less}[lesson](
            sender, reply, now
        )
        allowance.hint = str(reply)[:1000]
        allowance.save(
            update_fields=["slow_until", "learned_connections", "learned_per_minute", "learned_until", "hint"]
        )
    logger.warning("a server asked for less mail", extra={"sender_id": sender.pk, "lesson": lesson})


def _is_known(allowance: Allowance, lesson: Lesson, now: datetime) -> bool:
    is_slow = allowance.slow_until is not None and allowance.slow_until > now
    was_just_learned = allowance.learned_until is not None and allowance.learned_until > now + HOLDS - CALM
    if lesson is Lesson.DAY:
        return allowance.slow_until is not None and allowance.slow_until >= Window.DAY.end(now)
    return (is_slow and lesson is Lesson.RATE) or was_just_learned


def _wait_for_tomorrow(sender: Sender, _reply: Reply, now: datetime) -> None:
    sender.allowance.slow_until = max(Window.DAY.end(now), now + LEAST_DAY)


def _slow_down(sender: Sender, reply: Reply, now: datetime) -> None:
    """Wait as long as the server says; where it doesn't, a little, and then send half as much a minute."""
    hint = read_hint(reply.text)
    sender.allowance.slow_until = now + (max(hint, LEAST_WAIT) if hint else CALM)
    if not hint:
        rate = max(_present_rate(sender, now) // 2, 1)
        _let_hold(sender.allowance, now)
        sender.allowance.learned_per_minute = rate


def _connect_less(sender: Sender, _reply: Reply, now: datetime) -> None:
    connections = max(_present_connections(sender, now) // 2, 1)
    _let_hold(sender.allowance, now)
    sender.allowance.learned_connections = connections


def _let_hold(allowance: Allowance, now: datetime) -> None:
    """Let what was learned hold from now on, of earlier lessons only what is left of them."""
    left = learned_limits(allowance, now)
    allowance.learned_connections, allowance.learned_per_minute = left.connections, left.per_minute
    allowance.learned_until = now + HOLDS


def _present_rate(sender: Sender, now: datetime) -> int:
    """Tell how much was sent in the last minute, but no more than was allowed."""
    since = now - timedelta(minutes=1)
    tried = SendingRecord.objects.filter(sender_address=sender.address, started_at__gt=since).count()
    limit = limits_of(sender, now).per_minute
    return max(tried, 2) if limit is None else min(max(tried, 2), limit)


def _present_connections(sender: Sender, now: datetime) -> int:
    open_now = ConnectionSlot.objects.filter(sender=sender, lease_until__gt=now).count() or USUAL_CONNECTIONS
    limit = limits_of(sender, now).connections
    return open_now if limit is None else min(open_now, limit)
