"""The pages of sender accounts: list, form, deletion, default, guides."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from senders.allowances import state_of
from senders.exceptions import SenderDisabledError
from senders.forms import DEFAULT_PORTS, DefaultSenderForm, SenderForm, preset_changes
from senders.guides import GUIDES, find_guide
from senders.listing import list_rows
from senders.models import Sender
from senders.presets import PRESETS, find_preset
from senders.services import delete_sender, set_default_sender
from senders.stand_ins import shown_chain

keeps_secrets = sensitive_post_parameters("password", "trusted_certificates")
"""For every view that reads a `SenderForm`: keeps what was typed out of error reports."""


@permission_required("senders.view_sender", raise_exception=True)
@require_safe
@gzip_page
def list_senders(request: HttpRequest) -> HttpResponse:
    """Show all accounts and the choice of the default among them."""
    rows = list_rows()
    enabled = [row.sender for row in rows if row.sender.is_enabled]
    return render(
        request,
        "senders/list.html",
        {
            "rows": rows,
            "default": next((row.sender for row in rows if row.sender.is_default), None),
            "enabled": enabled,
            "stand_ins": shown_chain(None, enabled),
        },
    )


@permission_required("senders.add_sender", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@keeps_secrets
def add(request: HttpRequest) -> HttpResponse:
    """Show an empty form, or add the account that was typed."""
    return _form_page(request, None)


@permission_required("senders.change_sender", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@keeps_secrets
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the form of an account, or save what was changed."""
    return _form_page(request, get_object_or_404(Sender, pk=pk))


@permission_required("senders.delete_sender", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what follows from deleting an account, and delete it when that is confirmed."""
    sender = get_object_or_404(Sender, pk=pk)
    if request.method != "POST":
        return render(request, "senders/delete.html", {"sender": sender})
    try:
        was_default = delete_sender(sender)
    except Sender.DoesNotExist as error:
        raise Http404 from error
    messages.success(request, _("%(sender)s deleted.") % {"sender": sender.display_name})
    if was_default:
        messages.warning(request, _("That was the system default sender: choose another one, or no mail is sent."))
    return redirect("senders:list")


@permission_required("senders.set_default_sender", raise_exception=True)
@require_POST
def save_default(request: HttpRequest) -> HttpResponse:
    """Make the chosen account the system default sender."""
    form = DefaultSenderForm(request.POST)
    sender = form.cleaned_data["sender"] if form.is_valid() else None
    if sender is None:
        messages.error(request, str(form.errors["sender"][0]))
        return redirect("senders:list")
    try:
        set_default_sender(sender)
    except (SenderDisabledError, Sender.DoesNotExist):
        messages.error(request, _("That account was disabled or deleted meanwhile. Choose another one."))
    else:
        messages.success(request, _("%(sender)s is the system default sender now.") % {"sender": sender.display_name})
    return redirect("senders:list")


@require_safe
@gzip_page
def guide(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the guide of one provider to anyone signed in; into the side panel where the page asks for it there."""
    found = find_guide(slug)
    if found is None:
        raise Http404
    beside = request.headers.get("HX-Target") == "drawer-content"
    template = "senders/_guide_drawer.html" if beside else "senders/guide.html"
    response = render(request, template, {"guide": found, "guides": GUIDES})
    response.headers["Vary"] = "HX-Target"
    return response


@gzip_page
def render_form(request: HttpRequest, form: SenderForm, *, status: int = 200, **extra: Any) -> HttpResponse:
    """Show the form page of an account, new or stored.

    Args:
        request: Of a person who may add or change accounts.
        form: Bound, refilled or fresh.
        status: Another than 200 only where the page can't be had now, such as 429. A form with errors is a page like
            any other: under a status of failure the browser would complain in its console.
        extra: Further variables of the page, for what other rooms include in it.
    """
    context = {
        "form": form,
        "sender": form.stored,
        "presets": PRESETS,
        "common_presets": [preset for preset in PRESETS if preset.is_common],
        "default_ports": DEFAULT_PORTS,
        "guides": GUIDES,
        "allowance": state_of(form.stored) if form.stored else None,
        "stand_ins": shown_chain(form.stored, Sender.objects.enabled()) if form.stored else None,
        **extra,
    }
    return render(request, "senders/form.html", context, status=status)


def _form_page(request: HttpRequest, sender: Sender | None) -> HttpResponse:
    if request.method != "POST":
        return render_form(request, SenderForm(instance=sender))
    preset = find_preset(request.POST.get("preset", ""))
    if preset is not None:
        changes = preset_changes(preset, request.POST.get("host", ""))
        return render_form(request, SenderForm.refilled(request.POST, instance=sender, changes=changes))
    form = SenderForm(request.POST, instance=sender)
    saved = form.store() if form.is_valid() else None
    return render_form(request, form) if saved is None else _saved(request, saved, is_new=sender is None)


def _saved(request: HttpRequest, sender: Sender, *, is_new: bool) -> HttpResponseRedirect:
    sentence = _("%(sender)s added.") if is_new else _("%(sender)s saved.")
    messages.success(request, sentence % {"sender": sender.display_name})
    return redirect("senders:list")
