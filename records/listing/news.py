"""What came to the list since it was shown: asked for quietly by the page, in a query that reads little."""

from datetime import datetime, timedelta

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from records.clock import database_now
from records.filters import RecordFilters
from records.forms import find_filters
from records.paging import Page, Position, find_position
from records.search.finding import find_page

MAX_NEWS = 100
"""So many are counted; more are "more than 100"."""
LATE = timedelta(minutes=2)
"""A record may be written so long after its try began: what began earlier is no news any more.

So asking reads the last minutes only, though the newest record that a filter keeps may be a year old.
"""
SEEN_HEADER = "Mailbox-Seen"
"""Tells the page from where to ask next time, where nothing came."""


def find_news_url(filters: RecordFilters, page: Page, now: datetime) -> str:
    """Return where the newest page asks what came since; empty for an older page, which does not ask.

    Args:
        filters: Those of the list.
        page: What is shown of it.
        now: When that was found, by the database's clock.
    """
    if page.newer is not None:
        return ""
    first = page.records[0] if page.records else None
    seen = _latest(_recent(now), Position(first.started_at, first.pk)) if first else _recent(now)
    return f"{reverse('records:news')}?{urlencode({**filters.as_parameters(), 'seen': str(seen)})}"


def _recent(now: datetime) -> Position:
    return Position(now - LATE, 0)


def _latest(*positions: Position) -> Position:
    return max(positions, key=lambda position: (position.started_at, position.record_id))


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@never_cache
def tell_news(request: HttpRequest) -> HttpResponse:
    """Say how many records came since the one that was seen, in words; nothing where none came."""
    filters = find_filters(request.GET.urlencode(), request.user)
    seen = find_position(request.GET.get("seen", ""))
    if filters is None or seen is None:
        return HttpResponseBadRequest()
    page = find_page(filters, MAX_NEWS, after=seen)
    number = sum(1 for each in page.records if (each.started_at, each.pk) > (seen.started_at, seen.record_id))
    if not number:
        return HttpResponse(status=204, headers={SEEN_HEADER: str(_latest(seen, _recent(database_now())))})
    is_more = page.newer is not None and number >= MAX_NEWS
    words = ngettext("%(number)s new record", "%(number)s new records", number) % {"number": number}
    return HttpResponse(_("More than 100 new records") if is_more else words, content_type="text/plain; charset=utf-8")
