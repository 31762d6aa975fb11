"""The composed bytes of mails: the one place that knows how they are stored.

A mail is its own header fields and then a body, which many mails may share: what is sent to thousands is kept once.
"""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from records.bulk import one_of
from records.masking.models import SealedContent
from records.models import Body, Content
from records.months.calendar import month_before, month_of, this_month
from records.months.tables import keep_all_months
from records.packing import pack, unpack

_AT_ONCE = 1000
"""So many unused bodies are dropped by one statement."""


def store_content(mail_id: int, head: bytes, body: bytes, accepted_at: datetime) -> None:
    """Keep the bytes of one mail."""
    packed, month = pack(body), month_of(accepted_at)
    stored = Body.objects.create(pk=mail_id, octets=packed.octets, packing=packed.packing, month=month)
    Content.objects.create(mail_id=mail_id, head=head, body=stored, month=month)


def read_many(mail_ids: Collection[int]) -> dict[int, bytes]:
    """Read the bytes of mails, in one query where all came lately; a mail without content is left out."""
    # Nearly all did: years of contents need not be looked at for what is sent now.
    this = this_month()
    lately = (month_before(this), this)
    found = _read(Content.objects.filter(mail_id__in=one_of(mail_ids), month__in=lately, body__month__in=lately))
    if older := set(mail_ids).difference(found):
        found |= _read(Content.objects.filter(mail_id__in=one_of(older)))
    return found


def _read(contents: QuerySet[Content]) -> dict[int, bytes]:
    rows = contents.values_list("mail_id", "head", "body_id", "body__octets", "body__packing")
    bodies: dict[int, bytes] = {}
    found = {}
    for mail_id, head, body_id, octets, packing in rows:
        if body_id not in bodies:  # else it is one that many share, and is unpacked once
            bodies[body_id] = unpack(octets, packing)
        found[mail_id] = bytes(head) + bodies[body_id]
    return found


def find_mime(mail_id: int) -> bytes | None:
    """Find the bytes of one mail; None where its content is not kept."""
    return read_many([mail_id]).get(mail_id)


def lock_whole(mail_ids: Collection[int]) -> set[int]:
    """Keep the mails whose content is all there, and keep it so until the caller's transaction ends.

    Of a mail with secrets that is the sealed original: what is stored as its content is a masked copy.
    """
    keep_all_months()
    contents = Content.objects.filter(mail_id__in=one_of(mail_ids))
    with_files = Body.objects.filter(contents__in=contents, attached_size__gt=0).values("pk")
    # Whoever removes files locks the body too, and looks then whether a mail of it is to be sent.
    list(Body.objects.filter(pk__in=with_files).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    is_sealed = Exists(SealedContent.objects.filter(mail_id=OuterRef("mail_id")))
    whole = contents.filter(
        Q(mail__has_secrets=True) & is_sealed | Q(mail__has_secrets=False, body__attachments_removed_at__isnull=True)
    )
    return set(whole.values_list("mail_id", flat=True))


def delete_unused_bodies() -> int:
    """Delete the bodies whose mails are gone; returns how many. Whoever deletes mails calls it afterwards.

    A body is stored in one transaction with its mails and never found again by others, so none is about to be used.
    """
    unused = list(Body.objects.filter(contents=None).values_list("pk", flat=True))
    for start in range(0, len(unused), _AT_ONCE):
        # By the statement alone: Django's own way would read the bodies that it deletes.
        rows = Body.objects.filter(pk__in=unused[start : start + _AT_ONCE])
        rows._raw_delete(rows.db)  # noqa: SLF001  # nothing public does it
    return len(unused)
