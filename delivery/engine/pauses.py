"""Whose mail is held because a person paused a sender or everything. Asked before each claim and between groups."""

from django.db.models import Exists, Q, QuerySet

from records.models import DeliveryPause
from senders.models import Sender


def paused_senders() -> QuerySet[Sender]:
    """Find the accounts whose mail is held: those that are paused, or all while everything is."""
    return Sender.objects.filter(Q(paused_at__isnull=False) | Q(Exists(DeliveryPause.objects.all()))).order_by()


def paused_sender_ids() -> QuerySet[Sender, int]:
    """Give the ids of the accounts whose mail is held, fit to stand in another query."""
    return paused_senders().values_list("pk", flat=True)


def is_paused(sender: Sender) -> bool:
    """Ask the database whether the account's mail is held now, whatever was loaded before."""
    return paused_senders().filter(pk=sender.pk).exists()
