"""Deleting the sealed originals of mails that have ended."""

from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from records.bulk import one_of
from records.enums import MailKind, MailState
from records.masking.models import SealedContent
from records.models import Mail

BATCH = 100
"""Originals per transaction: short ones, so that workers never wait long."""


def drop_originals(mails: Iterable[Mail]) -> None:
    """Delete the sealed originals of those of the mails that have ended, in the transaction that ended them."""
    masked = [mail.pk for mail in mails if mail.has_secrets]
    if masked:
        drop_ended(masked)


def drop_ended(mail_ids: Collection[int]) -> int:
    """Delete the sealed originals of those of the mails that have ended; returns how many.

    What is held for a person keeps its own: it may have to be sent again.
    """
    rows = SealedContent.objects.filter(ended_mail(), mail_id__in=one_of(mail_ids))
    return rows._raw_delete(rows.db)  # noqa: SLF001  # nothing public does it by the statement alone


def ended_mail() -> Exists:
    """Tell of a sealed original that its mail has ended, and no person is to decide about it."""
    ended: QuerySet[Mail] = Mail.objects.filter(pk=OuterRef("mail_id"), finished_at__isnull=False)
    return Exists(ended.exclude(state=MailState.UNCERTAIN, kind=MailKind.MAIL))


def drop_left_over() -> int:
    """Delete a batch of originals that outlived their mails, however those ended; returns how many were looked at."""
    with transaction.atomic():
        # The mails are locked: one that a person has tried again meanwhile keeps its original.
        left = Mail.objects.filter(pk__in=SealedContent.objects.filter(ended_mail()).values("mail_id")[:BATCH])
        ids = list(left.order_by("pk").select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True))
        if ids:
            drop_ended(ids)
    return len(ids)
