"""The page of alarms: what is wrong now, what was, and whom the webhook told."""

from dataclasses import dataclass

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from delivery.alarms.banners import VIEW_PERMISSION, list_open, show
from delivery.alarms.history import get_history_page
from delivery.alarms.webhook.target import TargetError, is_configured, read_target
from records.alarms.models import WebhookCall
from records.paging import find_position

CALLS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Webhook:
    """What the page says of the webhook."""

    label: str
    """Scheme and host; the rest may hold a token."""
    problem: str
    """Why it can't be called; empty where it can."""
    calls: list[WebhookCall]


@permission_required(VIEW_PERMISSION, raise_exception=True)
@require_safe
@gzip_page
@never_cache
def list_alarms(request: HttpRequest) -> HttpResponse:
    """Show the open alarms, then those that are over."""
    before = find_position(request.GET.get("before", ""))
    page = get_history_page(before)
    context = {
        "open_alarms": list_open(request.user) if before is None else [],
        "history": [show(alarm, request.user) for alarm in page.alarms],
        "older": page.older,
        "is_first_page": before is None,
        "webhook": _describe_webhook(),
        "time_zone": timezone.get_current_timezone_name(),
    }
    return render(request, "delivery/alarms.html", context)


def _describe_webhook() -> Webhook | None:
    if not is_configured():
        return None
    calls = list(WebhookCall.objects.select_related("alarm").order_by("-created_at", "-pk")[:CALLS_SHOWN])
    try:
        return Webhook(read_target().label, "", calls)
    except TargetError as error:
        return Webhook("", str(error), calls)
