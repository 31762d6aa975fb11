"""Exporting the filtered records in the background: asked for, followed, cancelled, fetched."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from delivery.export_forms import ExportForm
from delivery.views.works import render_list, render_part_or_page, show_anew, tell_records
from delivery.wake import wake_for_export
from records.evidence.exporting import REMOVED, UNTIL
from records.evidence.keys import find_signing_key, text_of
from records.export import orders
from records.export.enums import FileKind
from records.export.models import ExportOrder
from records.export.orders import (
    MAX_COUNTED,
    MAX_UNFINISHED,
    NEEDED,
    Asked,
    TicketTakenError,
    TooManyExportsError,
)
from records.export.writing import MAX_STORED, find_room
from records.export.xlsx_parts import CONTENT_TYPE as XLSX
from records.filters import NEEDED_FOR_SUBJECTS, RecordFilters, list_shortcuts
from records.forms import FilterForm
from records.listing.active import list_active
from records.search.finding import count
from senders.exceptions import KeyringError

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

logger = logging.getLogger(__name__)

MAX_LISTED = 100
_TYPES = {
    FileKind.CSV: "text/csv; charset=utf-8",
    FileKind.XLSX: XLSX,
    FileKind.EVIDENCE: "application/jsonl; charset=utf-8",
}


@permission_required(NEEDED, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def order_export(request: HttpRequest) -> HttpResponse:
    """Show what would be exported, or begin to. The filters stand in the address in both cases, with fixed days."""
    filter_form = FilterForm(request.GET, person=request.user)
    if not filter_form.is_valid():
        context = {"form": filter_form, "shortcuts": list_shortcuts(RecordFilters())}
        return render(request, "records/list.html", context, status=400)
    filters = filter_form.filters()
    if request.method != "POST":
        if filters.range:
            # Confirmed after midnight, the page must not mean other days than it showed.
            return redirect(f"{request.path}?{filters.with_fixed_days().as_query()}")
        initial = {"kind": FileKind.CSV, "ticket": uuid4(), "since": filters.since, "until": filters.until}
        return _ask(request, filters, ExportForm(initial=initial))
    form = ExportForm(request.POST)
    if form.is_stale or filters.range:
        return show_anew(request)
    if form.is_valid() and find_room() <= 0:
        form.add_error(None, _("The files of all exports together take as much as they may. Remove one, or wait."))
    return _begin(request, filters, form) if form.is_valid() else _ask(request, filters, form)


def _begin(request: HttpRequest, filters: RecordFilters, form: ExportForm) -> HttpResponse:
    assert isinstance(request.user, User)
    try:
        order = orders.give(
            Asked(
                ticket=form.cleaned_data["ticket"],
                person=request.user,
                kind=FileKind(form.cleaned_data["kind"]),
                filters=form.narrow(filters),
            )
        )
    except TooManyExportsError:
        sentence = _("%(number)s exports of yours are not finished yet. Wait for one of them, or cancel it.")
        form.add_error(None, sentence % {"number": MAX_UNFINISHED})
        return _ask(request, filters, form)
    except TicketTakenError:
        return show_anew(request)
    wake_for_export(order.pk)
    return redirect("delivery:export_order", order.pk)


def _ask(request: HttpRequest, filters: RecordFilters, form: ExportForm) -> HttpResponse:
    total = count(filters, MAX_COUNTED)
    context = {
        "form": form,
        "filters": filters,
        "query": filters.as_query(),
        "active": list_active(filters, request.GET),
        "total": total.number,
        "total_is_at_least": total.is_at_least,
        "total_is_capped": total.is_at_least and total.number >= MAX_COUNTED,
        "time_zone": timezone.get_current_timezone_name(),
        "with_subjects": request.user.has_perm(NEEDED_FOR_SUBJECTS),
    }
    return render(request, "exports/new.html", context, status=400 if form.is_bound else 200)


@permission_required(NEEDED, raise_exception=True)
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def list_exports(request: HttpRequest) -> HttpResponse:
    """List a person's exports, the latest first; those of all to whoever may do everything."""
    return render_list(request, "exports/list.html", _find_orders(request)[:MAX_LISTED], title=_("Exports"))


@permission_required(NEEDED, raise_exception=True)
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def show_export(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far an export is, and lead to its file."""
    work = get_object_or_404(_find_orders(request), pk=pk)
    context = {
        "work": work,
        **tell_records(request, work),
        "public_key": _find_public_key(work),
        "covered_until": _find_moment(work, UNTIL),
        "removed_up_to": _find_moment(work, REMOVED),
        "max_gigabytes": MAX_STORED // 1_000_000_000,
    }
    return render_part_or_page(request, "exports/order.html", context)


@permission_required(NEEDED, raise_exception=True)
@require_POST
@never_cache
def cancel_export(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop an export, or remove its file."""
    work = get_object_or_404(_find_orders(request), pk=pk)
    if not orders.cancel(work, request.user.get_username()):
        messages.warning(request, _("Too late: it had ended already."))
    elif work.is_unfinished:
        messages.success(request, _("Cancelled: nothing more is written, and what was is removed."))
    else:
        messages.success(request, _("The file is removed."))
    return redirect("delivery:export_order", work.pk)


@permission_required(NEEDED, raise_exception=True)
@require_safe
@never_cache
def fetch_export(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hand over the file, piece by piece."""
    work = get_object_or_404(_find_orders(request), pk=pk)
    if not work.is_ready:
        raise Http404
    if work.with_subjects and not request.user.has_perm(NEEDED_FOR_SUBJECTS):
        raise PermissionDenied  # it was asked for while the person might
    logger.info("an export is fetched", extra={"export": work.pk, "by": request.user.get_username(), "file": work.kind})
    return StreamingHttpResponse(
        orders.read_file(work),
        content_type=_TYPES[FileKind(work.kind)],
        headers={
            "Content-Length": str(work.size),
            "Content-Disposition": f'attachment; filename="{work.file_name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _find_orders(request: HttpRequest) -> QuerySet[ExportOrder]:
    """Find the exports that a person may know of."""
    own = Q() if request.user.is_superuser else Q(person_id=request.user.pk)
    return ExportOrder.objects.filter(own).defer("progress")


def _find_public_key(work: ExportOrder) -> str:
    """Find the key that a file is signed with; empty where it is none, or the key is gone."""
    if work.kind != FileKind.EVIDENCE or not work.is_ready:
        return ""
    try:
        key = find_signing_key(work.progress["key"])
    except KeyringError:
        return ""
    return text_of(key.public_key()) if key else ""


def _find_moment(work: ExportOrder, name: str) -> datetime | None:
    """Find a moment that a file of evidence names; None where it names none, or is none."""
    if work.kind != FileKind.EVIDENCE or not work.is_ready:
        return None
    moment = work.progress.get(name)
    return datetime.fromisoformat(moment) if moment else None
