"""The page of the mail sending record: one page of the list that the filters keep."""

import re
from dataclasses import replace
from typing import TypedDict

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from records.filters import RecordFilters, list_shortcuts
from records.forms import FilterForm
from records.listing.active import list_active, settle_query
from records.listing.around import Around, asking_for_around, read_around
from records.listing.choices import offer_choices
from records.listing.folding import Folded, find_folded_page
from records.listing.forms import name_new_view
from records.listing.news import find_news_url
from records.listing.preferences import Look, find_look, person_id, person_of
from records.listing.rows import Table, make_table
from records.listing.saved_views import list_views, write_query
from records.paging import Page, Position, find_position
from records.search.finding import Count, count, find_and_count, find_page
from records.statements import Question, fetch_together

PAGE_SIZE = 50
MAX_COUNTED = 10_000


class _Shown(TypedDict):
    """What a page of the list shows, by the names that templates know."""

    page: Page
    look: Look
    table: Table


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@gzip_page
@never_cache
@vary_on_headers("HX-Request")
def list_records(request: HttpRequest) -> HttpResponse:
    """Show one page of the records that the filters keep; only the results where htmx asks."""
    is_part = bool(getattr(request, "htmx", False))
    template = "records/_results.html" if is_part else "records/list.html"
    # What there is to choose from is asked for where the form is shown, and the form stays while results change.
    asking = asking_for_around(person_id(request), has_form=not is_part)
    form = FilterForm(request.GET, person=request.user)
    context: dict[str, object] = {"form": form, "is_part": is_part, "is_folded": _is_folded(request)}
    if not form.is_valid():
        offer_choices(form, read_around(fetch_together(*asking)).choices)
        response = render(request, template, {**context, "shortcuts": list_shortcuts(RecordFilters())})
        return _push_address(request, response, _filled(request.GET))
    filters = form.filters()
    settled = settle_query(request.GET, filters)
    if not is_part and request.GET.get("range") and not filters.range:
        # Named days won over it: the address must not go on saying both.
        return redirect(_address_of(settled))
    request.GET = settled  # type: ignore[assignment]  # what the page's links are made of
    if is_part and request.GET.get("part") == "rest":
        return render(request, "records/_rest_part.html", {**context, **_rest(request, filters)})
    results, around = _results(request, filters, asking)
    offer_choices(form, around.choices)
    return _push_address(request, render(request, template, {**context, **results}), settled)


def _push_address(request: HttpRequest, response: HttpResponse, query: QueryDict) -> HttpResponse:
    """Let the address bar tell what is filtered by, each step once: the form that asks sends all its fields."""
    if request.headers.get("HX-Trigger") == "filters":
        address = _address_of(query)
        is_there = request.headers.get("HX-Current-URL", "").endswith(address)
        response.headers["HX-Push-Url"] = "false" if is_there else address
    return response


def _filled(query: QueryDict) -> QueryDict:
    filled = query.copy()
    for name, value in query.items():
        if not value:
            del filled[name]
    return filled


def _address_of(query: QueryDict) -> str:
    return f"{reverse('records:list')}?{query.urlencode()}".removesuffix("?")


def _results(request: HttpRequest, filters: RecordFilters, asking: list[Question]) -> tuple[dict[str, object], Around]:
    before, after = (find_position(request.GET.get(name, "")) for name in ("before", "after"))
    if _is_folded(request):
        folded = find_folded_page(filters, PAGE_SIZE, before=before, after=after)
        total, around = count(filters, MAX_COUNTED), read_around(fetch_together(*asking))
    else:
        found = find_and_count(filters, PAGE_SIZE, MAX_COUNTED, before=before, after=after, beside=asking)
        folded, total, around = Folded(found.page, tries={}), found.count, read_around(found.beside)
    shown = _show(request, folded)
    views = list_views(around.views, write_query(filters, is_folded=_is_folded(request)))
    results = {
        "filters": filters,
        "query": filters.as_query(),
        "active": list_active(filters, request.GET),
        "views": views,
        "has_own_views": any(view.pk for view in views),
        "is_saved": any(view.is_current for view in views),
        "naming": name_new_view(),
        "news_url": find_news_url(filters, folded.page, folded.positions, around.now) if before is None else "",
        "shortcuts": list_shortcuts(filters),
        **shown,
        **_tell_total(total, None if _is_folded(request) or folded.page.newer else total.number),
        "lines": 0 if folded.page.newer or folded.page.older else len(folded.page.records),
        "time_zone": timezone.get_current_timezone_name(),
        "waiting": around.waiting,
    }
    return results, around


def _tell_total(total: Count, so_far: int | None) -> dict[str, object]:
    """Tell how many there are. `so_far`: where the page begins with the newest, what searching on will add to."""
    return {
        "total": total.number,
        "total_is_at_least": total.is_at_least,
        "total_is_capped": total.is_at_least and total.number >= MAX_COUNTED,
        "so_far": so_far,
    }


def _page(
    request: HttpRequest, filters: RecordFilters, *, before: Position | None, after: Position | None = None
) -> _Shown:
    if _is_folded(request):
        folded = find_folded_page(filters, PAGE_SIZE, before=before, after=after)
    else:
        folded = Folded(find_page(filters, PAGE_SIZE, before=before, after=after), tries={})
    return _show(request, folded)


def _show(request: HttpRequest, folded: Folded) -> _Shown:
    look = find_look(person_of(request))
    return {"page": folded.page, "look": look, "table": make_table(folded.page.records, look.columns, folded.tries)}


def _is_folded(request: HttpRequest) -> bool:
    return request.GET.get("fold") == "1"


def _rest(request: HttpRequest, filters: RecordFilters) -> dict[str, object]:
    """Search on where a page's search stopped: what is found joins the page that is shown already."""
    before, newer = (find_position(request.GET.get(name, "")) for name in ("before", "newer"))
    so_far = request.GET.get("so_far", "")
    request.GET = _without_rest(request.GET)  # type: ignore[assignment]  # what the links on from there are made of
    shown = _page(request, filters, before=before)
    page = shown["page"]
    if before and page.records and not before.is_newer_than(page.positions[0]):
        # Nothing older was there, so the search began anew: all of that is shown already.
        page, shown["table"] = Page([]), make_table([], shown["look"].columns)
    found = {**shown, "page": replace(page, newer=newer), "filters": filters}
    if not re.fullmatch(r"[0-9]{1,9}", so_far):
        return found
    total = Count(int(so_far) + len(page.records), is_at_least=page.older is not None)
    return {**found, **_tell_total(total, total.number)}


def _without_rest(query: QueryDict) -> QueryDict:
    """Leave out what asks for the rest of a page."""
    asked = query.copy()
    for name in ("part", "newer", "so_far"):
        asked.pop(name, None)
    return asked
