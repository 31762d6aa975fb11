"""What a mail says: its content, its files, its source. Whoever looks is written down before it is shown."""

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from records.content import find_mime
from records.masking.models import Masking, SealedContent
from records.models import Mail
from records.preview import find_attachment, read_preview
from records.viewing.audit import note_view
from records.viewing.missing import answer_missing_content, answer_missing_file, answer_missing_mail
from records.viewing.models import Part

MAX_ENVELOPE = 100
"""Receivers that the envelope shows."""

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


@permission_required("records.view_content", raise_exception=True)
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def preview(request: HttpRequest, mail_id: int) -> HttpResponseBase:
    """Show what a mail says; with `?part=html` only its own HTML, for the sandboxed frame."""
    mail, mime = Mail.objects.filter(pk=mail_id).first(), find_mime(mail_id)
    if mail is None or mime is None:
        return _answer_missing(request, mail_id)
    content = read_preview(mime)
    note_view(request, mail_id, Part.CONTENT)
    if request.GET.get("part") == "html":
        return _show_html(request, content.html)
    is_part = bool(getattr(request, "htmx", False))
    context = {
        "mail": mail,
        "preview": content,
        "is_part": is_part,
        "envelope": mail.receivers.values_list("address", flat=True)[:MAX_ENVELOPE],
        "envelope_in_all": mail.receivers.count(),
        "masking": Masking.objects.filter(mail=mail).first(),
        "is_sealed": SealedContent.objects.filter(mail=mail).exists(),
    }
    return render(request, "records/_content.html" if is_part else "records/content.html", context)


def _show_html(request: HttpRequest, html: str) -> HttpResponseBase:
    @csp(FRAME_POLICY)
    @xframe_options_sameorigin
    def show(request: HttpRequest) -> HttpResponse:
        return render(request, "records/_frame.html", {"html": html})

    return show(request)


@permission_required("records.view_content", raise_exception=True)
@require_safe
@never_cache
def attachment(request: HttpRequest, mail_id: int, index: int) -> HttpResponse:
    """Hand over one attachment as a download, whatever it claims to be."""
    mail, mime = Mail.objects.filter(pk=mail_id).first(), find_mime(mail_id)
    if mail is None or mime is None:
        return _answer_missing(request, mail_id)
    found = find_attachment(mime, index)
    if found is None:
        files = {file.index: file for file in read_preview(mime).attachments}
        return answer_missing_file(request, mail, files.get(index))
    filename, content = found
    note_view(request, mail_id, Part.ATTACHMENT, filename, index)
    return _download(filename, content)


@permission_required("records.view_content", raise_exception=True)
@require_safe
@never_cache
def source(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Hand over the whole mail as it is sent, as a file for a mail program."""
    mime = find_mime(mail_id)
    if mime is None:
        return _answer_missing(request, mail_id)
    note_view(request, mail_id, Part.SOURCE)
    mark = "-masked" if Mail.objects.filter(pk=mail_id, has_secrets=True).exists() else ""
    return _download(f"mail-{mail_id}{mark}.eml", mime)


def _answer_missing(request: HttpRequest, mail_id: int) -> HttpResponse:
    mail = Mail.objects.filter(pk=mail_id).first()
    return answer_missing_content(request, mail) if mail else answer_missing_mail(request, mail_id)


def _download(filename: str, content: bytes) -> HttpResponse:
    """Answer with a file that no browser opens by itself."""
    response = HttpResponse(content, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=filename) or ""
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
