"""T2: the point of no return. Whoever does not pass here may not send the final dot."""

import logging
import time
from datetime import timedelta
from enum import StrEnum

from django.db import DatabaseError, InterfaceError, transaction
from django.db.models.functions import Now

from delivery.engine.limits import DOT_TIMEOUT, get_limits
from delivery.engine.values import Claim
from records.enums import MailState, Outcome, Phase, Step
from records.models import Mail, SendingRecord

logger = logging.getLogger(__name__)


class Refusal(StrEnum):
    """Why the fence said no."""

    NOT_MINE = "not_mine"
    """The lease is over, another claim lives, or the mail was cancelled."""
    TOO_LATE = "too_late"
    """Too little of the deadline is left to wait for the server's reply, so it would end as unknown."""
    DATABASE = "database"
    """The database did not answer: what can't be recorded isn't sent."""


class Fence:
    """Asked by the session between the body and the final dot, once per try."""

    def __init__(self, claim: Claim, deadline: float) -> None:
        """Guard one claim.

        Args:
            claim: What is being sent.
            deadline: The end of the whole dialogue, on `time.monotonic()`.
        """
        self._claim = claim
        self._deadline = deadline
        self.refusal: Refusal | None = None
        """Why the fence said no; None as long as it did not."""

    def __call__(self) -> bool:
        """Record that the content goes out, and tell whether it may."""
        longest_wait = min(DOT_TIMEOUT, self._deadline - time.monotonic())
        if longest_wait < min(DOT_TIMEOUT, get_limits().mail_deadline / 2):
            self.refusal = Refusal.TOO_LATE
            return False
        try:
            passed = pass_fence(self._claim, longest_wait)
        except (DatabaseError, InterfaceError):
            logger.exception("the point of no return could not be recorded", extra={"mail_id": self._claim.mail_id})
            self.refusal = Refusal.DATABASE
            return False
        self.refusal = None if passed else Refusal.NOT_MINE
        return passed


def pass_fence(claim: Claim, longest_wait: float) -> bool:
    """Move the claim past the point of no return (T2); false if it is not this worker's any more.

    Args:
        claim: What is being sent.
        longest_wait: How long the final reply will be awaited, seconds; the lease outlives it.

    Raises:
        DatabaseError: Nothing is known to be recorded; the dot must not be sent.
    """
    lease = timedelta(seconds=longest_wait + get_limits().lease_margin)
    with transaction.atomic(durable=True):
        mine = Mail.objects.filter(
            pk=claim.mail_id,
            epoch=claim.epoch,
            state=MailState.SENDING,
            lease_until__gt=Now(),
            cancel_requested=False,
        )
        if not mine.update(lease_until=Now() + lease):
            return False
        SendingRecord.objects.filter(mail_id=claim.mail_id, epoch=claim.epoch, outcome=Outcome.SENDING).update(
            step=Step.COMMITTED, phase=Phase.DATA
        )
    return True
