"""The engine's queries find unfinished mail by index, however much mail was sent before."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import QuerySet

from delivery.engine.claim import due_mail
from delivery.engine.fallback import mail_by_others
from delivery.engine.sweep import abandoned_mail, expired_mail, orphaned_mail
from records.clock import database_now
from records.models import Mail
from tests.delivery.engine.scenes import make_sender

pytestmark = pytest.mark.django_db(transaction=True)

FINISHED = 3000


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (
            lambda sender_id: due_mail(sender_id, database_now()).order_by("due_at", "pk")[:20],
            "unfinished_mail",
        ),
        (lambda _: orphaned_mail()[:100], "unfinished_mail"),
        (lambda _: expired_mail(database_now())[:100], "unfinished_mail"),
        (lambda _: abandoned_mail(database_now())[:100], "sending_mail_by_lease"),
    ],
    ids=["due", "orphaned", "expired", "abandoned"],
)
def test_finished_mail_costs_nothing(query: Callable[[int], QuerySet[Mail]], index: str) -> None:
    sender = make_sender()
    now = database_now()
    finished = {"sender": sender, "state": "sent", "accepted_at": now, "due_at": now, "expires_at": now}
    Mail.objects.bulk_create([Mail(finished_at=now, **finished) for _ in range(FINISHED)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert index in query(sender.pk).explain()


def test_waiting_mail_that_nobody_stands_in_for_costs_nothing() -> None:
    sender = make_sender()
    now = database_now()
    waiting = {"sender": sender, "accepted_at": now, "due_at": now, "expires_at": now}
    Mail.objects.bulk_create([Mail(**waiting) for _ in range(FINISHED)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert "mail_by_others_by_end" in mail_by_others().explain()
