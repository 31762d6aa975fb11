"""The pages of the mail sending record: list, detail, content."""

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from records.content import find_mime
from records.filters import RecordFilters, list_shortcuts
from records.forms import FilterForm
from records.models import Content, Mail, SendingRecord
from records.paging import find_position, get_page
from records.preview import find_attachment, read_preview
from records.story import find_duration, find_explanation, tell_story
from records.waiting import find_waiting
from senders.models import Sender

PAGE_SIZE = 50
MAX_COUNTED = 10_000
MAX_RESENDS = 20
"""Copies that a mail's page names."""
MAX_INTERVENTIONS = 100
"""What people did to a mail, as far as its page tells."""

# A mail's own HTML: nothing is loaded, nothing runs, and the frame has an origin of its own.
FRAME_POLICY: dict[str, list[str] | bool] = {
    "default-src": [NONE],
    "img-src": ["data:"],
    "style-src": [UNSAFE_INLINE],
    "frame-ancestors": [SELF],
    "base-uri": [NONE],
    "form-action": [NONE],
    "sandbox": True,
}


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@gzip_page
@never_cache
@vary_on_headers("HX-Request")
def list_records(request: HttpRequest) -> HttpResponse:
    """Show one page of the records that the filters keep; only the results where htmx asks."""
    form = _filter_form(request)
    template = "records/_results.html" if _wants_part(request) else "records/list.html"
    if not form.is_valid():
        return render(request, template, {"form": form, "shortcuts": list_shortcuts(RecordFilters())})
    filters = form.filters()
    return render(request, template, {"form": form, **_results(request, filters)})


def _results(request: HttpRequest, filters: RecordFilters) -> dict[str, object]:
    records = filters.apply(SendingRecord.objects.all())
    before, after = (find_position(request.GET.get(name, "")) for name in ("before", "after"))
    page = get_page(records, PAGE_SIZE, before=before, after=after)
    total = records.count_up_to(MAX_COUNTED + 1)
    return {
        "filters": filters,
        "shortcuts": list_shortcuts(filters),
        "page": page,
        "total": min(total, MAX_COUNTED),
        "total_is_capped": total > MAX_COUNTED,
        "time_zone": timezone.get_current_timezone_name(),
        "waiting": find_waiting(),
    }


def _filter_form(request: HttpRequest) -> FilterForm:
    senders = {*SendingRecord.objects.list_known("sender_address"), *Sender.objects.values_list("address", flat=True)}
    return FilterForm(request.GET, senders=senders, templates=SendingRecord.objects.list_known("template_name"))


def _wants_part(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@gzip_page
@never_cache
@vary_on_headers("HX-Request")
def show_record(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one try, the whole story of its mail, and what can be done next."""
    record = get_object_or_404(SendingRecord.objects.select_related("mail__resend_of", "mail__stands_in_for"), pk=pk)
    context = {
        "record": record,
        "mail": record.mail,
        "duration": find_duration(record),
        "entry": find_explanation(record),
        "story": tell_story(record.mail),
        "resends": record.mail.resends.order_by("pk").values_list("pk", flat=True)[:MAX_RESENDS],
        "interventions": record.mail.interventions.all()[:MAX_INTERVENTIONS],
        "has_content": Content.objects.filter(mail=record.mail).exists(),
    }
    return render(request, "records/_drawer.html" if _wants_part(request) else "records/detail.html", context)


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@never_cache
def find_record(_request: HttpRequest, mail_id: int) -> HttpResponse:
    """Lead to the latest try of a mail; to the list, which says so, where there is none yet or any more."""
    record = SendingRecord.objects.filter(mail_id=mail_id).order_by("-pk").first()
    if record is None:
        return redirect(f"{reverse('records:list')}?mail={mail_id}")
    return redirect("records:detail", record.pk)


@permission_required("records.view_content", raise_exception=True)
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def preview(request: HttpRequest, mail_id: int) -> HttpResponseBase:
    """Show what a mail says; with `?part=html` only its own HTML, for the sandboxed frame."""
    mail = get_object_or_404(Mail, pk=mail_id)
    content = read_preview(_mime_of(mail_id))
    if request.GET.get("part") == "html":
        return _show_html(request, content.html)
    template = "records/_content.html" if _wants_part(request) else "records/content.html"
    return render(request, template, {"mail": mail, "preview": content})


def _show_html(request: HttpRequest, html: str) -> HttpResponseBase:
    @csp(FRAME_POLICY)
    @xframe_options_sameorigin
    def show(request: HttpRequest) -> HttpResponse:
        return render(request, "records/_frame.html", {"html": html})

    return show(request)


@permission_required("records.view_content", raise_exception=True)
@require_safe
@never_cache
def attachment(_request: HttpRequest, mail_id: int, index: int) -> HttpResponse:
    """Hand over one attachment as a download, whatever it claims to be."""
    found = find_attachment(_mime_of(mail_id), index)
    if found is None:
        raise Http404
    filename, content = found
    response = HttpResponse(content, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=filename) or ""
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _mime_of(mail_id: int) -> bytes:
    mime = find_mime(mail_id)
    if mime is None:
        raise Http404
    return mime
