"""What the tests of alarms set up and look at. Time passes by moving the rows' times, never by waiting."""

from datetime import timedelta
from typing import Any

from django.db.models import F

from delivery.alarms.checking import remember_hindered
from delivery.alarms.finding import look_at_everything
from delivery.alarms.register import register
from records.alarms.models import Alarm
from records.clock import database_now
from records.models import Mail
from senders.enums import CircuitState
from senders.models import Circuit, Sender
from senders.services import save_sender

A_WHILE = timedelta(hours=1)


def make_sender(address: str = "reports@example.com", **values: Any) -> Sender:
    """Save an account that needs no password."""
    usual: dict[str, Any] = {"display_name": "Reports", "host": "mail.example.com", "port": 25, "login_method": "none"}
    password = values.pop("password", None)
    return save_sender(Sender(**({"address": address} | usual | values)), password=password)


def open_circuit(sender: Sender, state: CircuitState, *, ago: timedelta = A_WHILE, **values: Any) -> Circuit:
    """Let the account's mail be parked since then."""
    circuit, _is_new = Circuit.objects.update_or_create(
        sender=sender, defaults={"state": state, "opened_at": database_now() - ago, **values}
    )
    return circuit


def make_waiting(sender: Sender, *, due_ago: timedelta = A_WHILE, **values: Any) -> Mail:
    """Create a mail that was due then."""
    now = database_now()
    usual: dict[str, Any] = {
        "state": "queued",
        "sender": sender,
        "sender_address": sender.address,
        "accepted_at": now - due_ago,
        "due_at": now - due_ago,
        "expires_at": now + timedelta(days=1),
    }
    return Mail.objects.create(**(usual | values))


def look() -> list[tuple[str, str]]:
    """Check everything as a worker does after a sweep; returns kind and account of the open alarms."""
    now = database_now()
    findings = look_at_everything(now)
    register(findings.troubles, now)
    remember_hindered(findings.hindered, now)
    return open_alarms()


def look_twice() -> list[tuple[str, str]]:
    """Check, and check again when the time has come."""
    look()
    let_settle()
    return look()


def open_alarms() -> list[tuple[str, str]]:
    """List kind and account of the open alarms."""
    return sorted(Alarm.objects.open().values_list("kind", "sender_address"))


def let_settle() -> None:
    """Let the last check be as long ago as the next one needs."""
    Alarm.objects.exclude(good_since=None).update(good_since=F("good_since") - timedelta(hours=1))
