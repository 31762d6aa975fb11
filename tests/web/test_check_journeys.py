"""Send Test Mail in a real browser: the steps as they happen, every mending click, and what a page may not show."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from records.enums import Outcome
from records.models import SendingRecord
from senders.enums import Encryption
from senders.models import Sender
from tests import smtpd
from tests.dns_server import dns_server
from tests.services import wait_until
from tests.web.checking import (
    ADDRESS,
    CANARY,
    MAILBOX,
    assert_accessible,
    fill_sender_form,
    save_account,
    send_test_mail,
    skip_sign_in,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_keys")]


@pytest.fixture
def server() -> Iterator[smtpd.MailServer]:
    with smtpd.mail_server(Encryption.TLS, users={ADDRESS: CANARY}) as running:
        yield running


@pytest.fixture
def form(page: Page, live_server: LiveServer) -> Page:
    """The page of a new sender, open in the browser."""
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{MAILBOX}senders/add/")
    return page


def step(page: Page, key: str) -> str:
    return page.locator(f'[data-step="{key}"]').get_attribute("class") or ""


def expect_verdict(page: Page, verdict: str) -> None:
    """Wait for the end of the check: until the answer has ended, a moment after the verdict, no other begins."""
    expect(page.locator(f'[data-verdict="{verdict}"]')).to_be_visible(timeout=60_000)
    expect(page.locator("[data-test-send]")).to_be_enabled()


def test_right_settings_pass_step_by_step_and_nothing_typed_is_lost(form: Page, server: smtpd.MailServer) -> None:
    fill_sender_form(form, server)
    send_test_mail(form)
    expect_verdict(form, "passed")

    expect(form.locator(".step-done")).to_have_count(9)
    expect(form.locator("[data-verdict]")).to_contain_text("Test mail accepted for me@acme.test.")
    expect(form.locator('[data-step="accepted"]')).to_contain_text("Queued as 000000000001")
    expect(form.locator("[name=password]")).to_have_value(CANARY)
    expect(form.locator("[role=status]").filter(has_text="Test mail accepted")).to_have_count(1)
    assert server.wait_for(1)[0].forward_paths == ("me@acme.test",)
    assert Sender.objects.count() == 0
    assert_accessible(form)


def test_the_dialog_can_be_left_by_escape_and_gives_the_focus_back(form: Page, server: smtpd.MailServer) -> None:
    fill_sender_form(form, server)
    form.click("[data-test-open]")
    expect(form.locator("#test-dialog [name=recipient]")).to_be_focused()
    expect(form.locator("[data-test-from]")).to_have_text(ADDRESS)
    assert_accessible(form)
    form.keyboard.press("Escape")

    expect(form.locator("#test-dialog")).to_be_hidden()
    expect(form.locator("[data-test-open]")).to_be_focused()
    assert server.connections == 0


def test_enter_in_the_dialog_tests_and_does_not_save(form: Page, server: smtpd.MailServer) -> None:
    fill_sender_form(form, server)
    form.click("[data-test-open]")
    form.fill("#test-dialog [name=recipient]", "me@acme.test")
    form.keyboard.press("Enter")
    expect_verdict(form, "passed")

    assert Sender.objects.count() == 0


def test_a_running_step_turns_and_the_button_waits(form: Page, server: smtpd.MailServer) -> None:
    server.answer("AUTH", smtpd.Misbehaviour.HANG)
    fill_sender_form(form, server)
    send_test_mail(form)
    expect(form.locator('[data-step="auth"].step-running')).to_be_visible()

    expect(form.locator('[data-step="auth"]')).to_contain_text("checking…")
    expect(form.locator("[data-test-open]")).to_be_disabled()
    expect(form.locator("#check-title")).to_be_focused()
    assert_accessible(form)


def test_wrong_fields_are_marked_where_they_stand(form: Page, server: smtpd.MailServer) -> None:
    fill_sender_form(form, server, host="smtp://acme.test", display_name="")
    send_test_mail(form)
    expect(form.locator("#live-errors-host")).to_contain_text("Leave out the part up to")

    expect(form.locator("[name=host]")).to_be_focused()
    expect(form.locator("[name=host]")).to_have_attribute("aria-invalid", "true")
    expect(form.locator("#live-errors-display_name")).to_be_visible()
    expect(form.locator("[data-end]")).to_contain_text("Correct the marked fields")
    assert_accessible(form)

    fill_sender_form(form, server)
    send_test_mail(form)
    expect_verdict(form, "passed")
    expect(form.locator("[data-live-errors]")).to_have_count(0)


def test_a_wrong_recipient_is_told_in_the_dialog(form: Page, server: smtpd.MailServer) -> None:
    said: list[str] = []
    form.on("console", lambda message: said.append(message.text))
    fill_sender_form(form, server)
    send_test_mail(form, "nobody")
    expect(form.locator("#test-dialog #live-errors-recipient")).to_contain_text("The @ is missing.")

    expect(form.locator("#test-dialog [name=recipient]")).to_be_focused()
    assert server.connections == 0
    assert said == []


def test_a_wrong_password_shows_reply_cause_and_fix_and_leads_to_the_field(
    form: Page, server: smtpd.MailServer
) -> None:
    server.answer("AUTH", "535 5.7.8 Error: authentication failed", times=1)
    fill_sender_form(form, server, password="wrong")
    send_test_mail(form)
    expect_verdict(form, "failed")

    failed = form.locator('[data-step="auth"]')
    expect(failed.locator(".step-reply")).to_contain_text("535")
    expect(failed.locator(".advice-cause")).not_to_be_empty()
    expect(form.locator('[data-step="mail"]')).to_contain_text("skipped")
    assert_accessible(form)

    failed.get_by_text("Type the password again", exact=True).click()
    expect(form.locator("[name=password]")).to_be_focused()
    form.fill("[name=password]", CANARY)
    send_test_mail(form)
    expect_verdict(form, "passed")


def test_a_wrong_login_name_leads_to_its_field(form: Page, server: smtpd.MailServer) -> None:
    server.answer("AUTH", "535 5.7.8 Error: authentication failed", times=1)
    fill_sender_form(form, server)
    send_test_mail(form)
    expect_verdict(form, "failed")
    form.locator('[data-step="auth"]').get_by_text("Correct the login name").click()

    expect(form.locator("[name=login_method][value=login_name]")).to_be_checked()
    expect(form.locator("[name=login_name]")).to_be_focused()


def test_tls_where_ssl_is_spoken_is_mended_by_one_click(form: Page, settings: Settings) -> None:
    settings.MAILBOX_CHECK_STEP_SECONDS = 1
    with smtpd.mail_server(Encryption.SSL, users={ADDRESS: CANARY}) as server:
        fill_sender_form(form, server, encryption="tls")
        send_test_mail(form)
        expect_verdict(form, "failed")
        settings.MAILBOX_CHECK_STEP_SECONDS = 30
        form.locator('[data-step="greeting"] button[value="same_port_ssl"]').click()
        expect_verdict(form, "passed")

        expect(form.locator("[name=encryption][value=ssl]")).to_be_checked()
        expect(form.locator("[name=port]")).to_have_value(str(server.port))


def test_ssl_where_tls_is_spoken_is_mended_by_one_click(form: Page, server: smtpd.MailServer) -> None:
    fill_sender_form(form, server, encryption="ssl")
    send_test_mail(form)
    expect_verdict(form, "failed")
    form.locator('[data-step="tls"] button[value="same_port_tls"]').click()
    expect_verdict(form, "passed")

    expect(form.locator("[name=encryption][value=tls]")).to_be_checked()


def test_the_usual_port_is_set_together_with_its_encryption(form: Page, server: smtpd.MailServer) -> None:
    fill_sender_form(form, server, encryption="ssl")
    send_test_mail(form)
    expect_verdict(form, "failed")
    form.locator('[data-step="tls"] button[value="use_ssl_465"]').click()
    expect(form.locator("[name=port]")).to_have_value("465")
    expect_verdict(form, "failed")

    expect(form.locator('[data-step="connect"].step-failed')).to_be_visible()


def test_a_certificate_is_trusted_after_its_fingerprint_was_confirmed(form: Page, server: smtpd.MailServer) -> None:
    fill_sender_form(form, server, trusted_certificates="")
    send_test_mail(form)
    expect_verdict(form, "failed")

    box = form.locator('[data-step="tls"] .trust')
    expect(box.locator("[data-trust]")).to_be_disabled()
    expect(box).to_contain_text("SHA-256 fingerprint")
    assert_accessible(form)
    box.locator("[data-trust-confirm]").check()
    box.locator("[data-trust]").click()
    expect_verdict(form, "passed")

    assert "BEGIN CERTIFICATE" in form.locator("[name=trusted_certificates]").input_value()


def test_a_server_without_sign_in_is_mended_by_one_click(form: Page) -> None:
    with smtpd.mail_server(Encryption.NONE) as server:
        fill_sender_form(form, server, login_method="address", password="needless")
        send_test_mail(form)
        expect_verdict(form, "failed")
        form.locator('[data-step="auth"] button[value="skip_sign_in"]').click()
        expect_verdict(form, "passed")

        expect(form.locator("[name=login_method][value=none]")).to_be_checked()


def test_a_password_in_clear_text_is_warned_about(form: Page) -> None:
    with smtpd.mail_server(Encryption.NONE, users={ADDRESS: CANARY}) as server:
        fill_sender_form(form, server)
        send_test_mail(form)
        expect_verdict(form, "passed")

        expect(form.locator('[data-step="tls"]')).to_contain_text("the password travels in clear text")
        expect(form.locator(".step-warning")).to_have_count(1)


def test_the_guide_opens_beside_the_form(form: Page, server: smtpd.MailServer) -> None:
    server.answer("AUTH", "534 5.7.9 Application-specific password required")
    fill_sender_form(form, server)
    send_test_mail(form)
    expect_verdict(form, "failed")
    form.locator('[data-step="auth"] a[data-guide]').click()

    expect(form.locator("#drawer")).to_be_visible()
    expect(form.locator("[name=password]")).to_have_value(CANARY)


def test_the_page_can_be_left_and_the_check_goes_on(
    form: Page, server: smtpd.MailServer, live_server: LiveServer
) -> None:
    fill_sender_form(form, server)
    send_test_mail(form)
    form.goto(f"{live_server.url}{MAILBOX}records/")

    server.wait_for(1)
    wait_until(lambda: SendingRecord.objects.filter(outcome=Outcome.ACCEPTED).exists(), what="the record's end")


def test_losing_the_network_amid_a_check_is_said(
    browser: Browser, live_server: LiveServer, server: smtpd.MailServer
) -> None:
    # A context of its own: the browser writes to its console that the network is gone, as it should.
    with browser.new_context(locale="en-US") as context:
        page = context.new_page()
        skip_sign_in(page, live_server.url)
        page.goto(f"{live_server.url}{MAILBOX}senders/add/")
        page.route("**/check/", lambda route: route.abort())
        fill_sender_form(page, server)
        send_test_mail(page)

        expect(page.locator("[data-end]")).to_contain_text("The connection to this page's server was lost.")
        expect(page.locator("[data-test-open]")).to_be_enabled()


def test_an_answer_that_breaks_off_is_said(form: Page, server: smtpd.MailServer) -> None:
    line = '{"step": "resolve", "html": "<li class=\\"step step-running\\" data-step=\\"resolve\\"></li>", "say": ""}\n'
    form.route("**/check/", lambda route: route.fulfill(body=line, content_type="application/x-ndjson"))
    fill_sender_form(form, server)
    send_test_mail(form)

    expect(form.locator("[data-end]")).to_contain_text("The connection to this page's server was lost.")
    expect(form.locator(".step-running")).to_have_count(0)


def test_a_stored_account_is_tested_in_a_dialog_of_the_list(
    page: Page, live_server: LiveServer, server: smtpd.MailServer
) -> None:
    save_account(server)
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{MAILBOX}")
    page.click("[data-test-account]")
    dialog = page.locator("[data-account-test]")
    expect(dialog.locator("[name=recipient]")).to_be_focused()
    expect(dialog.locator("[data-steps]")).to_be_hidden()
    assert_accessible(page)
    dialog.locator("[name=recipient]").fill("me@acme.test")
    page.keyboard.press("Enter")
    expect_verdict(page, "passed")
    assert_accessible(page)
    dialog.locator(".dialog-foot [data-close]").click()

    expect(page.locator("[data-label='Latest test']")).to_contain_text("Passed")


def test_a_wrong_recipient_is_told_in_the_dialog_of_the_list(
    page: Page, live_server: LiveServer, server: smtpd.MailServer
) -> None:
    save_account(server)
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{MAILBOX}")
    page.click("[data-test-account]")
    page.fill("[data-account-test] [name=recipient]", "me")
    page.keyboard.press("Enter")
    expect(page.locator("#live-errors-recipient")).to_contain_text("The @ is missing.")
    page.keyboard.press("Escape")

    expect(page.locator("[data-account-test]")).to_have_count(0)
    expect(page.locator("[data-test-account]")).to_be_focused()


def test_the_edit_form_tests_with_the_stored_password(
    page: Page, live_server: LiveServer, server: smtpd.MailServer
) -> None:
    sender = save_account(server)
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{MAILBOX}senders/{sender.pk}/")
    send_test_mail(page)
    expect_verdict(page, "passed")
    page.fill("[name=port]", "2525")
    send_test_mail(page)

    expect(page.locator("#live-errors-password")).to_contain_text("Type the password again, since this changed: Port.")


def test_detect_settings_fills_the_form(form: Page, settings: Settings) -> None:
    with dns_server({("hosted.test", "MX"): ["10 mxbiz1.qq.com."]}) as names:
        settings.MAILBOX_NAMESERVERS = [names.address]
        form.fill("[name=address]", "boss@hosted.test")
        form.click("[data-detect-button]")
        expect(form.locator("[data-detect-answer]")).to_contain_text("Tencent Exmail")
        assert_accessible(form)
        form.locator("[data-detect-answer] button[name=use]").first.click()

    expect(form.locator("[name=host]")).to_have_value("smtp.exmail.qq.com")
    expect(form.locator("[name=port]")).to_have_value("465")
    expect(form.locator("[name=encryption][value=ssl]")).to_be_checked()
    expect(form.locator("[name=password]")).to_be_focused()


def test_detect_settings_says_what_is_wrong_with_the_address(form: Page) -> None:
    form.fill("[name=address]", "boss")
    form.click("[data-detect-button]")

    expect(form.locator("#live-errors-address")).to_contain_text("The @ is missing.")


@pytest.fixture
def plain(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page of a browser that runs no scripts."""
    with browser.new_context(java_script_enabled=False, locale="en-US") as context:
        page = context.new_page()
        skip_sign_in(page, live_server.url)
        page.goto(f"{live_server.url}{MAILBOX}senders/add/")
        yield page


def test_without_scripts_the_whole_journey_works(plain: Page, server: smtpd.MailServer) -> None:
    plain.locator("details:has([name=trusted_certificates]) summary").click()
    for name, value in {"host": server.host, "port": str(server.port), "address": ADDRESS, "password": CANARY}.items():
        plain.fill(f"[name={name}]", value)
    plain.fill("[name=display_name]", "Acme")
    plain.click("[data-test-open]")
    plain.fill("#test-dialog [name=recipient]", "me@acme.test")
    plain.click("[data-test-send]")

    expect(plain.locator('[data-verdict="failed"]')).to_be_visible()
    expect(plain.locator('[data-step="tls"] .trust')).to_be_visible()
    expect(plain.locator("[name=password]")).to_have_value("")
    plain.fill("[name=password]", CANARY)
    plain.check("[data-trust-confirm]")
    plain.click("[data-trust]")

    expect(plain.locator('[data-verdict="passed"]')).to_be_visible()
    expect(plain.locator("[name=display_name]")).to_have_value("Acme")
    assert "BEGIN CERTIFICATE" in plain.locator("[name=trusted_certificates]").input_value()
    assert len(server.wait_for(1)) == 1
    assert CANARY not in plain.content()


def test_without_scripts_an_account_of_the_list_is_tested_on_its_own_page(
    plain: Page, live_server: LiveServer, server: smtpd.MailServer
) -> None:
    save_account(server)
    plain.goto(f"{live_server.url}{MAILBOX}")
    plain.click("[data-test-account]")
    plain.fill("[name=recipient]", "me@acme.test")
    plain.click("button:has-text('Send')")

    expect(plain.locator('[data-verdict="passed"]')).to_be_visible()


def test_without_scripts_detect_settings_is_a_page_with_choices(plain: Page, settings: Settings) -> None:
    with dns_server({("hosted.test", "MX"): ["10 mxbiz1.qq.com."]}) as names:
        settings.MAILBOX_NAMESERVERS = [names.address]
        plain.fill("[name=address]", "boss@hosted.test")
        plain.click("[data-detect-button]")
        plain.locator("button[name=use]").first.click()

    expect(plain.locator("[name=host]")).to_have_value("smtp.exmail.qq.com")
    expect(plain.locator("[name=address]")).to_have_value("boss@hosted.test")
