"""Removing what was found, each time within the transaction that notes how far the round has come.

Every row is locked and judged again: what a person had tried again meanwhile is left alone. Nobody waits for anybody:
what somebody else holds stays until the next round.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import CASCADE, Exists, OuterRef, QuerySet

from records.keeping.completeness import mark_removed
from records.keeping.finding import ended_mail, young_contents
from records.keeping.rules import Bounds
from records.keeping.stripping import strip_files
from records.models import Body, Content, Mail, SendingRecord
from records.packing import Packed, pack, unpack


class Removed(NamedTuple):
    """What went."""

    mails: int = 0
    records: int = 0
    contents: int = 0
    bodies: int = 0
    """Bodies whose files went."""


def remove_mails(ids: Sequence[int], bounds: Bounds) -> Removed:
    """Remove mails with all that belongs to them."""
    mail_ids = _lock(ids, bounds)
    contents = _remove_contents(mail_ids)
    tries = SendingRecord.objects.filter(mail_id__in=mail_ids)
    mark_removed(tries)
    records = _delete(tries)
    for relation in Mail._meta.related_objects:  # noqa: SLF001  # a public interface, its name notwithstanding
        rows = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": mail_ids})  # noqa: SLF001  # as well
        if relation.on_delete is CASCADE:
            _delete(rows)
        else:  # a copy that was sent later stays, and names no original
            rows.update(**{relation.field.name: None})
    _delete(Mail.objects.filter(pk__in=mail_ids))
    return Removed(mails=len(mail_ids), records=records, contents=contents)


def _delete(rows: QuerySet[Any]) -> int:
    """Delete rows by one statement; the database itself refuses to leave anything behind that refers to them.

    Django's own way would read all that it deletes, bodies of many megabytes too, by queries that no index serves.
    """
    # None where no id is asked for, as when somebody else holds all that was found.
    return rows._raw_delete(rows.db) or 0  # noqa: SLF001  # nothing public does it


def remove_contents(ids: Sequence[int], bounds: Bounds) -> Removed:
    """Remove what mails said."""
    return Removed(contents=_remove_contents(_lock(ids, bounds)))


def _lock(ids: Sequence[int], bounds: Bounds) -> list[int]:
    at_rest = Mail.objects.filter(ended_mail(), pk__in=ids, finished_at__lt=bounds.at_rest)
    return list(at_rest.order_by("pk").select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True))


def _remove_contents(mail_ids: Sequence[int]) -> int:
    contents = Content.objects.filter(mail_id__in=mail_ids)
    body_ids = set(contents.values_list("body_id", flat=True))
    number = _delete(contents)
    # A body is stored in one transaction with its mails and never found again by others: none is about to be used.
    unused = ~Exists(Content.objects.filter(body_id=OuterRef("pk")))
    _delete(Body.objects.filter(unused, pk__in=body_ids))
    return number


class Stripped(NamedTuple):
    """A body without its files, ready to take the place of the whole one."""

    pk: int
    packed: Packed


def strip_bodies(ids: Sequence[int], today: date) -> list[Stripped]:
    """Take the files out of bodies; nothing is written yet, since that may take a while."""
    bodies = Body.objects.filter(pk__in=ids).order_by("pk").iterator(chunk_size=1)
    return [Stripped(body.pk, pack(strip_files(unpack(body.octets, body.packing), today))) for body in bodies]


def replace_bodies(stripped: Sequence[Stripped], bounds: Bounds, now: datetime) -> Removed:
    """Put bodies without files in the place of whole ones."""
    # A person who has a mail tried again locks its body too: whoever comes second sees what the first one did.
    ids = [one.pk for one in stripped]
    locked = Body.objects.filter(pk__in=ids, attached_size__gt=0).order_by("pk").select_for_update(skip_locked=True)
    held = set(locked.values_list("pk", flat=True))
    may_go = set(Body.objects.filter(~Exists(young_contents(bounds.at_rest)), pk__in=held).values_list("pk", flat=True))
    for one in stripped:
        if one.pk in may_go:
            octets, packing = one.packed
            Body.objects.filter(pk=one.pk).update(
                octets=octets, packing=packing, attached_size=0, attachments_removed_at=now
            )
    return Removed(bodies=len(may_go))
