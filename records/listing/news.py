"""What came to the list since it was shown: asked for quietly by the page, in a query that reads little.

A record takes its place by when its try began, and is written when that ended: what is new need not come first. So the
page says how many it showed beyond a place in the list, and is told how many more there are by now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse, HttpResponseBadRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from records.clock import database_now
from records.forms import find_filters
from records.paging import Position, find_position
from records.search.finding import find_since

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.http import HttpRequest

    from records.filters import RecordFilters
    from records.paging import Page
    from records.search.plans import Found

MAX_NEWS = 100
"""So many are counted; more are "more than 100"."""
LATE = timedelta(minutes=15)
"""A record may be written so long after its try began: what began earlier is no news any more.

A server may take ten minutes to answer the end of a mail (RFC 5321, section 4.5.3.2.6). Asking reads that time only,
though the newest record that a filter keeps may be a year old.
"""
SEEN_HEADER = "Mailbox-Seen"
"""Tells the page from where to ask next time, where nothing came."""
MAX_SEEN = 5_000
"""More than any page shows: nobody is to ask for more by hand."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How many records beyond a place were seen; in an address the place, a hyphen, the number."""

    place: Position
    number: int

    @classmethod
    def beyond(cls, place: Position, positions: Iterable[Position]) -> Seen:
        """Count those that are newer than a place."""
        return cls(place, sum(1 for each in positions if each.is_newer_than(place)))

    def __str__(self) -> str:
        """Write it as it stands in an address."""
        return f"{self.place}-{self.number}"

    def now_that(self, found: Found, now: datetime) -> Seen:
        """Return it when no more than those were found: what was looked through need not be looked through again."""
        if found.stopped_at:
            return Seen(found.stopped_at, max(self.number - len(found.positions), 0))
        return Seen.beyond(_later(self.place, _recent(now)), found.positions)


def find_seen(text: str) -> Seen | None:
    """Read it from an address; None where it is none, whatever was typed there."""
    place, _hyphen, number = text.rpartition("-")
    position = find_position(place)
    if position is None or not re.fullmatch(r"[0-9]{1,4}", number) or int(number) > MAX_SEEN:
        return None
    return Seen(position, int(number))


def find_news_url(filters: RecordFilters, page: Page, tries: Iterable[Position], now: datetime) -> str:
    """Return where the newest page asks what came since; empty for an older page, which does not ask.

    Args:
        filters: Those of the list.
        page: What is shown of it.
        tries: Those that it shows, also where several are one line.
        now: When that was found, by the database's clock.
    """
    if page.newer is not None:
        return ""
    seen = Seen.beyond(_later(page.older, _recent(now)) if page.older else _recent(now), tries)
    return f"{reverse('records:news')}?{urlencode({**filters.as_parameters(), 'seen': str(seen)})}"


def _recent(now: datetime) -> Position:
    return Position(now - LATE, 0)


def _later(one: Position, other: Position) -> Position:
    return one if one.is_newer_than(other) else other


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@never_cache
def tell_news(request: HttpRequest) -> HttpResponse:
    """Say how many records came since the page was shown, in words; nothing where none came."""
    filters = find_filters(request.GET.urlencode(), request.user)
    seen = find_seen(request.GET.get("seen", ""))
    if filters is None or seen is None:
        return HttpResponseBadRequest()
    found = find_since(filters, seen.place, seen.number + MAX_NEWS + 1)
    number = len(found.positions) - seen.number
    if number <= 0:
        return HttpResponse(status=204, headers={SEEN_HEADER: str(seen.now_that(found, database_now()))})
    words = ngettext("%(number)s new record", "%(number)s new records", number) % {"number": number}
    if number > MAX_NEWS:
        words = _("More than 100 new records")
    return HttpResponse(words, content_type="text/plain; charset=utf-8")
