"""What can be wrong with a sender account itself: refused, not reachable, unreadable, soon not trusted."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ValidationError

from delivery.alarms.troubles import Trouble
from records.alarms.enums import AlarmKind
from records.enums import Outcome, SkipReason
from records.error_book import explain_outcome
from senders.certificates import read_certificates
from senders.enums import CircuitState
from senders.models import Circuit, Sender
from senders.secrets import is_readable

CERTIFICATE_NOTICE = timedelta(days=14)
"""How long before its end a certificate is worth an alarm: time to get another one."""


def find_account_troubles(sender: Sender, now: datetime) -> Iterator[Trouble]:
    """Tell what is wrong with an enabled account, loaded with its `circuit`."""
    trouble = _find_unreadable(sender) or _find_parked(sender, now)
    if trouble:
        yield trouble
    ends_at = first_end(sender.trusted_certificates)
    if ends_at and ends_at <= now + CERTIFICATE_NOTICE:
        yield Trouble(AlarmKind.CERTIFICATE_EXPIRES, sender, began_at=ends_at)


def find_circuit(sender: Sender) -> Circuit | None:
    """Find the account's circuit breaker, where it keeps mail waiting."""
    circuit: Circuit | None = getattr(sender, "circuit", None)
    return circuit if circuit and circuit.state != CircuitState.CLOSED else None


def _find_unreadable(sender: Sender) -> Trouble | None:
    if is_readable(sender):
        return None
    cause = explain_outcome(Outcome.SKIPPED, SkipReason.SECRET_UNREADABLE).key
    circuit = find_circuit(sender)
    return Trouble(AlarmKind.PASSWORD_UNREADABLE, sender, cause, began_at=circuit.opened_at if circuit else None)


def _find_parked(sender: Sender, now: datetime) -> Trouble | None:
    circuit = find_circuit(sender)
    if circuit is None or circuit.fault == SkipReason.SECRET_UNREADABLE:  # readable again: the next probe will see it
        return None
    if circuit.state == CircuitState.REFUSED:
        return _of_circuit(AlarmKind.SIGN_IN_REFUSED, sender, circuit)
    patience = timedelta(minutes=settings.MAILBOX_ALARM_UNREACHABLE_MINUTES)
    if circuit.opened_at is None or circuit.opened_at > now - patience:
        return None
    return _of_circuit(AlarmKind.UNREACHABLE, sender, circuit)


def _of_circuit(kind: AlarmKind, sender: Sender, circuit: Circuit) -> Trouble:
    return Trouble(kind, sender, circuit.cause, circuit.reply, circuit.opened_at)


@lru_cache(maxsize=1024)
def first_end(pem: str) -> datetime | None:
    """Tell when the first of the certificates in `pem` is over; None where there is none that can be read."""
    if not pem:
        return None
    try:
        return min((one.not_after for one in read_certificates(pem)), default=None)
    except ValidationError:
        return None
