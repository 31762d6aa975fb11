"""The mails in the queue: listed, and dealt with many at once or one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from delivery.control import bulk
from delivery.control.counting import MAX_COUNTED
from delivery.control.forms import QueueFilterForm
from delivery.control.paging import get_mail_page
from delivery.control.selection import GROUPS_OF, NEEDED_FOR, MailFilters, count_up_to
from delivery.control.single import do_to_mail
from delivery.control.wording import WORDS, tell_result
from delivery.shown_zone import zone_in_force
from delivery.views.queue import way_back, work_at
from delivery.views.works import may_stop, show_anew
from records.clock import database_now
from records.interventions import BulkIntervention, BulkState, Deed
from records.keeping.gone import tell_gone
from records.models import Content, Mail
from records.paging import find_position
from records.viewing.missing import answer_missing_mail
from senders.sentences import join_sentences

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

PAGE_SIZE = 50
FIRST_SHOWN = 10
"""Mails that the page shows on which a deed is confirmed."""
DECISIONS = (Deed.ARRIVED, Deed.SEND_AGAIN, Deed.GIVE_UP)


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@gzip_page
@never_cache
@vary_on_headers("HX-Request")
def list_mails(request: HttpRequest) -> HttpResponse:
    """Show one page of the mails that the filters keep; only the results where htmx asks."""
    form = QueueFilterForm(request.GET, person=request.user)
    template = "delivery/_queued.html" if _wants_part(request) else "delivery/queued.html"
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        after, before = (find_position(request.GET.get(name, "")) for name in ("after", "before"))
        filters = form.filters()
        context |= {"page": get_mail_page(filters, PAGE_SIZE, after=after, before=before), **_counted(filters)}
    return render(request, template, context)


def _counted(filters: MailFilters) -> dict[str, object]:
    total = count_up_to(filters.find(), MAX_COUNTED + 1)
    return {"filters": filters, "total": min(total, MAX_COUNTED), "total_is_capped": total > MAX_COUNTED}


def _wants_part(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@gzip_page
@never_cache
@vary_on_headers("HX-Request")
def show_mail(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Show how one mail stands, and what can be done to it."""
    mail = Mail.objects.select_related("sender").filter(pk=mail_id).first()
    if mail is None:
        return answer_missing_mail(request, mail_id)
    context = {
        "mail": mail,
        "receivers": mail.receivers.all()[:100],
        "receivers_in_all": mail.receivers.count(),
        "interventions": mail.interventions.all()[:100],
        "record": mail.records.order_by("-pk").first(),
        "has_content": Content.objects.filter(mail=mail).exists(),
        "gone": tell_gone(mail),
    }
    return render(request, "delivery/_mail_drawer.html" if _wants_part(request) else "delivery/mail.html", context)


@permission_required(NEEDED_FOR[Deed.CANCEL], raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def cancel_many(request: HttpRequest) -> HttpResponse:
    """Ask before waiting mail is cancelled, or cancel it."""
    return _deal_with_many(request, (Deed.CANCEL,))


@permission_required(NEEDED_FOR[Deed.SEND_NOW], raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def send_many_now(request: HttpRequest) -> HttpResponse:
    """Ask before waiting mail becomes due at once, or let it."""
    return _deal_with_many(request, (Deed.SEND_NOW,))


@permission_required(NEEDED_FOR[Deed.RETRY], raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def retry_many(request: HttpRequest) -> HttpResponse:
    """Ask before failed or cancelled mail is tried again, or try it."""
    return _deal_with_many(request, (Deed.RETRY,))


@permission_required(NEEDED_FOR[Deed.ARRIVED], raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def decide_many(request: HttpRequest) -> HttpResponse:
    """Ask what shall become of mail that may have arrived, or do it."""
    return _deal_with_many(request, DECISIONS)


def _deal_with_many(request: HttpRequest, deeds: tuple[Deed, ...]) -> HttpResponse:
    """Show exactly what would be done to which mails, or begin to do it.

    The filters stand in the address in both cases, so that what is done is what was shown, less what moved on.
    """
    form = QueueFilterForm(request.GET, person=request.user)
    if not form.is_valid():
        return render(request, "delivery/queued.html", {"form": form})
    filters = _in_group_of(deeds[0], form.filters())
    deed = _chosen(request, deeds)
    if request.method == "POST" and deed:
        return _begin(request, deed, filters) if _means_what_was_shown(request, filters) else show_anew(request)
    # Before anything is read: what comes to the group later was not shown.
    as_of, up_to = database_now(), bulk.find_last_id()
    mails = get_mail_page(filters, FIRST_SHOWN).mails
    context = {
        "deeds": [(each, WORDS[each]) for each in deeds],
        "words": WORDS[deeds[0]],
        "question": WORDS[deeds[0]].question if len(deeds) == 1 else _("Decide about mail that may have arrived"),
        "mails": mails,
        "up_to": up_to,
        "as_of": as_of.isoformat(),
        "time_zone": zone_in_force(),
        "must_choose": request.method == "POST",
        **_counted(filters),
    }
    return render(request, "delivery/deed.html", context)


def _means_what_was_shown(request: HttpRequest, filters: MailFilters) -> bool:
    """Tell whether the days of the filters, if there are any, are those of the page on which it was confirmed."""
    has_days = filters.accepted_from or filters.accepted_before
    return not has_days or request.POST.get("time_zone") == zone_in_force()


def _in_group_of(deed: Deed, filters: MailFilters) -> MailFilters:
    groups = GROUPS_OF[deed]
    return filters if filters.group in groups else replace(filters, group=groups[0])


def _chosen(request: HttpRequest, deeds: tuple[Deed, ...]) -> Deed | None:
    """Read which of the deeds was chosen; None where none was."""
    asked = request.POST.get("deed", "")
    return Deed(asked) if asked in deeds else None


def _begin(request: HttpRequest, deed: Deed, filters: MailFilters) -> HttpResponse:
    up_to = request.POST.get("up_to", "")
    up_to_id = int(up_to) if up_to.isascii() and up_to.isdecimal() and len(up_to) < 19 else None
    assert isinstance(request.user, User)
    filters = replace(filters, as_of=_read_moment(request.POST.get("as_of", "")))
    work = bulk.begin(deed, filters, request.user.get_username(), person=request.user, up_to_id=up_to_id)
    if not work_at(work) or work.state != BulkState.DONE:
        return redirect("delivery:queue_work", work.pk)
    messages.success(request, tell_result(work))
    return redirect("delivery:queue")


def _read_moment(text: str) -> datetime | None:
    """Read a moment that the page wrote; None where it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def show_work(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a deed at many mails is."""
    work = _get_work(pk)
    context = {
        "work": work,
        "words": WORDS[Deed(work.deed)],
        "result": tell_result(work),
        "may_stop": work.is_unfinished and _may_stop(request, work),
    }
    return render(request, "delivery/_work.html" if _wants_part(request) else "delivery/work.html", context)


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_POST
@never_cache
def stop_work(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a deed at many mails: the rest of them stays as it was."""
    work = _get_work(pk)
    if not _may_stop(request, work):
        raise PermissionDenied
    if bulk.cancel(work, request.user.get_username()):
        messages.success(request, _("Stopped: the rest of the mails stays as it was."))
    else:
        messages.warning(request, _("Too late: it had ended already."))
    return redirect("delivery:queue_work", work.pk)


def _get_work(pk: int) -> BulkIntervention:
    """Get a deed that has a page; resuming has none, and is never stopped."""
    return get_object_or_404(BulkIntervention.objects.exclude(deed=Deed.PROLONG), pk=pk)


def _may_stop(request: HttpRequest, work: BulkIntervention) -> bool:
    return may_stop(request, work, NEEDED_FOR[Deed(work.deed)])


@permission_required("records.retry_mail", raise_exception=True)
@require_POST
@never_cache
def retry(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Try one failed or cancelled mail again."""
    return _deal_with_one(request, Deed.RETRY, mail_id)


@permission_required("records.retry_mail", raise_exception=True)
@require_POST
@never_cache
def send_now(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Let one waiting mail be due at once."""
    return _deal_with_one(request, Deed.SEND_NOW, mail_id)


@permission_required("records.decide_mail", raise_exception=True)
@require_POST
@never_cache
def decide(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Say what shall become of one mail that may have arrived."""
    deed = _chosen(request, DECISIONS)
    if deed is None:
        raise Http404
    return _deal_with_one(request, deed, mail_id)


def _deal_with_one(request: HttpRequest, deed: Deed, mail_id: int) -> HttpResponse:
    mail = get_object_or_404(Mail, pk=mail_id)
    if do_to_mail(deed, mail.pk, request.user.get_username()):
        messages.success(request, _say_done(deed))
    else:
        messages.warning(request, _say_not_done(mail))
    return HttpResponseRedirect(way_back(request))


def _say_not_done(mail: Mail) -> str:
    gone = tell_gone(mail) if mail.is_unsent else ""
    if gone:
        return join_sentences([_("Nothing was done."), gone])
    if mail.sender_id is None and (mail.is_unsent or mail.is_held):
        return _("Nothing was done: the sender account of this mail was deleted.")
    return _("Nothing was done: the mail stands elsewhere by now. See below how it stands.")


def _say_done(deed: Deed) -> str:
    return {
        Deed.RETRY: _("The mail is tried again, for whoever has not got it."),
        Deed.SEND_NOW: _("The mail waits no longer."),
        Deed.ARRIVED: _("The mail counts as sent."),
        Deed.SEND_AGAIN: _("The mail is sent again."),
        Deed.GIVE_UP: _("The mail counts as failed."),
    }[deed]
