"""Up to when every try is recorded: a file of a later time would lack what a second one of the same time has."""

from datetime import datetime, timedelta

from django.conf import settings

from records.clock import database_now
from records.enums import MailState
from records.models import Mail

STILL_COMMITTING = timedelta(minutes=1)
"""So long a transaction may take to commit what it says of the moment at which it began."""


def find_covered_until() -> datetime:
    """Find before when no try can have begun that has no record yet, be it closed or open."""
    # A claim has no records at first. They are opened when its lease is first renewed, or written when it has run out,
    # and then with the time of the claim: a lease before its end.
    lease = timedelta(seconds=settings.MAILBOX_CLAIM_LEASE)
    latest = database_now() - max(lease, STILL_COMMITTING)
    claimed = Mail.objects.filter(state=MailState.SENDING).order_by("lease_until")
    ends_first = claimed.values_list("lease_until", flat=True).first()
    return min(latest, ends_first - lease) if ends_first else latest
