"""Detect settings: proposals in the open form for a script, or the form's page with them as buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from delivery.check.detection import Proposal, detect
from delivery.check.slots import SLOTS, TooManyChecksError
from delivery.views.checking import FRAGMENT_HEADER, too_many
from senders.enums import Encryption
from senders.forms import SenderForm
from senders.models import Sender
from senders.sentences import join_sentences
from senders.validators import parse_address
from senders.views import render_form

if TYPE_CHECKING:
    from collections.abc import Mapping


@permission_required("senders.test_sender", raise_exception=True)
@require_POST
@never_cache
@sensitive_post_parameters("password", "trusted_certificates")
def detect_settings(request: HttpRequest) -> HttpResponse:
    """Propose mail servers for the address in the form, or fill the one that was chosen into it."""
    stored = _stored(request)
    chosen = request.POST.get("use", "")
    if chosen:
        form = SenderForm.refilled(request.POST, instance=stored, changes=_read_choice(chosen))
        return render_form(request, form)
    try:
        address = parse_address(request.POST.get("address", ""))
        with SLOTS.held(request.user.get_username()):
            proposals = detect(address)
    except ValidationError as error:
        return _refuse(request, stored, join_sentences(error.messages), 200)
    except TooManyChecksError:
        return _refuse(request, stored, too_many(), 429)
    return _show(request, stored, proposals, address.domain)


def _stored(request: HttpRequest) -> Sender | None:
    """Find the account whose form was sent, which only those may see who may change it."""
    pk = request.GET.get("sender", "")
    needed = "senders.change_sender" if pk else "senders.add_sender"
    if not request.user.has_perm(needed):
        raise PermissionDenied
    return get_object_or_404(Sender, pk=pk) if pk.isdecimal() else None


def _read_choice(chosen: str) -> Mapping[str, str]:
    """Read `host port encryption`; what is no such choice changes nothing."""
    parts = chosen.split(" ")
    if len(parts) != 3 or parts[2] not in Encryption.values:
        return {}
    return dict(zip(("host", "port", "encryption"), parts, strict=True))


def _refuse(request: HttpRequest, stored: Sender | None, sentence: str, status: int) -> HttpResponse:
    if FRAGMENT_HEADER in request.headers:
        # For the script. Under a status of failure the browser would complain in its console.
        return JsonResponse({"errors": {"address": [sentence]}})
    form = SenderForm.refilled(request.POST, instance=stored)
    return render_form(request, form, status=status, detection={"problem": sentence})


def _show(request: HttpRequest, stored: Sender | None, proposals: tuple[Proposal, ...], domain: str) -> HttpResponse:
    detection = {"proposals": proposals, "domain": domain, "is_done": True}
    if FRAGMENT_HEADER in request.headers:
        return render(request, "delivery/_proposals.html", {"detection": detection, "sender": stored})
    return render_form(request, SenderForm.refilled(request.POST, instance=stored), detection=detection)
