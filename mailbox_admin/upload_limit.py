"""How much anybody may send at once: Django writes uploaded files to the disk, also of those who never sign in."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _


class UploadLimitMiddleware:
    """Refuses what is far larger than any form may be, before a byte of it is read.

    What is only somewhat too large gets through, for a sentence beside the field that it belongs to.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next in the chain."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 413, or pass the request on."""
        if _announced_size(request) <= 2 * settings.MAILBOX_MAX_SIZE + settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return self.get_response(request)
        sentence = _("This is too large to be sent. Go back and choose smaller files.")
        return HttpResponse(sentence, status=413, content_type="text/plain; charset=utf-8")


def _announced_size(request: HttpRequest) -> int:
    """Read Content-Length; nothing is ever read of a request that announces no length."""
    announced: str = request.META.get("CONTENT_LENGTH") or ""
    return int(announced[:30]) if announced.isdecimal() else 0
