"""What every page says at its top while anything is paused."""

from dataclasses import dataclass

from django.http import HttpRequest

from records.models import DeliveryPause
from senders.models import Sender

VIEW_PERMISSIONS = ("records.view_sendingrecord", "senders.view_sender", "senders.pause_sender")
"""Any of them is enough to be told."""
MAX_SHOWN = 3
"""More are named by their number, and stand on the queue's page."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """What is paused, as far as a page tells."""

    whole: DeliveryPause | None = None
    shown: tuple[Sender, ...] = ()
    more: int = 0


def find_pauses(request: HttpRequest) -> Pauses:
    """Find what is paused; nothing for who may see neither mail nor accounts.

    The queue's page tells of the accounts itself.
    """
    person = getattr(request, "user", None)
    if person is None or not any(person.has_perm(permission) for permission in VIEW_PERMISSIONS):
        return Pauses()
    whole = DeliveryPause.objects.first()
    match = request.resolver_match
    if match and match.view_name == "delivery:queue":
        return Pauses(whole)
    paused = list(Sender.objects.filter(paused_at__isnull=False).order_by("paused_at"))
    return Pauses(whole, tuple(paused[:MAX_SHOWN]), len(paused[MAX_SHOWN:]))
