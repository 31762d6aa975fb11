"""Sending the mails of the filtered records again: asked for, followed, cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required, user_passes_test
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from delivery.resending import orders
from delivery.resending.ending import NEEDED, find_left_out
from delivery.resending.forms import Destination, ResendingForm
from delivery.resending.meant import find_meant
from delivery.views.works import may_stop, render_list, render_part_or_page, tell_records
from delivery.wake import wake_for_resending
from records.filters import RecordFilters, list_shortcuts
from records.forms import FilterForm
from records.resending.enums import LeftOut
from records.resending.models import Resending
from senders.models import Sender

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest, HttpResponse

STOPPED_BY = ("records.cancel_mail",)
"""Who may stop the orders of others."""
FOLLOWED_BY = ("records.send_mail", *STOPPED_BY)
"""Who may see orders: whoever may give one, and whoever may stop them."""
PATIENCE = 1.0
"""Seconds that a person waits for an order; the rest of it goes on behind the scenes."""
MAX_LISTED = 50


@permission_required(NEEDED, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def send_many_again(request: HttpRequest) -> HttpResponse:
    """Show exactly which mails would go again to whom, or begin to send them.

    The filters stand in the address in both cases, with fixed days, so that what is done is what was shown.
    """
    filter_form = FilterForm(request.GET, person=request.user)
    if not filter_form.is_valid():
        context = {"form": filter_form, "shortcuts": list_shortcuts(RecordFilters())}
        return render(request, "records/list.html", context, status=400)
    filters = filter_form.filters()
    if request.method != "POST":
        if filters.range:
            # Confirmed after midnight, the page must not mean other days than it showed.
            return redirect(f"{request.path}?{filters.with_fixed_days().as_query()}")
        return _ask(request, filters, _fresh_form(request))
    form = ResendingForm(request.POST, person=request.user)
    if form.is_stale or filters.range:
        return _show_anew(request)
    if not form.is_valid():
        return _ask(request, filters, form)
    if form.is_for_another and not form.may_choose:
        raise PermissionDenied  # whoever gets a copy can read it
    return _begin(request, filters, form)


def _fresh_form(request: HttpRequest) -> ResendingForm:
    """Make the form of a new order, which ends at the records of now."""
    initial = {"destination": Destination.OWN, "ticket": uuid4(), "up_to": str(orders.find_end())}
    return ResendingForm(initial=initial, person=request.user)


def _ask(request: HttpRequest, filters: RecordFilters, form: ResendingForm) -> HttpResponse:
    meant = find_meant(filters, orders.find_end())
    is_too_many = len(meant.mail_ids) > settings.MAILBOX_MAX_RESENDS
    context = {
        "form": form,
        "meant": meant,
        "is_too_many": is_too_many,
        "can_go": meant.can_go and not is_too_many,
        "max_mails": settings.MAILBOX_MAX_RESENDS,
        "query": filters.as_query(),
    }
    return render(request, "delivery/send_again.html", context, status=400 if form.is_bound else 200)


def _begin(request: HttpRequest, filters: RecordFilters, form: ResendingForm) -> HttpResponse:
    assert isinstance(request.user, User)
    sender: Sender | None = form.cleaned_data["sender"]
    order = orders.Order(
        ticket=form.cleaned_data["ticket"],
        filters=filters,
        up_to=form.cleaned_data["up_to"],
        to=form.cleaned_data["to"],
        sender_id=sender.pk if sender else None,
        person=request.user,
        requester_ip=request.META.get("REMOTE_ADDR") or None,
    )
    try:
        work = orders.run(orders.give(order), seconds=PATIENCE)
    except orders.TicketTakenError:
        return _show_anew(request)
    if work.is_unfinished:
        wake_for_resending(work.pk)
    return redirect("delivery:resending", work.pk)


def _show_anew(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("The page was out of date, and nothing was sent. This is the present one."))
    return HttpResponseRedirect(request.get_full_path())


def _follows(person: User | AnonymousUser) -> bool:
    if any(map(person.has_perm, FOLLOWED_BY)):
        return True
    raise PermissionDenied


@permission_required("records.view_sendingrecord", raise_exception=True)
@user_passes_test(_follows)
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def list_orders(request: HttpRequest) -> HttpResponse:
    """List the latest orders, whoever gave them."""
    return render_list(request, "delivery/resendings.html", Resending.objects.all()[:MAX_LISTED], title=_("Sent again"))


@permission_required("records.view_sendingrecord", raise_exception=True)
@user_passes_test(_follows)
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def show_order(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far an order is, and what came of it."""
    work = get_object_or_404(Resending, pk=pk)
    left_out = list(find_left_out(work)[:MAX_LISTED])
    context = {
        "work": work,
        **tell_records(request, work),
        "sender": Sender.objects.filter(pk=work.sender_id).first() if work.sender_id else None,
        "reasons": [(LeftOut(reason).label, count) for reason, count in sorted(work.left_out.items())],
        "left_out": left_out,
        "more_left_out": work.left_out_in_all - len(left_out),
        "may_cancel": work.is_unfinished and may_stop(request, work, STOPPED_BY),
        "max_mails": settings.MAILBOX_MAX_RESENDS,
    }
    return render_part_or_page(request, "delivery/resending.html", context)


@permission_required("records.view_sendingrecord", raise_exception=True)
@user_passes_test(_follows)
@require_POST
@never_cache
def cancel_order(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop an order: the rest of its mails is not sent again."""
    work = get_object_or_404(Resending, pk=pk)
    if not may_stop(request, work, STOPPED_BY):
        raise PermissionDenied
    if orders.cancel(work, request.user.get_username()):
        messages.success(request, _("Stopped: no more of these mails is sent again."))
    else:
        messages.warning(request, _("Too late: it had ended already."))
    return redirect("delivery:resending", work.pk)
