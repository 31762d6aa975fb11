"""The overview page."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from records.keeping.completeness import find_latest_removed
from records.overview.accounts import list_accounts
from records.overview.chart import draw
from records.overview.figures import sum_up
from records.overview.spans import Span, Window, find_window
from records.rollups import keys
from records.rollups.reading import find_first_hour, read_sums, read_totals
from records.waiting import find_waiting

_USUAL = Span.MONTH


@dataclass(frozen=True, slots=True)
class SpanChoice:
    """A span that one can look back."""

    span: Span
    is_current: bool


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@gzip_page
@never_cache
def show_overview(request: HttpRequest) -> HttpResponse:
    """Show what happened to mail lately, and how things stand."""
    context: dict[str, object] = {
        "accounts": list_accounts() if request.user.has_perm("senders.view_sender") else None,
        "waiting": find_waiting(),
    }
    if find_first_hour():
        asked = request.GET.get("span", "")
        context |= _figures(Span(asked) if asked in Span.values else _USUAL)
    return render(request, "records/overview/overview.html", context)


def _figures(span: Span) -> dict[str, object]:
    window = find_window(span, timezone.now())
    return {
        "span": span,
        "spans": [SpanChoice(each, is_current=each is span) for each in Span],
        "summary": sum_up(read_sums(window.since), window),
        "chart": draw(read_totals(window.bounds), window),
        "time_zone": timezone.get_current_timezone_name(),
        "removed_up_to": _find_removed(window),
        "most_new_values": keys.MOST_NEW_VALUES,
    }


def _find_removed(window: Window) -> datetime | None:
    """Find up to when records were removed, where the sums of the window still tell of them."""
    latest = find_latest_removed()
    return latest if latest is not None and latest >= window.since else None
