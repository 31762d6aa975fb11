"""/livez and /readyz: for whatever watches the service. Neither needs a session, a sign-in or a known host name."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from kombu.exceptions import OperationalError

from mailbox_admin.celery import app
from mailbox_admin.metrics import scrape
from records.models import Heartbeat

METRICS = "/metrics"


@dataclass(frozen=True, slots=True)
class Readiness:
    """What /readyz tells. Only the database decides; without the broker mail goes out by the sweep."""

    database: str
    pending_migrations: int
    worker_seen_seconds_ago: float | None
    broker: str

    @property
    def is_ready(self) -> bool:
        """Tell whether requests should be sent here."""
        return self.database == "ok" and self.pending_migrations == 0

    def as_json(self) -> dict[str, str | int | float | bool | None]:
        """Write it as the answer of /readyz."""
        return {
            "ready": self.is_ready,
            "database": self.database,
            "pending_migrations": self.pending_migrations,
            "worker_seen_seconds_ago": self.worker_seen_seconds_ago,
            "broker": self.broker,
        }


@login_not_required
def livez(_request: HttpRequest) -> JsonResponse:
    """Answer as long as the process lives."""
    return JsonResponse({"alive": True})


@login_not_required
def readyz(_request: HttpRequest) -> JsonResponse:
    """Answer 503 while the database fails or lacks migrations, and 200 otherwise."""
    readiness = check_readiness()
    return JsonResponse(readiness.as_json(), status=200 if readiness.is_ready else 503)


def check_readiness() -> Readiness:
    """Ask the database and the broker."""
    try:
        pending, seen = count_pending_migrations(), _seconds_since_worker_was_seen()
    except DatabaseError:
        # Which error it was is for the log, not for whoever may ask without signing in.
        return Readiness("failing", 0, None, broker_state())
    return Readiness("ok", pending, seen, broker_state())


def count_pending_migrations() -> int:
    """Count the migrations that this code has and the database has not.

    Raises:
        DatabaseError: if the database does not answer.
    """
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _seconds_since_worker_was_seen() -> float | None:
    try:
        seen_at = Heartbeat.objects.filter(name="worker").values_list("seen_at", flat=True).first()
    except DatabaseError:
        return None  # its table is in a migration that is still pending
    return round((timezone.now() - seen_at).total_seconds(), 1) if seen_at else None


def broker_state() -> str:
    """Name the broker's state: `ok` or `unreachable`."""
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except (OperationalError, OSError):
        return "unreachable"
    return "ok"


class HealthMiddleware:
    """Answers health questions, and scrapers that show a token, before any other middleware is asked."""

    _views = {"/livez": livez, "/readyz": readyz}

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next in the chain."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a health question, or pass the request on."""
        shows_token = request.path_info == METRICS and "Authorization" in request.headers
        view = scrape if shows_token else self._views.get(request.path_info)
        return view(request) if view else self.get_response(request)
