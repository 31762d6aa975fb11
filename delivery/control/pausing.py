"""Pausing and resuming a sender, or everything.

While paused, mail is accepted and waits; the mail in hand is finished; no attempt is spent. The time to give up stands
still: resuming gives the length of the pause back to the mail that waited, in batches, and then lets it flow. A time
to give up that the caller itself set goes on: such a mail is worth nothing later.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import ExpressionWrapper, F, Max, QuerySet, Value
from django.db.models.fields import DateTimeField

from delivery.control.deeds import wake_after_commit
from records.clock import database_now
from records.interventions import BulkIntervention, Deed
from records.models import DeliveryPause, Mail, MailQuerySet
from senders.models import Sender

logger = logging.getLogger(__name__)

_ONLY = 1
"""Key of the one row that holds all sending."""


def pause_sender(sender: Sender, by: str) -> bool:
    """Hold a sender's mail; returns false if it was held already."""
    flowing = Sender.objects.filter(pk=sender.pk, paused_at__isnull=True)
    paused = bool(flowing.update(paused_at=database_now(), paused_by=by[:150]))
    if paused:
        logger.info("sending of an account is paused", extra={"sender_id": sender.pk, "by": by})
    return paused


def pause_everything(by: str) -> bool:
    """Hold all mail; returns false if it was held already."""
    pause = {"paused_at": database_now(), "paused_by": by[:150]}
    _row, paused = DeliveryPause.objects.get_or_create(pk=_ONLY, defaults=pause)
    if paused:
        logger.info("all sending is paused", extra={"by": by})
    return paused


def resume_sender(sender: Sender, by: str) -> BulkIntervention | None:
    """Begin to let a sender's mail flow again; returns the work that does it, or None if it was not paused."""
    with transaction.atomic():
        row = Sender.objects.select_for_update(no_key=True).get(pk=sender.pk)
        if row.paused_at is None:
            return None
        whole = DeliveryPause.objects.filter(pk=_ONLY).values_list("paused_at", flat=True).first()
        return _begin(row.pk, row.paused_at, by, also_paused_from=whole)


def resume_everything(by: str) -> BulkIntervention | None:
    """Begin to let all mail flow again, except that of paused senders; returns the work, or None if it flowed."""
    with transaction.atomic():
        row = DeliveryPause.objects.select_for_update().filter(pk=_ONLY).first()
        return _begin(None, row.paused_at, by) if row else None


def _begin(
    sender_id: int | None, since: datetime, by: str, *, also_paused_from: datetime | None = None
) -> BulkIntervention:
    """Store the work of resuming, or find it where somebody resumed a moment ago."""
    unfinished = BulkIntervention.objects.filter(
        deed=Deed.PROLONG, finished_at__isnull=True, filters__sender_id=sender_id
    )
    present = unfinished.first()
    if present is not None:
        return present
    now = database_now()
    # What two pauses have in common is given back once: by the one that began earlier.
    until = min(now, also_paused_from) if also_paused_from else now
    return BulkIntervention.objects.create(
        deed=Deed.PROLONG,
        filters=Pause(sender_id, since, until).as_json(),
        done_by=by[:150],
        began_at=now,
        up_to_id=Mail.objects.aggregate(last=Max("pk"))["last"] or 0,
    )


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that ends: whose, and the time that is given back to its mail."""

    sender_id: int | None
    """None: everybody's."""
    since: datetime
    until: datetime

    def as_json(self) -> dict[str, int | str | None]:
        """Write the pause as it is kept."""
        return {"sender_id": self.sender_id, "since": self.since.isoformat(), "until": self.until.isoformat()}

    @classmethod
    def from_json(cls, kept: dict[str, str]) -> "Pause":
        """Read a pause that was kept."""
        since, until = (datetime.fromisoformat(kept[name]) for name in ("since", "until"))
        return cls(kept["sender_id"], since, until)  # type: ignore[arg-type]  # what as_json wrote

    def find_mails(self) -> MailQuerySet:
        """Find the mail that waits and has time to be given back."""
        mails = Mail.objects.waiting().filter(expires_untried=False).order_by()
        return mails if self.sender_id is None else mails.filter(sender_id=self.sender_id)

    def prolong(self, mails: MailQuerySet) -> int:
        """Give the time of the pause back to some of the mails that waited; returns to how many."""
        if self.sender_id is not None:
            return _prolong(mails, self.since, self.until)
        own = Sender.objects.filter(paused_at__isnull=False).values_list("pk", "paused_at")
        still_paused = {sender_id: paused_at for sender_id, paused_at in own if paused_at is not None}
        given = _prolong(mails.exclude(sender_id__in=still_paused), self.since, self.until)
        for sender_id, paused_at in still_paused.items():
            given += _prolong(mails.filter(sender_id=sender_id), self.since, min(self.until, paused_at))
        return given

    def end(self) -> None:
        """Let the mail flow, when the transaction is committed."""
        if self.sender_id is None:
            DeliveryPause.objects.all().delete()
        else:
            Sender.objects.filter(pk=self.sender_id).update(paused_at=None, paused_by="")
        flowing = Sender.objects.enabled().filter(paused_at__isnull=True)
        meant = flowing if self.sender_id is None else flowing.filter(pk=self.sender_id)
        wake_after_commit(meant.values_list("pk", flat=True))
        logger.info("sending is resumed", extra={"sender_id": self.sender_id})


def _prolong(mails: QuerySet[Mail], since: datetime, until: datetime) -> int:
    """Move the time to give up by what each mail waited between the two moments."""
    if until <= since:
        return 0
    whole = mails.filter(accepted_at__lte=since).update(expires_at=F("expires_at") + (until - since))
    waited = ExpressionWrapper(
        F("expires_at") + (Value(until, output_field=DateTimeField()) - F("accepted_at")), output_field=DateTimeField()
    )
    return whole + mails.filter(accepted_at__gt=since, accepted_at__lt=until).update(expires_at=waited)
