"""Writing a mail, sending one again, cancelling one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from delivery.acceptance import accept_mails
from delivery.control.deeds import note
from delivery.engine.cancel import CancelAnswer, cancel_mail
from delivery.exceptions import RequestRefusedError
from delivery.forms import ComposeForm, RequestForm, ResendForm
from delivery.resend import ContentGoneError, Original, read_original
from delivery.views.works import render_part_or_page
from records.clock import database_now
from records.enums import MailState
from records.interventions import Deed
from records.keeping.gone import tell_gone
from records.models import WAITING_STATES, Mail
from senders.models import Sender
from senders.validators import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest, HttpResponse

    from delivery.request import MailRequest


@permission_required("records.send_mail", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def compose(request: HttpRequest) -> HttpResponse:
    """Show an empty mail, or accept the one that was written."""
    if request.method != "POST":
        return _compose_page(request, ComposeForm())
    form = ComposeForm(request.POST, request.FILES)
    mail = _accept(request, form, form.as_request()) if form.is_valid() else None
    return _compose_page(request, form) if mail is None else redirect("delivery:accepted", mail.pk)


@permission_required("records.send_mail", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def resend(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Show to whom a mail would go again, or send it to them."""
    mail = get_object_or_404(Mail, pk=mail_id)
    try:
        original = read_original(mail)
    except ContentGoneError:
        context = {"mail": mail, "form": None, "why": tell_gone(mail)}
        return render(request, "delivery/resend.html", context, status=410)
    if request.method != "POST":
        return _resend_page(request, original, ResendForm(initial=_proposed(original)))
    form = ResendForm(request.POST)
    again = None
    if form.is_valid():
        asked = form.as_request(original.request)
        _require_permission_for_others(request, original, asked)
        again = _accept(request, form, asked, resend_of=mail)
    return _resend_page(request, original, form) if again is None else redirect("delivery:accepted", again.pk)


@permission_required("records.send_mail", raise_exception=True)
@require_safe
@never_cache
def accepted(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Show a mail that was accepted, until its first record says more; only its state where htmx asks."""
    mail = get_object_or_404(Mail.objects.prefetch_related("receivers"), pk=mail_id)
    is_own = mail.requested_by == request.user.get_username()
    if not is_own and not request.user.has_perm("records.view_sendingrecord"):
        raise PermissionDenied  # who got other people's mail stands in the record
    context = {
        "mail": mail,
        "record": mail.records.order_by("pk").first(),
        "may_cancel": mail.state in WAITING_STATES,
    }
    return render_part_or_page(request, "delivery/accepted.html", context)


@permission_required("records.cancel_mail", raise_exception=True)
@require_POST
@never_cache
def cancel(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Cancel a waiting mail, and say clearly whether that came in time."""
    mail = get_object_or_404(Mail, pk=mail_id)
    answer = cancel_mail(mail.pk)
    if answer is not CancelAnswer.TOO_LATE and mail.state != MailState.CANCELLED:
        note(Deed.CANCEL, [mail], request.user.get_username(), database_now())
    if answer is CancelAnswer.CANCELLED:
        messages.success(request, _("Cancelled: the mail is not sent to anyone who has not got it yet."))
    elif answer is CancelAnswer.TOO_LATE_FOR_TRY:
        messages.warning(request, _("Too late: its content is on the way. If this try fails, there is no other."))
    else:
        messages.warning(request, _("Too late: the mail had been dealt with already."))
    # Not `redirect`: that takes what stands in `next` for the name of a view.
    return HttpResponseRedirect(_way_back(request, mail))


def _accept(
    request: HttpRequest, form: RequestForm, asked: MailRequest, *, resend_of: Mail | None = None
) -> Mail | None:
    """Accept the mail; None, with the reason among the form's errors, where it is refused."""
    wanted = replace(
        asked,
        requested_by=request.user.get_username(),
        requester_ip=request.META.get("REMOTE_ADDR") or None,
        resend_of=resend_of,
    )
    try:
        return Mail.objects.get(pk=accept_mails([wanted])[0])
    except RequestRefusedError as error:
        form.refuse(error)
        return None


def _proposed(original: Original) -> dict[str, Any]:
    """Fill the form of a mail that goes again; the account of the original, while it may still send."""
    asked = original.request
    proposed: dict[str, Any] = {name: "\n".join(getattr(asked, name)) for name in ("to", "cc", "bcc")}
    sender = original.mail.stands_in_for or original.mail.sender
    if sender is not None and sender.is_enabled:
        proposed["sender"] = sender.pk
    return proposed


def _require_permission_for_others(request: HttpRequest, original: Original, asked: MailRequest) -> None:
    """Let only those send a mail to other people who may read it themselves."""
    known = _mailboxes(receiver.address for receiver in original.mail.receivers.all())
    if _mailboxes((*asked.to, *asked.cc, *asked.bcc)) - known and not request.user.has_perm("records.view_content"):
        raise PermissionDenied


def _mailboxes(addresses: Iterable[str]) -> set[str]:
    """Write addresses as the envelope does, in lower case: `faß.de` folds to `fass.de`, and is someone else's."""
    found = set()
    for address in addresses:
        try:
            found.add(parse_address(address).ascii.lower())
        except ValidationError:  # refused with its own sentence a moment later
            found.add(address)
    return found


def _way_back(request: HttpRequest, mail: Mail) -> str:
    """Choose the page to return to: where the click was made, or the mail's own."""
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return target
    record = mail.records.order_by("-pk").first()
    return reverse("records:detail", args=[record.pk]) if record else reverse("delivery:accepted", args=[mail.pk])


def _compose_page(request: HttpRequest, form: ComposeForm) -> HttpResponse:
    can_send = Sender.objects.enabled().exists()
    return render(request, "delivery/compose.html", {"form": form, "can_send": can_send})


def _resend_page(request: HttpRequest, original: Original, form: ResendForm) -> HttpResponse:
    context = {"mail": original.mail, "original": original, "form": form}
    return render(request, "delivery/resend.html", context)
