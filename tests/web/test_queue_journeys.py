"""The queue in a real browser: live, accessible, narrow, and without scripts."""

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from delivery.control.pausing import pause_everything
from delivery.engine.drain import drain
from records.clock import database_now
from records.models import DeliveryPause, Heartbeat, Mail
from senders.models import Sender
from tests import smtpd
from tests.delivery.control.scenes import accept_many, fail, hold, states, wait_for_retry
from tests.delivery.engine.scenes import accept, make_sender
from tests.web.checking import MAILBOX, assert_accessible, note_requests, skip_sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_keys")]

QUEUE = f"{MAILBOX}queue/"


@pytest.fixture
def sender() -> Sender:
    Heartbeat.objects.create(name="worker", seen_at=database_now())
    return make_sender()


@pytest.fixture
def queue(page: Page, live_server: LiveServer, sender: Sender) -> Page:
    """The queue's page with mail of every kind."""
    waits, later, held, failed = (accept(sender, f"{name}@example.org") for name in ("a", "b", "c", "d"))
    wait_for_retry(later)
    hold(held)
    fail(failed)
    assert waits.pk
    skip_sign_in(page, live_server.url)
    page.goto(live_server.url + QUEUE)
    return page


def address_of(page: Page, live_server: LiveServer) -> str:
    return page.url.removeprefix(live_server.url)


def test_the_page_follows_the_queue_by_itself(queue: Page, sender: Sender) -> None:
    expect(queue.locator(f"#waiting-{sender.pk}")).to_have_text("2")
    accept(sender)
    expect(queue.locator(f"#waiting-{sender.pk}")).to_have_text("3")


def test_what_has_the_focus_keeps_it_when_the_page_follows(queue: Page, sender: Sender) -> None:
    queue.focus(f"#pause-{sender.pk}")
    accept(sender)
    expect(queue.locator(f"#waiting-{sender.pk}")).to_have_text("3")
    expect(queue.locator(f"#pause-{sender.pk}")).to_be_focused()


def test_a_button_stays_while_it_is_pressed(queue: Page, sender: Sender) -> None:
    queue.hover(f"#pause-{sender.pk}")
    queue.mouse.down()
    accept(sender)
    queue.evaluate("""new Promise((done) => {
        document.addEventListener("htmx:afterRequest", () => done());
        document.dispatchEvent(new Event("visibilitychange"));
    })""")
    queue.mouse.up()
    expect(queue.locator(".queue .badge-warn")).to_have_text("Paused")


def test_a_hidden_page_asks_for_nothing(queue: Page, sender: Sender) -> None:
    queue.evaluate("Object.defineProperty(document, 'visibilityState', {get: () => 'hidden'})")
    requests = note_requests(queue)
    queue.evaluate("new Promise((done) => setTimeout(done, 3500))")
    assert requests == []


def test_who_is_signed_out_meanwhile_is_asked_to_sign_in(queue: Page) -> None:
    queue.context.clear_cookies()
    expect(queue.locator("#id_password")).to_be_visible()
    expect(queue.locator("#queue")).to_have_count(0)


def test_a_sender_is_paused_and_resumed(queue: Page, sender: Sender) -> None:
    queue.click(f"#pause-{sender.pk}")
    expect(queue.locator(".queue .badge-warn")).to_have_text("Paused")
    queue.click(f"#resume-{sender.pk}")
    expect(queue.locator(".notice-good")).to_have_text("Resumed: mail flows again.")


def test_everything_is_resumed_from_any_page(queue: Page, live_server: LiveServer) -> None:
    queue.click("#pause-all")
    expect(queue.get_by_text("All sending is paused by")).to_be_visible()
    queue.goto(f"{live_server.url}{MAILBOX}records/")
    queue.click("#resume-all")
    expect(queue.get_by_text("Resumed: mail flows again.")).to_be_visible()
    expect(queue).to_have_url(f"{live_server.url}{MAILBOX}records/")
    assert not DeliveryPause.objects.exists()


def test_waiting_mail_is_found_and_cancelled(queue: Page) -> None:
    queue.click("#all-mails")
    queue.fill("#id_receiver", "a@example.org")
    expect(queue.locator(".card-head h2")).to_have_text("1 mail")
    queue.get_by_role("link", name="Cancel these").click()
    expect(queue.get_by_text("1 mail is meant.")).to_be_visible()
    queue.click("form.deed .button-danger")
    expect(queue.get_by_text("1 mail cancelled.")).to_be_visible()
    assert states() == ["cancelled", "retry", "uncertain", "failed"]


def test_held_mail_is_decided_in_the_drawer(queue: Page, live_server: LiveServer) -> None:
    queue.click("#held-mails")
    queue.wait_for_load_state()  # a row is no link without the script that makes it one
    queue.click("[data-open-rows] tbody td:nth-child(3)")
    queue.get_by_role("button", name="Send it again").click()
    expect(queue.get_by_text("The mail is sent again.")).to_be_visible()
    assert address_of(queue, live_server) == f"{QUEUE}mails/?group=held"
    assert states() == ["queued", "retry", "retry", "failed"]


def test_paused_mail_goes_out_after_a_click(page: Page, live_server: LiveServer) -> None:
    with smtpd.mail_server() as server:
        sender = make_sender(server)
        accept(sender)
        pause_everything("eve")
        drain(sender.pk)
        skip_sign_in(page, live_server.url)
        page.goto(live_server.url + QUEUE)
        page.click("#resume-all")
        expect(page.get_by_text("Resumed: mail flows again.")).to_be_visible()
        drain(sender.pk)
        assert len(server.wait_for(1)) == 1


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_accessible_and_fits(queue: Page, live_server: LiveServer, sender: Sender, width: int) -> None:
    make_sender(address="a@example.com", display_name="N" * 100)
    queue.set_viewport_size({"width": width, "height": 800})
    held = Mail.objects.get(state="uncertain")
    pages = (
        QUEUE, f"{QUEUE}mails/", f"{QUEUE}mails/?group=held", f"{QUEUE}mails/?receiver=nobody",
        f"{QUEUE}mails/?since=x", f"{QUEUE}mails/cancel/", f"{QUEUE}mails/decide/", f"{MAILBOX}mails/{held.pk}/",
    )  # fmt: skip
    for path in pages:
        queue.goto(live_server.url + path)
        assert_accessible(queue)
        assert queue.evaluate("document.documentElement.scrollWidth") <= width, path


def test_without_scripts_mail_is_found_and_cancelled(browser: Browser, live_server: LiveServer, sender: Sender) -> None:
    accept_many(sender, 2)
    with browser.new_context(java_script_enabled=False, locale="en-US") as context:
        page = context.new_page()
        skip_sign_in(page, live_server.url)
        page.goto(live_server.url + QUEUE)
        page.click(f"#waiting-{sender.pk}")
        page.fill("#id_receiver", "bob")
        page.click(".filter-apply")
        page.get_by_role("link", name="Cancel these").click()
        page.click("form.deed .button-danger")
        expect(page.get_by_text("2 mails cancelled.")).to_be_visible()
    assert states() == ["cancelled", "cancelled"]
