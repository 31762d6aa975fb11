"""All figures as one text."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from delivery.alarms.finding import load_senders
from delivery.alarms.queues import find_oldest_due
from delivery.alarms.waiting import count_waiting
from delivery.metrics import families
from records.clock import database_now

CONTENT_TYPE = CONTENT_TYPE_LATEST


class MailboxCollector(Collector):
    """Reads the figures; the number of queries does not depend on accounts or mail."""

    def collect(self) -> Iterator[Metric]:
        """Yield every family of figures."""
        now, senders = database_now(), sorted(load_senders(), key=lambda sender: sender.address)
        yield from families.waiting_mails(senders, count_waiting(sender.pk for sender in senders))
        yield from families.queue_ages(senders, find_oldest_due(), now)
        yield from families.account_states(senders)
        yield from families.quotas(senders, now)
        yield from families.held_mails()
        yield from families.alarms()
        yield from families.webhook_calls()
        yield from families.tries()
        yield from families.heartbeats()


def write_metrics() -> bytes:
    """Write all figures in the text format of Prometheus."""
    # Of our own: the library's global one tells of this process, which says nothing of the system.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(MailboxCollector())
    return generate_latest(registry)
