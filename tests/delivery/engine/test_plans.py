"""The engine's queries find unfinished mail by index, however much mail was sent before."""

from collections.abc import Callable
from datetime import timedelta

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
            lambda sender_id: due_mail(sender_id, database_now()).filter(priority=1).order_by("due_at", "pk")[:20],
            "unfinished_mail_by_sender",
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


@pytest.mark.parametrize("priority", [0, 1, 2])
def test_claiming_walks_along_the_index_without_sorting_however_much_waits(priority: int) -> None:
    sender = make_sender()
    now = database_now()
    waiting = {"sender": sender, "accepted_at": now, "due_at": now, "expires_at": now + timedelta(days=1)}
    Mail.objects.bulk_create([Mail(priority=number % 3, **waiting) for number in range(FINISHED)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    plan = due_mail(sender.pk, database_now()).filter(priority=priority).order_by("due_at", "pk")[:200].explain()
    assert "unfinished_mail_by_sender" in plan
    assert "SORT" not in plan.upper()
    assert "B-TREE" not in plan.upper()


def test_waiting_mail_that_nobody_stands_in_for_costs_nothing() -> None:
    sender = make_sender()
    now = database_now()
    waiting = {"sender": sender, "accepted_at": now, "due_at": now, "expires_at": now}
    Mail.objects.bulk_create([Mail(**waiting) for _ in range(FINISHED)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert "mail_by_others_by_end" in mail_by_others().explain()
