"""The drawer and the history of the browser: Back closes it, Forward shows it again, the page below stays as it is."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from records.enums import Outcome
from records.listing.models import ListPreference
from tests.delivery.engine.scenes import accept, make_sender
from tests.records.rows import NOON, compose, make_mail, make_record
from tests.web.checking import MAILBOX, administrator, skip_sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_keys")]

RECORDS = f"{MAILBOX}records/"
BEFORE = f"{MAILBOX}keeping/"
NOTHING_OPEN = "() => !history.state?.drawer"


@pytest.fixture
def before(page: Page, live_server: LiveServer) -> Page:
    """The page that one comes from. Forty records are in the list, of which the last ten failed."""
    mail = make_mail(mime=compose())
    for minute in range(40):
        values = {"outcome": Outcome.REFUSED if minute >= 30 else Outcome.ACCEPTED}
        started = NOON - timedelta(minutes=minute)
        make_record(mail, receiver_address=f"r{minute}@example.net", started_at=started, **values)
    skip_sign_in(page, live_server.url)
    ListPreference.objects.create(user=administrator(), time_zone="UTC")
    page.goto(live_server.url + BEFORE)
    return page


@pytest.fixture
def records(before: Page, live_server: LiveServer) -> Page:
    """The list, marked so that one sees whether it is still the same."""
    before.goto(live_server.url + RECORDS, wait_until="networkidle")
    mark(before)
    return before


def mark(page: Page) -> None:
    page.evaluate("document.getElementById('record-rows').dataset.same = ''")


def drawer_of(page: Page) -> Locator:
    return page.locator("#drawer")


def open_record(page: Page, number: int) -> None:
    page.locator("#record-rows tr", has_text=f"r{number}@example.net").get_by_role("link").click()
    expect(drawer_of(page)).to_contain_text(f"r{number}@example.net")


def filter_failed(page: Page) -> None:
    page.check("[name=result][value=failed]", force=True)
    expect(page).to_have_url(re.compile(r"\?result=failed$"))
    expect(page.locator("#record-rows tr")).to_have_count(10)


def expect_same_list(page: Page) -> None:
    expect(drawer_of(page)).to_be_hidden()
    expect(page.locator("#record-rows[data-same]")).to_be_visible()


def expect_left(page: Page) -> None:
    """Go back once more: the list is left for the page before it."""
    page.go_back()
    expect(page).to_have_url(re.compile(f"{BEFORE}$"))


def test_back_closes_the_drawer_and_leaves_the_list_as_it_is(records: Page) -> None:
    records.evaluate("scrollTo(0, 500)")
    open_record(records, 15)
    records.go_back()
    expect_same_list(records)
    assert records.evaluate("scrollY") == 500
    expect(records.locator("#record-rows tr", has_text="r15@").get_by_role("link")).to_be_focused()
    expect_left(records)


def test_back_keeps_what_was_filtered_and_the_next_one_takes_the_filter_back(records: Page) -> None:
    filter_failed(records)
    mark(records)
    open_record(records, 35)
    records.go_back()
    expect_same_list(records)
    expect(records).to_have_url(re.compile(r"\?result=failed$"))
    records.go_back()
    expect(records).to_have_url(re.compile(f"{RECORDS}$"))
    expect(records.locator("#record-rows tr")).to_have_count(40)
    expect_left(records)


def by_its_button(page: Page) -> None:
    drawer_of(page).get_by_role("button", name="Close").click()


def by_escape(page: Page) -> None:
    page.keyboard.press("Escape")


def by_the_veil(page: Page) -> None:
    page.mouse.click(40, 400)


@pytest.mark.parametrize("close", [by_its_button, by_escape, by_the_veil])
def test_what_was_closed_by_hand_is_no_step_on_the_way_back(records: Page, close: Callable[[Page], object]) -> None:
    for number in (1, 2):
        open_record(records, number)
        close(records)
        expect_same_list(records)
        records.wait_for_function(NOTHING_OPEN)
    expect_left(records)


def test_who_opens_the_next_record_at_once_still_closes_it_by_back(records: Page) -> None:
    open_record(records, 1)
    # Before the browser has gone back from the first one.
    records.evaluate("""() => {
        const back = history.back.bind(history);
        history.back = () => { history.back = back; window.goBack = back; };
    }""")
    by_its_button(records)
    open_record(records, 2)
    records.evaluate("goBack()")
    records.wait_for_function("() => history.state?.drawer")
    records.go_back()
    expect_same_list(records)
    expect_left(records)


def test_forward_shows_the_same_record_again(records: Page) -> None:
    open_record(records, 3)
    records.go_back()
    expect_same_list(records)
    records.go_forward()
    expect(drawer_of(records)).to_contain_text("r3@example.net")
    records.go_back()
    expect_same_list(records)
    expect(records.locator("#record-rows tr", has_text="r3@").get_by_role("link")).to_be_focused()
    expect_left(records)


def test_back_before_the_record_is_there_again_shows_the_list(records: Page) -> None:
    open_record(records, 3)
    records.go_back()
    held: list[Route] = []
    records.route(re.compile(rf"{RECORDS}\d+/"), lambda route: held.append(route))  # noqa: PLW0108  # no builtin is taken
    with records.expect_request(re.compile(rf"{RECORDS}\d+/")) as asked:
        records.go_forward()
    records.go_back()
    records.wait_for_function(NOTHING_OPEN)
    with records.expect_event("requestfinished", lambda request: request == asked.value):
        held.pop().continue_()
    expect_same_list(records)
    expect_left(records)


def test_back_from_a_page_that_the_record_led_to_comes_back_to_it_and_to_the_list(records: Page) -> None:
    open_record(records, 4)
    drawer_of(records).get_by_role("link", name="Send again").click()
    expect(records.get_by_role("heading", level=1)).to_have_text("Send again")
    records.go_back()
    expect(drawer_of(records)).to_contain_text("r4@example.net")
    expect(records.locator("#record-rows tr")).to_have_count(40)
    mark(records)
    records.go_back()
    expect_same_list(records)
    expect_left(records)


def test_several_steps_at_once_show_the_list_of_that_address(records: Page) -> None:
    filter_failed(records)
    open_record(records, 35)
    records.evaluate("history.go(-2)")
    expect(records.locator("#record-rows tr")).to_have_count(40)
    expect(drawer_of(records)).to_be_hidden()
    records.evaluate("history.go(2)")
    expect(drawer_of(records)).to_contain_text("r35@example.net")
    expect(records.locator("#record-rows tr")).to_have_count(10)


@pytest.mark.parametrize("close", [Page.go_back, by_escape])
def test_a_filter_that_was_on_its_way_when_the_drawer_opened_holds(
    records: Page, close: Callable[[Page], object]
) -> None:
    held: list[Route] = []
    records.route(re.compile(r"result=failed"), lambda route: held.append(route))  # noqa: PLW0108  # no builtin is taken
    with records.expect_request(re.compile(r"result=failed")):
        records.check("[name=result][value=failed]", force=True)
    open_record(records, 1)
    held.pop().continue_()
    expect(records.locator("#record-rows tr")).to_have_count(10)
    mark(records)
    close(records)
    expect_same_list(records)
    records.wait_for_function(NOTHING_OPEN)
    expect(records).to_have_url(re.compile(r"\?result=failed$"))
    records.unroute_all()
    records.reload()
    expect(records.locator("#record-rows tr")).to_have_count(10)
    expect_left(records)


def test_back_closes_a_mail_of_the_queue(before: Page, live_server: LiveServer) -> None:
    accept(make_sender(), "bob@example.org")
    before.goto(f"{live_server.url}{MAILBOX}queue/mails/", wait_until="networkidle")
    before.locator("tbody tr").get_by_role("link").first.click()
    expect(drawer_of(before)).to_contain_text("bob@example.org")
    before.go_back()
    expect(drawer_of(before)).to_be_hidden()
    expect(before).to_have_url(re.compile("/queue/mails/$"))
    expect_left(before)


def test_a_guide_beside_a_form_is_no_step_of_its_own(before: Page, live_server: LiveServer) -> None:
    before.goto(f"{live_server.url}{MAILBOX}senders/add/", wait_until="networkidle")
    before.get_by_role("button", name="QQ Mail").first.click()
    before.locator("[data-guide-link]").click()
    expect(drawer_of(before).get_by_role("heading", name="Step by step")).to_be_visible()
    expect_left(before)
