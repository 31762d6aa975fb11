"""Sending many mails again in a real browser: live, accessible, narrow, and without scripts."""

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from delivery.resending import collecting, orders, sending
from records.models import Content, Mail
from records.resending.models import Resending
from senders.models import Sender
from tests.delivery.engine.scenes import make_sender
from tests.delivery.resending.scenes import order, receivers_of_copies, went, went_many
from tests.web.checking import MAILBOX, assert_accessible, note_requests, skip_sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_keys")]


@pytest.fixture
def sender() -> Sender:
    return make_sender()


def test_from_the_list_to_copies_for_another_receiver(page: Page, live_server: LiveServer, sender: Sender) -> None:
    meant, other = went_many(sender, 2)
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{MAILBOX}records/?receiver=r0")
    page.click("text=Send again…")
    expect(page.locator(".deed-count")).to_have_text("1 mail is meant.")
    expect(page.locator("[name=to]")).to_be_hidden()
    page.check("[name=destination][value=other]")
    page.fill("[name=to]", "boss@example.org")
    page.click(".card-foot button")
    expect(page.locator("#work [role=status]")).to_contain_text("1 mail was accepted for sending again.")
    assert (receivers_of_copies(meant), receivers_of_copies(other)) == ([["boss@example.org"]], [])


def test_the_page_follows_an_order_until_it_has_ended(
    page: Page, live_server: LiveServer, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "BATCH", 2)
    went_many(sender, 5)
    work = order()
    collecting.collect_batch(work.pk)
    sending.send_batch(work.pk)
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{MAILBOX}send-again/orders/{work.pk}/")
    status = page.locator("#work [role=status]")
    expect(status).to_contain_text("2 of 5 mails are dealt with.")
    sending.send_batch(work.pk)
    expect(status).to_contain_text("4 of 5 mails are dealt with.")
    orders.run(work)
    expect(status).to_contain_text("5 mails were accepted for sending again.")
    expect(page.locator("[data-refresh]")).to_have_count(0)


def test_whoever_is_at_a_link_stays_there_while_the_page_follows(
    page: Page, live_server: LiveServer, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "BATCH", 1)
    gone = went_many(sender, 6)[0]
    Content.objects.filter(mail=gone).delete()
    work = order()
    collecting.collect_batch(work.pk)
    sending.send_batch(work.pk)
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{MAILBOX}send-again/orders/{work.pk}/")
    page.click("text=Which ones")
    page.focus(f"#mail-{gone.pk}")
    for number, place in enumerate(("#to-records", "#to-queue", "#which-left-out", "#stop"), 2):
        sending.send_batch(work.pk)
        expect(page.locator("#work [role=status]")).to_contain_text(f"{number} of 6 mails are dealt with.")
        expect(page.locator("#work :focus")).to_have_count(1)
        expect(page.locator("#left-out-mails")).to_have_attribute("open", "")
        page.focus(place)
    sending.send_batch(work.pk)
    expect(page.locator("#work [role=status]")).to_contain_text("6 of 6 mails are dealt with.")
    expect(page.locator("#stop")).to_be_focused()


def test_whoever_is_at_an_order_of_the_list_stays_there_while_it_follows(
    page: Page, live_server: LiveServer, sender: Sender
) -> None:
    went_many(sender, 2)
    first, _second = order(), order()
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{MAILBOX}send-again/orders/")
    page.focus(f"#work-{first.pk}")
    collecting.collect_batch(first.pk)
    expect(page.locator(f"tr:has(#work-{first.pk})")).to_contain_text("2")
    expect(page.locator("tbody")).to_contain_text("Sending")
    expect(page.locator(f"#work-{first.pk}")).to_be_focused()


def test_a_hidden_page_asks_for_nothing(page: Page, live_server: LiveServer, sender: Sender) -> None:
    work = order()
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{MAILBOX}send-again/orders/{work.pk}/")
    page.evaluate("Object.defineProperty(document, 'visibilityState', {get: () => 'hidden'})")
    requests = note_requests(page)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert requests == []


def test_without_scripts_it_is_stopped_by_a_click(browser: Browser, live_server: LiveServer, sender: Sender) -> None:
    went(sender)
    work = order()
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        skip_sign_in(page, live_server.url)
        page.goto(f"{live_server.url}{MAILBOX}send-again/orders/{work.pk}/")
        page.click("text=Stop")
        expect(page.locator("#work [role=status]")).to_contain_text("the rest is not sent again")
    assert Resending.objects.get().state == "cancelled"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_a_phone(
    page: Page, live_server: LiveServer, sender: Sender, theme: str
) -> None:
    went_many(sender, 3)
    Content.objects.filter(mail=Mail.objects.order_by("pk")[0]).delete()
    done, running = orders.run(order()), order()
    skip_sign_in(page, live_server.url)
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.set_viewport_size({"width": 390, "height": 800})
    for path in ("send-again/", "send-again/orders/", *(f"send-again/orders/{one.pk}/" for one in (done, running))):
        page.goto(f"{live_server.url}{MAILBOX}{path}")
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
