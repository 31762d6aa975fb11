"""/metrics: for a scraper that shows the token, and for signed-in persons who may see alarms."""

import hmac

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from delivery.metrics.exposition import CONTENT_TYPE, write_metrics
from mailbox_admin.permissions import METRICS_PERMISSION

MIN_TOKEN_LENGTH = 16


@login_not_required
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Show the figures to who may see them. Without a token in the settings there is nothing here for strangers."""
    if "Authorization" in request.headers:
        return scrape(request)
    if request.user.is_authenticated:
        if not request.user.has_perm(METRICS_PERMISSION):
            raise PermissionDenied
        return _answer()
    if not settings.METRICS_TOKEN:
        raise Http404
    return _refuse()


@never_cache
def scrape(request: HttpRequest) -> HttpResponse:
    """Show the figures to a scraper that has the token; needs no session and no known host name."""
    if request.method not in {"GET", "HEAD"} or not _has_token(request):
        return _refuse()
    return _answer()


def _has_token(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    scheme, _space, shown = request.headers.get("Authorization", "").partition(" ")
    # An empty or short token must never open anything, whatever is shown.
    if len(token) < MIN_TOKEN_LENGTH or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(shown.strip().encode(), token.encode())


def _refuse() -> HttpResponse:
    return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"}, content_type="text/plain")


def _answer() -> HttpResponse:
    try:
        return HttpResponse(write_metrics(), content_type=CONTENT_TYPE)
    except DatabaseError:
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")
