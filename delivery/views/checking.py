"""Send Test Mail: streamed step by step to a script, or as one page to a browser without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from delivery.check.mends import find_mend, trust
from delivery.check.order import CheckOrder, order_check
from delivery.check.running import start_check
from delivery.check.slots import TooManyChecksError
from delivery.check.stream import Place, Report, report, stream
from delivery.forms import RecipientForm
from records.enums import Remedy
from senders.certificates import CertificateFacts, read_certificates
from senders.exceptions import SecretUnreadableError
from senders.forms import SenderForm
from senders.models import Sender
from senders.secrets import unseal
from senders.sentences import join_sentences
from senders.services import EDITED_FIELDS
from senders.views import render_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django import forms
    from django.http import QueryDict

NDJSON = "application/x-ndjson"
FORM_ID = "sender-form"
SEE_RECORDS = "records.view_sendingrecord"
FRAGMENT_HEADER = "X-Fragment"
"""Sent by a script that wants a part to put into the open page, in place of a page of its own."""


@dataclass(frozen=True, slots=True)
class Panel:
    """What the connection check beside a form shows after a request without scripts."""

    report: Report | None = None
    problem: str = ""
    """Why there was no check, where the fields do not say it."""
    certificate: CertificateFacts | None = None
    """The certificate that waits for a person's word."""
    place: Place | None = None


@permission_required(["senders.test_sender", "senders.add_sender"], raise_exception=True)
@require_POST
@never_cache
@sensitive_post_parameters("password", "trusted_certificates")
def check(request: HttpRequest) -> HttpResponseBase:
    """Test what stands in the form of a new account."""
    return _check_form(request, None)


@permission_required("senders.test_sender", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password", "trusted_certificates")
def check_saved(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Test an account: as its form has it where the form is sent along, or else as it is stored."""
    sender = get_object_or_404(Sender, pk=pk)
    if "host" in request.POST:
        return _check_edited(request, sender)
    return _check_stored(request, sender)


@permission_required("senders.change_sender", raise_exception=True)
def _check_edited(request: HttpRequest, sender: Sender) -> HttpResponseBase:
    return _check_form(request, sender)


def _check_form(request: HttpRequest, stored: Sender | None) -> HttpResponseBase:
    place = Place(check_url(stored), FORM_ID, shows_records=request.user.has_perm(SEE_RECORDS), keeps_note=True)
    if _is_trusted_unseen(request.POST):
        return _ask_to_compare(request, stored, place)
    typed = _mended(request.POST)
    form, recipient = SenderForm(typed, instance=stored), RecipientForm(typed)
    order = _order_form(request, form, recipient)
    if order is None:
        return _refuse_form(request, form, recipient)
    try:
        events = start_check(order)
    except TooManyChecksError:
        recipient.add_error(None, too_many())
        return _refuse_form(request, form, recipient, status=429)
    if _wants_lines(request):
        return _lines(stream(events, order, place))
    ended = report(events, order, place)
    return _show_form(request, typed, stored, Panel(report=ended, place=place))


def _order_form(request: HttpRequest, form: SenderForm, recipient: RecipientForm) -> CheckOrder | None:
    """Order the check of what was typed; None, with the reasons among the errors, where something is wrong."""
    if not all([form.is_valid(), recipient.is_valid()]):
        return None
    try:
        password = form.effective_password()
    except SecretUnreadableError:
        form.add_error("password", _("The stored password can't be read with this machine's keys. Type it again."))
        return None
    is_stored = _is_as_stored(form)
    sender = form.stored if is_stored and form.stored else form.unsaved_sender()
    return _order(request, sender, password, recipient, tests_saved_values=is_stored)


def _check_stored(request: HttpRequest, sender: Sender) -> HttpResponseBase:
    recipient = RecipientForm(request.POST or None)
    status, events = 200, None
    if recipient.is_valid():
        try:
            order = _order(request, sender, unseal(sender), recipient, tests_saved_values=True)
            events = start_check(order)
        except SecretUnreadableError:
            recipient.add_error(None, _("The stored password can't be read. Edit the account and type it again."))
        except TooManyChecksError:
            status = 429
            recipient.add_error(None, too_many())
    if events is None:
        if _wants_lines(request):
            return _errors(recipient)
        return _stored_page(request, sender, recipient, status=status)
    place = Place(
        check_url(sender), edit_url=_edit_url(request, sender), shows_records=request.user.has_perm(SEE_RECORDS)
    )
    if _wants_lines(request):
        return _lines(stream(events, order, place))
    ended = report(events, order, place)
    return _stored_page(request, sender, recipient, panel=Panel(report=ended, place=place))


def _order(
    request: HttpRequest, sender: Sender, password: str, recipient: RecipientForm, *, tests_saved_values: bool
) -> CheckOrder:
    return order_check(
        sender,
        password,
        recipient.cleaned_data["recipient"],
        tests_saved_values=tests_saved_values,
        requested_by=request.user.get_username(),
        requester_ip=request.META.get("REMOTE_ADDR") or None,
    )


def check_url(stored: Sender | None) -> str:
    """Tell where the form of an account is sent to be tested."""
    return reverse("delivery:check_saved", args=[stored.pk]) if stored else reverse("delivery:check")


def too_many() -> str:
    """Say that the limit of checks at once is reached."""
    return _("Other checks are still running. Wait until they have ended, at most half a minute, and test again.")


def _edit_url(request: HttpRequest, sender: Sender) -> str:
    may_edit = request.user.has_perm("senders.change_sender")
    return reverse("senders:edit", args=[sender.pk]) if may_edit else ""


def _is_as_stored(form: SenderForm) -> bool:
    """Tell whether a valid form holds what is stored, so that the result is a fact about the account."""
    if form.stored is None or form.cleaned_data["password"]:
        return False
    return all(getattr(form.stored, name) == form.cleaned_data[name] for name in EDITED_FIELDS)


def _mended(typed: QueryDict) -> QueryDict:
    """Apply the click that was made, if any, to what was typed."""
    mended = typed.copy()
    for name, value in _changes(typed).items():
        mended[name] = value
    return mended


def _changes(typed: QueryDict) -> Mapping[str, str]:
    key = typed.get("mend", "")
    if key == Remedy.TRUST_CERTIFICATE:
        return trust(typed.get("trusted_certificates", ""), typed.get("mend_certificate", ""))
    mend = find_mend(key)
    return mend.fields if mend else {}


def _is_trusted_unseen(typed: QueryDict) -> bool:
    return typed.get("mend") == Remedy.TRUST_CERTIFICATE and typed.get("mend_confirmed") != "yes"


def _ask_to_compare(request: HttpRequest, stored: Sender | None, place: Place) -> HttpResponse:
    """Show the certificate once more: it is trusted only when a person says so."""
    try:
        certificates = read_certificates(request.POST.get("mend_certificate", ""))
    except ValidationError:
        certificates = ()
    sentence = _("Compare the fingerprint first, then tick the box beside it.")
    panel = Panel(problem=sentence, certificate=next(iter(certificates), None), place=place)
    return _show_form(request, request.POST, stored, panel)


def _wants_lines(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "") == NDJSON


def _lines(lines: Iterable[bytes]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type=f"{NDJSON}; charset=utf-8")
    # A proxy that gathers the lines would show all steps at once, at the end.
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _errors(*refused: forms.BaseForm) -> JsonResponse:
    """Tell the script what is wrong. Under a status of failure the browser would complain in its console."""
    errors = {name: list(sentences) for form in refused for name, sentences in form.errors.items()}
    return JsonResponse({"errors": errors})


def _refuse_form(
    request: HttpRequest, form: SenderForm, recipient: RecipientForm, *, status: int = 200
) -> HttpResponse:
    if _wants_lines(request):
        return _errors(form, recipient)
    problem = join_sentences(sentence for sentences in recipient.errors.values() for sentence in sentences)
    return render_form(request, form, status=status, recipient=recipient, check=Panel(problem=problem))


def _show_form(request: HttpRequest, typed: QueryDict, stored: Sender | None, panel: Panel) -> HttpResponse:
    form = SenderForm.refilled(typed, instance=stored)
    return render_form(request, form, recipient=RecipientForm(initial=typed.dict()), check=panel)


def _stored_page(
    request: HttpRequest, sender: Sender, recipient: RecipientForm, *, panel: Panel | None = None, status: int = 200
) -> HttpResponse:
    is_fragment = FRAGMENT_HEADER in request.headers
    template = "delivery/_check_dialog.html" if is_fragment else "delivery/check_saved.html"
    return render(request, template, {"sender": sender, "recipient": recipient, "check": panel}, status=status)
