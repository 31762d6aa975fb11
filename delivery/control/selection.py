"""Which mails are meant: a group that they stand in, narrowed by filters."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from records.enums import MailKind, MailState, Priority
from records.interventions import Deed, Intervention
from records.models import Mail, MailQuerySet, Receiver


class MailGroup(models.TextChoices):
    """Where mails stand, as far as a person can do something about them. Test mail is in none: it is tried once."""

    WAITING = "waiting", _("Waiting")
    """Accepted, and waiting for a worker: at once, at its time or for its next try."""
    HELD = "held", _("Held for a decision")
    """It may have arrived; a person says what becomes of it."""
    FAILED = "failed", _("Failed")
    """It ended, and some receivers have not got it."""
    CANCELLED = "cancelled", _("Cancelled")
    """A person cancelled it."""

    @property
    def mails(self) -> MailQuerySet:
        """The mails of the group."""
        mails = Mail.objects.filter(kind=MailKind.MAIL)
        match self:
            case MailGroup.WAITING:
                return mails.waiting()
            case MailGroup.HELD:
                return mails.filter(state=MailState.UNCERTAIN)
            case MailGroup.FAILED:
                return mails.unsent().exclude(state=MailState.CANCELLED)
            case MailGroup.CANCELLED:
                return mails.unsent().filter(state=MailState.CANCELLED)


GROUPS_OF: dict[Deed, tuple[MailGroup, ...]] = {
    Deed.CANCEL: (MailGroup.WAITING,),
    Deed.SEND_NOW: (MailGroup.WAITING,),
    Deed.RETRY: (MailGroup.FAILED, MailGroup.CANCELLED),
    Deed.ARRIVED: (MailGroup.HELD,),
    Deed.SEND_AGAIN: (MailGroup.HELD,),
    Deed.GIVE_UP: (MailGroup.HELD,),
}
"""Which mails a deed can be done to."""

NEEDED_FOR: dict[Deed, tuple[str, ...]] = {
    Deed.CANCEL: ("records.view_sendingrecord", "records.cancel_mail"),
    Deed.SEND_NOW: ("records.view_sendingrecord", "records.retry_mail"),
    Deed.RETRY: ("records.view_sendingrecord", "records.retry_mail"),
    Deed.ARRIVED: ("records.view_sendingrecord", "records.decide_mail"),
    Deed.SEND_AGAIN: ("records.view_sendingrecord", "records.decide_mail"),
    Deed.GIVE_UP: ("records.view_sendingrecord", "records.decide_mail"),
}
"""What a person must be allowed to, from asking for a deed at many mails until the last of them."""


@dataclass(frozen=True, slots=True)
class MailFilters:
    """One group of mails, and what it is narrowed to; what is empty does not narrow."""

    group: MailGroup = MailGroup.WAITING
    sender_id: int | None = None
    template: str = ""
    receiver: str = ""
    """Part of any receiver's address, in whatever case."""
    subject: str = ""
    """Part of the subject, in whatever case."""
    accepted_from: datetime | None = None
    accepted_before: datetime | None = None
    priority: Priority | None = None
    mail_id: int | None = None
    as_of: datetime | None = None
    """As they stood then: mails that ended later, or that a person did something to, are left alone."""

    @property
    def is_narrowed(self) -> bool:
        """Tell whether anything but the group is asked for."""
        return self != MailFilters(group=self.group)

    def find(self) -> MailQuerySet:
        """Find the mails that are meant, in no order."""
        mails = self.group.mails
        exactly = {
            "sender_id": self.sender_id,
            "template_name": self.template or None,
            "accepted_at__gte": self.accepted_from,
            "accepted_at__lt": self.accepted_before,
            "priority": self.priority,
            "pk": self.mail_id,
        }
        mails = mails.filter(**{name: value for name, value in exactly.items() if value is not None})
        if self.as_of:
            done_later = Intervention.objects.filter(mail_id=OuterRef("pk"), done_at__gt=self.as_of)
            ended_by_then = Q(finished_at__isnull=True) | Q(finished_at__lte=self.as_of)
            mails = mails.filter(ended_by_then, ~Exists(done_later.order_by()))
        if self.subject:
            mails = mails.filter(subject__icontains=self.subject)
        if self.receiver:
            meant = Receiver.objects.filter(mail_id=OuterRef("pk"), address__icontains=self.receiver)
            mails = mails.filter(Exists(meant.order_by()))
        return mails.order_by()

    def as_json(self) -> dict[str, Any]:
        """Write the filters as they are kept with a deed."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
            if value not in {None, ""}
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "MailFilters":
        """Read filters that were kept."""
        values = dict(kept)
        for name in ("accepted_from", "accepted_before", "as_of"):
            if name in values:
                values[name] = datetime.fromisoformat(values[name])
        if "priority" in values:
            values["priority"] = Priority(values["priority"])
        return cls(**{**values, "group": MailGroup(values["group"])})


def count_up_to(mails: MailQuerySet, limit: int) -> int:
    """Count, but stop at `limit`: no page reads a whole queue to show a number."""
    return mails.order_by().values("pk")[:limit].count()
