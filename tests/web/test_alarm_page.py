"""The page of alarms and the banners in a real browser: readable for everyone, on a phone too, dark and light."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page
from pytest_django.fixtures import Settings

from records.alarms.enums import AlarmKind
from records.alarms.models import Alarm, WebhookCall
from senders.models import Sender
from tests.web.conftest import Violations, Visit

ALARMS = "/system/setting/mailbox/alarms/"
RECORDS = "/system/setting/mailbox/records/"
LONG = f"{'a-rather-long-department' * 2}@subsidiary.of.a.company.example.com"


@pytest.fixture
def filled(transactional_db: None, settings: Settings) -> None:
    """An open and a cleared alarm of every kind, about an account with a long address; a call that failed."""
    settings.MAILBOX_ALARM_WEBHOOK = "https://alerts.example.com/hook"
    settings.MAILBOX_ALARM_WEBHOOK_SECRET = "x" * 32
    now = timezone.now()
    sender = Sender.objects.create(address=LONG, display_name="Long", host="mail.example.com", login_method="none")
    for kind in AlarmKind:
        for cleared in (None, now):
            alarm = Alarm.objects.create(
                kind=kind, scope=sender.pk, sender=sender, sender_address=LONG, raised_at=now - timedelta(hours=1),
                cleared_at=cleared, began_at=now, amount=1234567, bound=5, reply="535 5.7.8 no " + "x" * 80,
            )  # fmt: skip
    WebhookCall.objects.create(
        id=uuid.uuid4(), alarm=alarm, event="raised", fault="certificate", created_at=now, due_at=now
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", [ALARMS, RECORDS])
@pytest.mark.usefixtures("filled")
def test_everyone_can_read_it(page: Page, visit: Visit, violations: Violations, theme: str, path: str) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    visit(path)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert violations() == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.usefixtures("filled")
def test_from_a_banner_to_all_alarms_to_the_account(page: Page, visit: Visit) -> None:
    visit(RECORDS)
    page.get_by_role("link", name="more alarms").click()
    page.wait_for_url(f"**{ALARMS}")
    page.locator(".alarm", has_text="can't be reached").get_by_role("link", name="Open the account").click()
    page.wait_for_url("**/senders/*/**")
    assert page.input_value("[name=address]") == LONG
