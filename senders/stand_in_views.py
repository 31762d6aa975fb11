"""Choosing and ordering the stand-ins of an account and of the system default."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from senders.models import Sender
from senders.stand_in_forms import StandInForm
from senders.stand_ins import chain_of, save_chain

ANCHOR = "#stand-ins"


@permission_required("senders.change_sender", raise_exception=True)
@require_POST
def save_own(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the stand-ins of an account by one step."""
    owner = get_object_or_404(Sender, pk=pk)
    _take_step(request, owner)
    return redirect(reverse("senders:edit", args=[pk]) + ANCHOR)


@permission_required("senders.set_default_sender", raise_exception=True)
@require_POST
def save_of_default(request: HttpRequest) -> HttpResponse:
    """Change the stand-ins of the system default by one step."""
    _take_step(request, None)
    return redirect(reverse("senders:list") + ANCHOR)


def _take_step(request: HttpRequest, owner: Sender | None) -> None:
    form = StandInForm(request.POST, owner=owner, chain=chain_of(owner))
    if form.is_valid():
        save_chain(owner, form.changed_chain())
        messages.success(request, _("Stand-ins saved."))
    elif form.non_field_errors():
        messages.error(request, str(form.non_field_errors()[0]))
    else:
        messages.error(request, _("That account was deleted meanwhile. Choose another one."))
