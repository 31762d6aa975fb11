"""The lists of mails are found by index, however much mail was sent before."""

import pytest
from django.db import connection

from delivery.control.paging import _Order
from delivery.control.selection import MailFilters, MailGroup
from records.clock import database_now
from records.models import Mail
from tests.delivery.engine.scenes import make_sender

pytestmark = pytest.mark.django_db(transaction=True)

SENT = 3000
INDEXES = {
    MailGroup.WAITING: "unfinished_mail",
    MailGroup.HELD: "held_mail_by_sender",
    MailGroup.FAILED: "unsent_mail_by_id",
    MailGroup.CANCELLED: "unsent_mail_by_id",
}


@pytest.mark.parametrize("group", list(MailGroup))
def test_sent_mail_costs_nothing(group: MailGroup) -> None:
    sender = make_sender()
    now = database_now()
    rows = {"sender": sender, "accepted_at": now, "due_at": now, "expires_at": now}
    Mail.objects.bulk_create([Mail(state="sent", finished_at=now, **rows) for _ in range(SENT)])
    for state in ("uncertain", "failed", "cancelled", "queued"):
        Mail.objects.create(state=state, finished_at=None if state == "queued" else now, **rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    listed = _Order(group).sort(MailFilters(group=group).find())
    assert INDEXES[group] in listed[:51].explain()
    assert listed.count() == 1
