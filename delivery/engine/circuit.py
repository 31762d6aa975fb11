"""The circuit breaker of a sender account: whether its mail flows, and who may look whether it does again."""

import logging
import random
from datetime import timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from delivery.engine.causes import failure_of
from delivery.engine.limits import get_limits
from delivery.engine.values import Server
from delivery.exceptions import SessionError
from records.clock import database_now
from records.enums import Outcome, Phase, SkipReason
from records.error_book import explain, explain_outcome
from senders.enums import CircuitState
from senders.models import Circuit, Sender

logger = logging.getLogger(__name__)

PROBE_TIME = 180.0
"""How long a probe has the circuit for itself, seconds; longer than opening a session may take."""
_random = random.SystemRandom()


class Admission(StrEnum):
    """What a worker may do with a sender's mail now."""

    FLOW = "flow"
    """Send."""
    PROBE = "probe"
    """Try one session; nobody else does."""
    PARKED = "parked"
    """Nothing: the mail waits."""


def admit(sender_id: int) -> Admission:
    """Ask to send; of all who ask when a probe is due, exactly one gets it."""
    circuit = Circuit.objects.filter(pk=sender_id).first()
    if circuit is None or circuit.state == CircuitState.CLOSED:
        return Admission.FLOW
    won = _due_for_probe().filter(pk=sender_id).update(probe_at=Now() + timedelta(seconds=PROBE_TIME))
    return Admission.PROBE if won else Admission.PARKED


def _due_for_probe() -> QuerySet[Circuit]:
    due = Q(probe_at__isnull=True) | Q(probe_at__lte=Now())
    return Circuit.objects.filter(due, state=CircuitState.OPEN)


def trip(sender: Sender, error: SessionError, *, is_probe: bool) -> None:
    """Park the sender's mail because the account is at fault.

    Args:
        sender: The account as it was loaded for the session.
        error: How the session failed.
        is_probe: The failure is that of a probe, so the next one comes later.
    """
    reply = str(error.reply)[:1000] if error.reply else ""
    cause = explain(failure_of(error.phase, error.fault, error.reply, Server.of(sender))).key
    state = CircuitState.REFUSED if is_refusal(error) else CircuitState.OPEN
    _open(sender, state, Circuit(phase=error.phase, fault=error.fault, cause=cause, reply=reply), is_probe=is_probe)


def park_unreadable(sender: Sender) -> None:
    """Park the sender's mail because its stored password cannot be decrypted."""
    cause = explain_outcome(Outcome.SKIPPED, SkipReason.SECRET_UNREADABLE).key
    reason = Circuit(fault=SkipReason.SECRET_UNREADABLE, cause=cause)
    _open(sender, CircuitState.REFUSED, reason, is_probe=False)


def is_refusal(error: SessionError) -> bool:
    """Tell whether trying again could lock the account: the server finally refused the sign-in."""
    if error.reply is None or not error.reply.is_permanent:
        return False
    return error.phase == Phase.AUTH or error.reply.code == 535


def _open(sender: Sender, state: CircuitState, reason: Circuit, *, is_probe: bool) -> None:
    with transaction.atomic(durable=True):
        # Edited since: the failure is one of settings that are gone, and the edit closed the circuit.
        unchanged = Sender.objects.select_for_update(no_key=True).filter(pk=sender.pk, updated_at=sender.updated_at)
        if not list(unchanged.values_list("pk")):
            return
        circuit, _is_new = Circuit.objects.select_for_update().get_or_create(pk=sender.pk)
        if circuit.state == CircuitState.REFUSED or (circuit.state == CircuitState.OPEN and not is_probe):
            return
        now = database_now()
        reason.sender_id = sender.pk
        reason.state = state
        reason.failures = circuit.failures + 1
        reason.opened_at = circuit.opened_at or now
        reason.probe_at = now + probe_interval(reason.failures) if state == CircuitState.OPEN else None
        reason.save(force_update=True)
    logger.warning("mail of a sender is parked", extra={"sender_id": sender.pk, "state": state, "cause": reason.cause})


def probe_interval(failures: int) -> timedelta:
    """Choose when to probe next: doubled with each failure up to a cap, and a little apart from others."""
    limits = get_limits()
    seconds = min(limits.probe_cap, limits.probe_base * 2.0 ** min(failures - 1, 30))
    return timedelta(seconds=seconds * _random.uniform(0.8, 1.2))


def close(sender_id: int) -> None:
    """Let the sender's mail flow: a session worked, or a test passed."""
    closed = (
        Circuit.objects.filter(pk=sender_id)
        .exclude(state=CircuitState.CLOSED)
        .update(
            state=CircuitState.CLOSED, failures=0, opened_at=None, probe_at=None, phase="", fault="", cause="", reply=""
        )
    )
    if closed:
        logger.info("mail of a sender flows again", extra={"sender_id": sender_id})
