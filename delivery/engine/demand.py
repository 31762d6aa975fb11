"""How many connections a sender has use for, and how many it bears."""

from delivery.engine.claim import due_mail
from records.clock import database_now
from senders.limits import limits_of
from senders.models import Sender

USUAL_CONNECTIONS = 4
"""How many connections at once an account may have of whose server nothing is known."""


def find_connection_limit(sender_id: int) -> int:
    """Tell how many connections at once an account may have; 0 if there is no such account."""
    sender = Sender.objects.select_related("allowance").filter(pk=sender_id).first()
    return (limits_of(sender).connections or USUAL_CONNECTIONS) if sender else 0


def count_due(sender_id: int, most: int) -> int:
    """Count the mails of a sender that may be claimed now, up to a number."""
    return due_mail(sender_id, database_now()).order_by()[:most].count()
