"""When the database's clock went back: what was written by the wrong time would wait until it comes again.

A clock that goes ahead needs nothing: leases end early, and the fence keeps their claims from being sent.
"""

import logging
from datetime import timedelta

from django.db.models import ExpressionWrapper, F
from django.db.models.fields import DateTimeField
from django.db.models.functions import Now

from delivery.engine.limits import get_limits
from delivery.engine.slots import LEASE
from records.clock import database_now
from records.enums import MailState
from records.models import Heartbeat, Mail
from senders.enums import CircuitState
from senders.models import Circuit, ConnectionSlot

logger = logging.getLogger(__name__)

TOLERANCE = timedelta(seconds=5)
"""Steps back that are no longer than this do no harm that a sweep would not mend."""


def mend_after_clock_jump() -> bool:
    """Look whether the clock went back since workers were last seen, and forget what the wrong time says.

    Returns:
        Whether it did.
    """
    now = database_now()
    last = Heartbeat.objects.order_by("-seen_at").values_list("seen_at", flat=True).first()
    if last is None or last <= now + TOLERANCE:
        return False
    logger.warning("the clock went back, waiting mail is made due", extra={"seconds": (last - now).total_seconds()})
    _mend_mail()
    _mend_leases()
    # Last: who dies on the way here leaves it to the next.
    Heartbeat.objects.filter(seen_at__gt=now).update(seen_at=now)
    return True


def _mend_mail() -> None:
    """Let mail wait no longer than it did by the wrong time. What somebody wants sent later is left as it is."""
    waiting = Mail.objects.waiting()
    accepted_ahead = waiting.filter(accepted_at__gt=Now(), due_at=F("accepted_at"))
    accepted_ahead.update(
        due_at=Now(),
        accepted_at=Now(),
        expires_at=ExpressionWrapper(F("expires_at") - (F("accepted_at") - Now()), output_field=DateTimeField()),
    )
    # How long each really had to wait is not known; at the worst a server is asked earlier than it wished.
    waiting.filter(state=MailState.RETRY, due_at__gt=Now()).update(due_at=Now())


def _mend_leases() -> None:
    """Let nothing be held for longer than its holder, if it lives, renews it for."""
    limits = get_limits()
    longest = timedelta(seconds=limits.mail_deadline + limits.claim_lease + limits.lease_margin)
    held = Mail.objects.filter(state=MailState.SENDING, lease_until__gt=Now() + longest)
    held.update(lease_until=Now() + timedelta(seconds=limits.claim_lease))
    slot_lease = timedelta(seconds=LEASE)
    ConnectionSlot.objects.filter(lease_until__gt=Now() + slot_lease).update(lease_until=Now() + slot_lease)
    Circuit.objects.filter(state=CircuitState.OPEN, probe_at__gt=Now()).update(probe_at=Now())
