"""Writing a mail in a real browser, with and without scripts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from delivery.engine.drain import drain
from records.models import Mail, SendingRecord
from senders.models import Sender
from senders.services import set_default_sender
from tests import smtpd
from tests.web.checking import MAILBOX, assert_accessible, save_account, skip_sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_keys")]


@pytest.fixture
def server() -> Iterator[smtpd.MailServer]:
    with smtpd.mail_server() as running:
        yield running


@pytest.fixture
def sender(server: smtpd.MailServer) -> Sender:
    account = save_account(server)
    set_default_sender(account)
    return account


@pytest.fixture
def form(page: Page, live_server: LiveServer, sender: Sender) -> Page:
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{MAILBOX}compose/")
    return page


def write(page: Page, **changes: str) -> None:
    for name, value in ({"to": "bob@example.org", "subject": "Hello", "text": "Good morning."} | changes).items():
        page.fill(f"[name={name}]", value)


def test_a_mail_is_written_accepted_and_seen_to_arrive(form: Page, server: smtpd.MailServer, sender: Sender) -> None:
    assert_accessible(form)
    write(form)
    form.click("main form .button-primary")
    expect(form.locator("h1")).to_have_text("Mail accepted")
    expect(form.locator("dd [role=status]")).to_have_text("Waiting")
    assert_accessible(form)
    drain(sender.pk)

    assert server.wait_for(1)[0].message["Subject"] == "Hello"
    expect(form.locator("dd [role=status]")).to_have_text("Sent")
    record = SendingRecord.objects.get()
    expect(form.locator("#show-record")).to_have_attribute("href", f"{MAILBOX}records/{record.pk}/")


def test_wrong_fields_come_back_marked_and_folded_parts_open(form: Page) -> None:
    form.locator("details:has([name=cc]) summary").click()
    write(form, to="bob", cc="eve", subject="")
    form.click("main form .button-primary")

    expect(form.locator("[name=to]")).to_have_attribute("aria-invalid", "true")
    expect(form.locator("[name=cc]")).to_be_visible()
    expect(form.locator("[name=text]")).to_have_value("Good morning.")
    assert_accessible(form)


def test_a_second_click_sends_no_second_mail(form: Page) -> None:
    write(form)
    form.locator("main form .button-primary").dblclick()
    expect(form.locator("h1")).to_have_text("Mail accepted")

    assert Mail.objects.count() == 1


def test_files_are_attached(form: Page, tmp_path: Path) -> None:
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text(name)
    write(form)
    form.set_input_files("[name=attachments]", [tmp_path / "one.txt", tmp_path / "two.txt"])
    form.click("main form .button-primary")
    expect(form.locator("h1")).to_have_text("Mail accepted")

    assert b"two.txt" in bytes(Mail.objects.get().content.mime)


def test_a_mail_that_waits_is_cancelled_and_sent_again(form: Page, live_server: LiveServer) -> None:
    write(form)
    form.click("main form .button-primary")
    form.click("#cancel-mail")
    expect(form.get_by_text("Cancelled: the mail is not sent")).to_be_visible()
    form.goto(f"{live_server.url}{MAILBOX}mails/{Mail.objects.get().pk}/resend/")
    expect(form.locator("[name=to]")).to_have_value("bob@example.org")
    assert_accessible(form)
    form.fill("[name=to]", "eve@example.org")
    form.click("main form .button-primary")
    expect(form.locator("h1")).to_have_text("Mail accepted")

    assert [mail.receivers.get().address for mail in Mail.objects.order_by("pk")] == [
        "bob@example.org",
        "eve@example.org",
    ]


def test_without_scripts_a_mail_is_written(browser: Browser, live_server: LiveServer, sender: Sender) -> None:
    with browser.new_context(java_script_enabled=False, locale="en-US") as context:
        page = context.new_page()
        skip_sign_in(page, live_server.url)
        page.goto(f"{live_server.url}{MAILBOX}compose/")
        write(page)
        page.click("main form .button-primary")
        expect(page.locator("h1")).to_have_text("Mail accepted")

    assert Mail.objects.count() == 1


def test_without_an_account_the_page_leads_to_the_form_of_one(page: Page, live_server: LiveServer) -> None:
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{MAILBOX}compose/")
    assert_accessible(page)
    page.locator(".empty .button-primary").click()

    expect(page.locator("h1")).to_have_text("Add sender")
