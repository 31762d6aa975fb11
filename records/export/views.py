"""Handing over the filtered records as a file."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import permission_required
from django.http import StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from records.export.csv_file import stream_csv
from records.export.orders import NEEDED
from records.export.reading import Export
from records.export.xlsx_file import stream_xlsx
from records.export.xlsx_parts import CONTENT_TYPE as XLSX
from records.filters import NEEDED_FOR_SUBJECTS, RecordFilters, list_shortcuts
from records.forms import FilterForm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpRequest, HttpResponseBase

logger = logging.getLogger(__name__)


@permission_required(NEEDED, raise_exception=True)
@require_safe
@never_cache
def export_csv(request: HttpRequest) -> HttpResponseBase:
    """Stream the filtered records as CSV."""
    return _export(request, stream_csv, "csv", "text/csv; charset=utf-8")


@permission_required(NEEDED, raise_exception=True)
@require_safe
@never_cache
def export_xlsx(request: HttpRequest) -> HttpResponseBase:
    """Stream the filtered records as a workbook."""
    return _export(request, stream_xlsx, "xlsx", XLSX)


def _export(
    request: HttpRequest,
    stream: Callable[[Export], Iterator[str]] | Callable[[Export], Iterator[bytes]],
    ending: str,
    content_type: str,
) -> HttpResponseBase:
    form = FilterForm(request.GET, person=request.user)
    if not form.is_valid():
        context = {"form": form, "shortcuts": list_shortcuts(RecordFilters())}
        return render(request, "records/list.html", context, status=400)
    export = Export.of(form.filters(), with_subjects=request.user.has_perm(NEEDED_FOR_SUBJECTS))
    logger.info("records are exported", extra={"by": request.user.get_username(), "file": ending})
    return StreamingHttpResponse(
        stream(export),
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{_name()}.{ending}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _name() -> str:
    return f"mail-sending-record-{timezone.localtime():%Y%m%d-%H%M%S}"
