"""The page of a record and its drawer in a real browser: copying, accessible, narrow, without scripts."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from delivery.engine.drain import drain
from records.models import Mail
from records.viewing.models import ContentView
from tests import smtpd
from tests.delivery.engine.scenes import accept, make_due, make_sender
from tests.records.rows import compose, make_mail, make_record
from tests.web.checking import MAILBOX, assert_accessible, note_requests, skip_sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_keys")]

RECORDS = f"{MAILBOX}records/"


@pytest.fixture
def mail() -> Mail:
    """A mail that two receivers got at the second try, and a third never will."""
    with smtpd.mail_server() as server:
        mail = accept(make_sender(server), "anna@example.org", "bob@example.org", "carol@example.org")
        server.answer("RCPT", "450 4.2.1 Later", about="anna@", times=1)
        server.answer("RCPT", "550 5.1.1 Unknown", about="carol@")
        drain(mail.sender_id or 0)
        make_due()
        drain(mail.sender_id or 0)
    return mail


@pytest.fixture
def record(page: Page, live_server: LiveServer, mail: Mail) -> Page:
    """The page of the mail's latest try."""
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{MAILBOX}mails/{mail.pk}/record/")
    return page


def let_copy(page: Page) -> None:
    """Allow the page to copy, and stop its clock, so that it says long enough that it has."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.clock.install()
    page.clock.pause_at(timezone.now() + timedelta(hours=1))


def clipboard_of(page: Page) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def test_what_was_said_unfolds_and_is_copied_line_by_line(record: Page) -> None:
    let_copy(record)
    said = record.locator("#said-1")
    expect(said).to_be_hidden()
    record.click("text=What was said")
    expect(said).to_contain_text("C: RCPT TO:<carol@example.org>")
    record.click("[data-copy=said-1]")
    expect(record.locator("[data-copy=said-1] [role=status]")).to_have_text("Copied")
    lines = clipboard_of(record).splitlines()
    assert lines[lines.index("C: RCPT TO:<carol@example.org>") + 1] == "S: 550 5.1.1 Unknown"


def test_the_message_id_is_copied_also_where_the_browser_keeps_the_clipboard(record: Page, mail: Mail) -> None:
    let_copy(record)
    record.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject() }")
    record.click("[data-copy=message-id]")
    expect(record.locator("[data-copy=message-id] [role=status]")).to_have_text("Copied")
    assert clipboard_of(record).strip() == mail.message_id


def test_the_drawer_tells_the_same(page: Page, live_server: LiveServer, mail: Mail) -> None:
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{RECORDS}?mail={mail.pk}")
    page.click(f'a[href*="records/{mail.records.latest("pk").pk}/"]')
    drawer = page.locator("#drawer")
    expect(drawer.get_by_role("heading", name="Accepted for 2 of 3 receivers")).to_be_visible()
    expect(drawer.get_by_text("Try 2")).to_be_visible()
    drawer.get_by_text("What was said").first.click()
    assert_accessible(page)


def test_a_look_at_the_content_is_noted(record: Page, mail: Mail) -> None:
    record.get_by_role("link", name="Show the content").click()
    expect(record.get_by_text("All header fields and the envelope")).to_be_visible()
    record.wait_for_load_state("networkidle")
    assert list(ContentView.objects.values_list("mail_id", "part", "viewed_by")) == [(mail.pk, "content", "admin")]
    record.reload()
    expect(record.get_by_text("1 look at the content")).to_be_visible()


def test_the_content_takes_the_focus_of_the_link_that_showed_it(record: Page) -> None:
    record.get_by_role("link", name="Show the content").focus()
    record.keyboard.press("Enter")
    expect(record.get_by_role("group", name="Content", exact=True)).to_be_focused()
    record.keyboard.press("Tab")
    expect(record.get_by_text("All header fields and the envelope")).to_be_focused()


def test_the_content_takes_the_focus_in_the_drawer_too(page: Page, live_server: LiveServer, mail: Mail) -> None:
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{RECORDS}?mail={mail.pk}")
    page.click(f'a[href*="records/{mail.records.latest("pk").pk}/"]')
    page.locator("#drawer").get_by_role("link", name="Show the content").press("Enter")
    expect(page.locator("#drawer").get_by_role("group", name="Content", exact=True)).to_be_focused()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_link_of_a_mail_is_told_and_leaves_the_mail_where_it_is(
    page: Page, live_server: LiveServer, width: int
) -> None:
    address = f"{live_server.url}{MAILBOX}?once={'x' * 300}"
    record = make_record(make_mail(mime=compose(html=f'<p>Please <a href="{address}">confirm</a></p>')))
    skip_sign_in(page, live_server.url)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{live_server.url}{RECORDS}{record.pk}/")
    page.get_by_role("link", name="Show the content").click()
    words = page.frame_locator(".mail-frame").get_by_text("confirm")
    expect(words).to_be_visible()
    asked_for = note_requests(page)
    for modifiers in ((), ("ControlOrMeta",), ("Shift",)):
        words.click(modifiers=list(modifiers))
    page.keyboard.press("Tab")  # over the mail, in which nothing takes the focus
    expect(page.get_by_text("Where the links lead")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text(address)).to_be_visible()
    expect(words).to_be_visible()
    assert (asked_for, len(page.context.pages)) == ([], 1)
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_accessible_and_fits(record: Page, width: int, scheme: str) -> None:
    record.set_viewport_size({"width": width, "height": 800})
    record.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for summary in record.locator(".record summary").all():
        summary.click()
    record.get_by_role("link", name="Show the content").click()
    record.click("text=All header fields and the envelope")
    assert_accessible(record)
    assert record.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_all_is_there_but_the_copying(browser: Browser, live_server: LiveServer, mail: Mail) -> None:
    with browser.new_context(java_script_enabled=False, locale="en-US") as context:
        page = context.new_page()
        skip_sign_in(page, live_server.url)
        page.goto(f"{live_server.url}{MAILBOX}mails/{mail.pk}/record/")
        page.click("text=What was said")
        expect(page.locator("#said-1")).to_be_visible()
        expect(page.locator("[data-copy=message-id]")).to_be_hidden()
        with page.expect_navigation():
            page.click("text=Show the content")
        with page.expect_download() as download:
            page.click("text=Download the source")
        assert download.value.suggested_filename == f"mail-{mail.pk}.eml"
