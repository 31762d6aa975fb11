"""The dashboard in a real browser: accessible, narrow and wide, by keyboard, without scripts, and the way to it."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from records.overview.spans import Span
from senders.models import Sender
from tests.people import sign_in
from tests.records.rows import make_record
from tests.web.conftest import Violations, Visit

OVERVIEW = "/system/setting/mailbox/overview/"


@pytest.fixture
def history(transactional_db: None) -> None:
    """Some tries of every result in every span, and an account."""
    Sender.objects.create(address="noreply@example.com", display_name="数据平台", host="mail.example.com")
    now = timezone.now()
    for hours in (0, 1, 30, 24 * 20, 24 * 80, 24 * 300):
        for outcome, cause in (("accepted", ""), ("refused", "mailbox_full"), ("unknown", "outcome-unknown")):
            make_record(
                started_at=now - timedelta(hours=hours),
                outcome=outcome,
                cause=cause,
                server="a-mail-server-of-a-long-name.example.com:587",
                template_name="每日汇总" * 12,
                sender_address=f"{'long' * 12}@example.com",
            )


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible_and_no_wider_than_the_window(
    page: Page, visit: Visit, violations: Violations, width: int, theme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    for span in Span:
        visit(f"{OVERVIEW}?span={span}")
        page.locator(".chart-figures summary").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations() == [], span


def test_it_is_accessible_with_nothing_in_it(page: Page, visit: Visit, violations: Violations) -> None:
    visit(OVERVIEW)
    assert violations() == []


def test_one_chart_is_shown_at_a_time(page: Page, visit: Visit, history: None) -> None:
    visit(OVERVIEW)
    for width, shown, hidden in ((1440, "wide", "narrow"), (390, "narrow", "wide")):
        page.set_viewport_size({"width": width, "height": 900})
        expect(page.locator(f".chart-{shown}")).to_be_visible()
        expect(page.locator(f".chart-{hidden}")).to_be_hidden()


def test_the_span_is_chosen_and_a_cause_followed_by_keyboard(page: Page, visit: Visit, history: None) -> None:
    visit(OVERVIEW)
    page.get_by_role("navigation", name="Look back").get_by_role("link", name="7 days").press("Enter")
    page.wait_for_url("**?span=7d")
    expect(page.get_by_role("heading", name="Tries per day")).to_be_visible()
    page.locator(".causes a").first.press("Enter")
    page.wait_for_url(re.compile(r"/records/\?range=7d&cause=|/records/\?cause="))


def test_it_needs_no_scripts(browser: Browser, live_server: LiveServer, administrator: User, history: None) -> None:
    with browser.new_context(java_script_enabled=False, locale="en-US") as context:
        page = context.new_page()
        sign_in(page, live_server.url, administrator)
        expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()  # the first page after sign-in
        page.locator(".chart-figures summary").click()
        expect(page.get_by_role("table").first).to_be_visible()
        page.get_by_role("link", name="12 months").click()
        expect(page.get_by_role("heading", name="Tries per week")).to_be_visible()
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Mailbox").click()
        expect(page.get_by_role("heading", name="Sender accounts")).to_be_visible()
