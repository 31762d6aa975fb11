"""The figures, family by family. Labels hold addresses of our own accounts; never a receiver, never a secret."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from delivery.alarms.waiting import MAX_COUNTED, Waiting
from records.alarms.enums import CallState
from records.alarms.models import Alarm, Tally, WebhookCall
from records.enums import MailState, Outcome, Priority
from records.models import DeliveryPause, Heartbeat, Mail
from senders.allowances import state_of
from senders.enums import CircuitState
from senders.models import Sender


def waiting_mails(senders: Iterable[Sender], counts: Iterable[Waiting]) -> Iterator[Metric]:
    """Tell how much waits, per account and priority."""
    family = GaugeMetricFamily(
        "mailbox_mails_waiting",
        f"Mails that wait to be sent; at most {MAX_COUNTED} are counted per sender and priority.",
        labels=["sender", "priority"],
    )
    found = {(waiting.sender_id, waiting.priority): waiting.count for waiting in counts}
    for sender in senders:
        for priority in Priority:
            family.add_metric([sender.address, priority.name.lower()], found.get((sender.pk, priority), 0))
    yield family


def queue_ages(senders: Iterable[Sender], oldest: Mapping[int, datetime], now: datetime) -> Iterator[Metric]:
    """Tell how long the mail that waits longest is due."""
    family = GaugeMetricFamily(
        "mailbox_oldest_due_seconds",
        "How long the mail that waits longest is due; 0 where none is.",
        labels=["sender"],
    )
    for sender in senders:
        due_at = oldest.get(sender.pk, now)
        family.add_metric([sender.address], max((now - due_at).total_seconds(), 0))
    yield family


def account_states(senders: Iterable[Sender]) -> Iterator[Metric]:
    """Tell of each account whether mail flows."""
    circuits = GaugeMetricFamily(
        "mailbox_circuit_state",
        "1 for the state that the account is in: closed (mail flows), open (not reachable), refused (sign-in).",
        labels=["sender", "state"],
    )
    paused = GaugeMetricFamily("mailbox_sender_paused", "1 while a person holds the account's mail.", labels=["sender"])
    enabled = GaugeMetricFamily("mailbox_sender_enabled", "1 while the account may send.", labels=["sender"])
    for sender in senders:
        circuit = getattr(sender, "circuit", None)
        present = circuit.state if circuit else CircuitState.CLOSED
        for state in CircuitState:
            circuits.add_metric([sender.address, state.value], float(state == present))
        paused.add_metric([sender.address], float(sender.paused_at is not None))
        enabled.add_metric([sender.address], float(sender.is_enabled))
    everything = GaugeMetricFamily("mailbox_paused", "1 while a person holds all mail.")
    everything.add_metric([], float(DeliveryPause.objects.exists()))
    yield from (circuits, paused, enabled, everything)


def quotas(senders: Iterable[Sender], now: datetime) -> Iterator[Metric]:
    """Tell what is used of each limit."""
    used = GaugeMetricFamily(
        "mailbox_limit_used", "Mails that count in the present minute, hour or day.", labels=["sender", "window"]
    )
    limit = GaugeMetricFamily("mailbox_limit", "How many may go out in it.", labels=["sender", "window"])
    for sender in senders:
        for use in state_of(sender, now).uses:
            used.add_metric([sender.address, use.window.value], use.used)
            limit.add_metric([sender.address, use.window.value], use.limit)
    yield from (used, limit)


def held_mails() -> Iterator[Metric]:
    """Tell how many mails wait for a person's decision."""
    family = GaugeMetricFamily("mailbox_mails_held", "Mails that may have arrived and wait for a person to decide.")
    family.add_metric([], Mail.objects.filter(state=MailState.UNCERTAIN).count())
    yield family


def alarms() -> Iterator[Metric]:
    """Tell which alarms are open."""
    family = GaugeMetricFamily(
        "mailbox_alarm_open", "1 for every alarm that is open.", labels=["kind", "severity", "sender"]
    )
    for alarm in Alarm.objects.open():
        family.add_metric([alarm.kind, alarm.severity.value, alarm.sender_address], 1)
    yield family


def webhook_calls() -> Iterator[Metric]:
    """Tell how many calls wait."""
    family = GaugeMetricFamily("mailbox_webhook_calls_waiting", "Calls of the alarm webhook that are not made yet.")
    family.add_metric([], WebhookCall.objects.filter(state=CallState.WAITING).count())
    yield family


def tries() -> Iterator[Metric]:
    """Tell how tries at receivers ended, since the beginning; half a minute behind."""
    family = CounterMetricFamily("mailbox_tries", "Tries at receivers by how they ended.", labels=["sender", "outcome"])
    found: dict[str, dict[str, int]] = {}
    for tally in Tally.objects.all():
        found.setdefault(tally.sender_address, {})[tally.outcome] = tally.tries
    ended = [outcome.value for outcome in Outcome if outcome is not Outcome.SENDING]
    for address, totals in sorted(found.items()):
        for outcome in ended:
            family.add_metric([address, outcome], totals.get(outcome, 0))
    yield family


def heartbeats() -> Iterator[Metric]:
    """Tell when each part of the system was last at work."""
    family = GaugeMetricFamily(
        "mailbox_seen_timestamp_seconds", "When a part of the system was last seen at work.", labels=["part"]
    )
    for heartbeat in Heartbeat.objects.order_by("name"):
        family.add_metric([heartbeat.name], heartbeat.seen_at.timestamp())
    yield family
