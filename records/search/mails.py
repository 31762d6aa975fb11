"""Finding a mail by its Message-ID, which tells when it was made: mails are numbered in the order of acceptance."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from records.message_ids import find_time_made
from records.models import Mail

if TYPE_CHECKING:
    from datetime import datetime

_EARLIER = timedelta(minutes=1)
"""So much may the clock of whoever made the Message-ID be ahead of the database's."""
_LATER = timedelta(minutes=5)
"""So long it may have taken to accept the mail, one of many in a call; and the clock may have been behind."""
_MAX_READ = 50_000
"""So many mails are looked at before the search goes on without."""


def find_mail_id(message_id: str) -> int | None:
    """Find the mail with a Message-ID; None where it isn't found so, which does not say that there is none."""
    made_at = find_time_made(message_id)
    if made_at is None:
        return None
    first, end = _first_accepted_from(made_at - _EARLIER), _first_accepted_from(made_at + _LATER)
    mails = Mail.objects.filter(pk__gte=first, pk__lt=min(end, first + _MAX_READ), message_id=message_id)
    return mails.order_by("pk").values_list("pk", flat=True).first()


def _first_accepted_from(moment: datetime) -> int:
    """Find where mails begin that were accepted at a moment or later, by halving what is left: a row each time."""
    low, high = 1, (Mail.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        found = Mail.objects.filter(pk__gte=middle).order_by("pk").values_list("pk", "accepted_at").first()
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = found[0] + 1
    return low
