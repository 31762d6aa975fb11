"""Times on every page are those of the reader."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from records.listing.preferences import find_time_zone


class TimeZoneMiddleware:
    """Answer each request in the time zone of whoever is signed in: the chosen one, the browser's, or the system's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Remember what answers."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; threads are used again, so the zone is taken back afterwards."""
        zone = find_time_zone(request.user) if request.user.is_authenticated else None
        with timezone.override(zone):
            return self.get_response(request)
