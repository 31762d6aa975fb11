"""The composed bytes of mails: the one place that knows how they are stored."""

from collections.abc import Collection

from records.models import Content


def read_many(mail_ids: Collection[int]) -> dict[int, bytes]:
    """Read the bytes of mails, in one query; a mail without content is left out."""
    rows = Content.objects.filter(mail_id__in=mail_ids).values_list("mail_id", "mime")
    return {mail_id: bytes(mime) for mail_id, mime in rows}


def find_mime(mail_id: int) -> bytes | None:
    """Find the bytes of one mail; None where its content is not kept."""
    return read_many([mail_id]).get(mail_id)
