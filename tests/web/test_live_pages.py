"""Pages that follow by themselves: the focus stays where it was, since what may have it is named."""

import re
from uuid import uuid4

import pytest
from django.test import Client

from delivery.control import bulk
from delivery.control.selection import MailFilters, MailGroup
from records.clock import database_now
from records.export.models import ExportOrder
from records.interventions import Deed
from tests.delivery.engine.scenes import make_sender
from tests.delivery.resending.scenes import order
from tests.people import client_of
from tests.web.checking import MAILBOX, administrator

pytestmark = pytest.mark.django_db(transaction=True)

_MAY_HAVE_FOCUS = re.compile(r"<(?:a|button)\b[^>]*>")


@pytest.fixture
def admin() -> Client:
    return client_of(administrator())


def parts_of(admin: Client, *pages: str) -> list[str]:
    """Ask for the parts of pages that change."""
    return [admin.get(f"{MAILBOX}{page}", headers={"HX-Request": "true"}).content.decode() for page in pages]


def assert_named(parts: list[str]) -> None:
    found = [_MAY_HAVE_FOCUS.findall(part) for part in parts]
    assert all(found), "a part without any link or button proves nothing"
    assert [tag for tags in found for tag in tags if " id=" not in " ".join(tag.split())] == []


def test_in_what_is_sent_again(admin: Client) -> None:
    make_sender()
    work = order()
    assert_named(parts_of(admin, "queue/", "send-again/orders/", f"send-again/orders/{work.pk}/"))


def test_in_what_is_done_to_many_mails(admin: Client) -> None:
    make_sender()
    work = bulk.begin(Deed.RETRY, MailFilters(group=MailGroup.FAILED), "admin", person=administrator())
    assert_named(parts_of(admin, "queue/", f"queue/deeds/{work.pk}/"))


def test_in_exports(admin: Client) -> None:
    for _ in range(2):
        admin.post(f"{MAILBOX}exports/new/", {"kind": "csv", "ticket": str(uuid4()), "time_zone": "UTC"})
    done, going = ExportOrder.objects.order_by("pk")
    ExportOrder.objects.filter(pk=done.pk).update(state="ready", finished_at=database_now())
    assert_named(parts_of(admin, "exports/", f"exports/{going.pk}/"))
