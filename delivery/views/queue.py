"""The queue: per account what waits, since when and why; pausing and resuming."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from delivery.control import bulk
from delivery.control.counting import MAX_COUNTED
from delivery.control.pausing import pause_everything, pause_sender, resume_everything, resume_sender
from delivery.control.queue import read_queue
from delivery.views.works import render_part_or_page
from delivery.wake import wake_for_deed
from senders.models import Sender

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from records.interventions import BulkIntervention

PATIENCE = 2.0
"""Seconds that a person waits for a deed at many mails; the rest of it goes on behind the scenes."""
_ALREADY = gettext_lazy("Nothing changed: it was paused before, or is being resumed right now.")


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@gzip_page
@never_cache
@vary_on_headers("HX-Request")
def show_queue(request: HttpRequest) -> HttpResponse:
    """Show the queue; only its part that changes where htmx asks."""
    return render_part_or_page(request, "delivery/queue.html", {"queue": read_queue(), "max_counted": MAX_COUNTED})


@permission_required("senders.pause_sender", raise_exception=True)
@require_POST
@never_cache
def pause_all(request: HttpRequest) -> HttpResponse:
    """Hold all mail."""
    if pause_everything(request.user.get_username()):
        messages.success(request, _("All sending is paused. Mail is accepted and waits."))
    else:
        messages.warning(request, _ALREADY)
    return HttpResponseRedirect(way_back(request))


@permission_required("senders.pause_sender", raise_exception=True)
@require_POST
@never_cache
def resume_all(request: HttpRequest) -> HttpResponse:
    """Let all mail flow again."""
    _resume(request, resume_everything(request.user.get_username()))
    return HttpResponseRedirect(way_back(request))


@permission_required("senders.pause_sender", raise_exception=True)
@require_POST
@never_cache
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Hold the mail of one account."""
    sender = get_object_or_404(Sender, pk=pk)
    if pause_sender(sender, request.user.get_username()):
        messages.success(request, _("%(sender)s is paused. Its mail is accepted and waits.") % {"sender": sender})
    else:
        messages.warning(request, _ALREADY)
    return HttpResponseRedirect(way_back(request))


@permission_required("senders.pause_sender", raise_exception=True)
@require_POST
@never_cache
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the mail of one account flow again."""
    _resume(request, resume_sender(get_object_or_404(Sender, pk=pk), request.user.get_username()))
    return HttpResponseRedirect(way_back(request))


def work_at(work: BulkIntervention) -> bool:
    """Work as long as a person waits for it; returns whether all is done. The rest goes on in a worker."""
    if bulk.run(work, seconds=PATIENCE).finished_at is not None:
        return True
    wake_for_deed(work.pk)
    return False


def _resume(request: HttpRequest, work: BulkIntervention | None) -> None:
    if work is not None and not work_at(work):
        messages.success(request, _("Resuming: the waiting mail gets the time of the pause back, then it flows."))
    else:
        messages.success(request, _("Resumed: mail flows again."))


def way_back(request: HttpRequest) -> str:
    """Choose the page to return to: where the click was made, or the queue."""
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return target
    return reverse("delivery:queue")
