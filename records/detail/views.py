"""The page of one record, and the way to it from a mail."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from records.clock import database_now
from records.detail.account import find_account
from records.detail.halts import find_halt
from records.keeping.gone import tell_gone
from records.models import Content, Mail, SendingRecord
from records.paging import MAX_ID
from records.story import find_duration, find_explanation, tell_story
from records.timeline import draw_timeline
from records.viewing.missing import answer_missing_mail, answer_missing_record

MAX_RESENDS = 20
"""Copies that a mail's page names."""
MAX_DEEDS = 100
"""What people did to a mail, as far as its page tells."""
MAX_VIEWS = 50
"""Looks at the content that a mail's page tells of, the latest first."""


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@gzip_page
@never_cache
@vary_on_headers("HX-Request")
def show_record(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one try, the whole story of its mail, and what can be done next."""
    record = SendingRecord.objects.select_related("mail__resend_of", "mail__stands_in_for").filter(pk=pk).first()
    if record is None:
        return answer_missing_record(request, pk)
    mail, story = record.mail, tell_story(record.mail, record)
    context = {
        "record": record,
        "mail": mail,
        "account": find_account(record),
        "duration": find_duration(record),
        "entry": find_explanation(record),
        "story": story,
        "halt": find_halt(mail),
        "timeline": draw_timeline(mail, story, mail.interventions.all()[:MAX_DEEDS], database_now()),
        **_copies_of(mail),
        "has_content": Content.objects.filter(mail=mail).exists(),
        "gone": tell_gone(mail),
        **_views_of(request, mail),
    }
    is_part = bool(getattr(request, "htmx", False))
    return render(request, "records/_drawer.html" if is_part else "records/detail.html", context)


def _copies_of(mail: Mail) -> dict[str, object]:
    """Find the mails as which it was sent again, the first ones, and how many there are beside."""
    copies = mail.resends.order_by("pk").values_list("pk", flat=True)
    shown = list(copies[:MAX_RESENDS])
    return {"resends": shown, "more_resends": copies.count() - MAX_RESENDS if len(shown) == MAX_RESENDS else 0}


def _views_of(request: HttpRequest, mail: Mail) -> dict[str, object]:
    """Find who looked at the content, for those who may look themselves."""
    if not request.user.has_perm("records.view_content"):
        return {}
    views = list(mail.content_views.order_by("-viewed_at", "-pk")[: MAX_VIEWS + 1])
    return {"views": views[:MAX_VIEWS], "views_are_cut": len(views) > MAX_VIEWS}


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@never_cache
def find_record(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Lead to the latest try of a mail; to the list, which says so, where there is none yet."""
    if not 1 <= mail_id <= MAX_ID:
        return answer_missing_mail(request, mail_id)
    record = SendingRecord.objects.filter(mail_id=mail_id).order_by("-pk").first()
    if record is None and not Mail.objects.filter(pk=mail_id).exists():
        return answer_missing_mail(request, mail_id)
    if record is None:
        return redirect(f"{reverse('records:list')}?mail={mail_id}")
    return redirect("records:detail", record.pk)
