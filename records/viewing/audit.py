"""Noting that somebody looks at the content of a mail, before it is shown."""

from datetime import timedelta

from django.http import HttpRequest

from records.clock import database_now
from records.viewing.models import ContentView, Part

AGAIN = timedelta(minutes=1)
"""Looks of one person from one address at one part within this time count once."""


def note_view(request: HttpRequest, mail_id: int, part: Part, filename: str = "", index: int | None = None) -> None:
    """Write down who looks, unless that was done a moment ago. It is written before anything is sent.

    Args:
        request: Of a signed-in person.
        mail_id: The mail, which exists.
        part: What of it is shown.
        filename: Of an attachment.
        index: Of an attachment: several of a mail may have one name.
    """
    if request.method == "HEAD":  # nothing is shown
        return
    now = database_now()
    view = {
        "mail_id": mail_id,
        "part": part,
        "filename": filename[:255],
        "attachment_index": index,
        "viewed_by": request.user.get_username(),
        # A session that somebody else got hold of shows by its address.
        "viewer_ip": request.META.get("REMOTE_ADDR") or None,
    }
    if not ContentView.objects.filter(**view, viewed_at__gt=now - AGAIN).exists():
        ContentView.objects.create(**view, viewed_at=now)
