"""The record list in a real browser: live, searched on, in the reader's time zone, accessible, and without scripts."""

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, Page, Request, Route, expect
from pytest_django.live_server_helper import LiveServer

from records.listing.columns import COLUMNS
from records.listing.models import ListPreference, SavedView
from records.models import SendingRecord
from records.paging import Position
from records.search import plans
from tests.people import sign_in
from tests.records.rows import NOON, make_record
from tests.web.checking import assert_accessible

pytestmark = pytest.mark.django_db(transaction=True)
RECORDS = "/system/setting/mailbox/records/"
NEWS = "[data-news]"


@pytest.fixture
def signed_in(page: Page, live_server: LiveServer, administrator: User) -> Page:
    sign_in(page, live_server.url, administrator)
    # The browser has said its time zone already.
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    ListPreference.objects.create(user=administrator, browser_time_zone=zone)
    return page


@pytest.fixture
def watched(signed_in: Page, live_server: LiveServer) -> Page:
    """The list with one record, and a clock that can be moved on."""
    make_record(receiver_address="first@example.net")
    signed_in.clock.install()
    signed_in.goto(live_server.url + RECORDS, wait_until="networkidle")
    return signed_in


def make_news(number: int) -> None:
    for index in range(number):
        make_record(receiver_address=f"new{index}@example.net", started_at=timezone.now())


def news_requests(page: Page) -> list[str]:
    requests: list[str] = []

    def note(request: Request) -> None:
        if urlsplit(request.url).path == f"{RECORDS}new/":
            requests.append(request.url)

    page.on("request", note)
    return requests


def test_new_records_are_told_of_and_loaded_by_a_click(watched: Page) -> None:
    expect(watched.locator(NEWS)).to_be_hidden()
    make_news(2)
    watched.clock.fast_forward(11_000)
    expect(watched.locator(NEWS)).to_have_text("2 new records")
    expect(watched.locator("table.records tbody tr")).to_have_count(1)
    watched.click(NEWS)
    expect(watched.locator("table.records tbody tr")).to_have_count(3)
    expect(watched.locator(NEWS)).to_be_hidden()
    expect(watched.locator("#results h2")).to_be_focused()


def test_what_one_is_at_keeps_the_focus_when_news_come(watched: Page) -> None:
    watched.fill("#id_receiver", "example")
    expect(watched).to_have_url(re.compile("receiver=example"))
    make_news(1)
    watched.clock.fast_forward(11_000)
    expect(watched.locator(NEWS)).to_have_text("1 new record")
    expect(watched.locator("#id_receiver")).to_be_focused()


def test_a_page_that_nobody_looks_at_asks_for_nothing(watched: Page) -> None:
    requests = news_requests(watched)
    watched.evaluate("Object.defineProperty(document, 'visibilityState', {get: () => 'hidden', configurable: true})")
    watched.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    make_news(1)
    watched.clock.fast_forward(600_000)
    assert requests == []
    watched.evaluate("delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))")
    watched.clock.fast_forward(11_000)
    expect(watched.locator(NEWS)).to_have_text("1 new record")


def test_it_asks_less_often_while_nothing_happens(watched: Page) -> None:
    requests = news_requests(watched)
    watched.clock.pause_at(timezone.now() + timedelta(seconds=11))
    expect(watched.locator(NEWS)).to_have_attribute("data-news", re.compile("^http"))  # the answer was read
    watched.clock.fast_forward(11_000)
    watched.evaluate("async () => { for (let turn = 0; turn < 10; turn++) { await null; } }")
    assert len(requests) == 1
    with watched.expect_event("requestfinished", lambda request: "/records/new/" in request.url):
        watched.clock.fast_forward(5_000)
    assert len(requests) == 2


def test_whoever_was_signed_out_is_not_asked_on_and_on(watched: Page) -> None:
    watched.context.clear_cookies()
    requests = news_requests(watched)
    with watched.expect_response(re.compile("/sign-in/")):
        watched.clock.fast_forward(11_000)
    watched.clock.fast_forward(600_000)
    watched.wait_for_load_state("networkidle")
    assert len(requests) == 1


@pytest.fixture
def rare(signed_in: Page, monkeypatch: pytest.MonkeyPatch) -> Page:
    """A receiver that a search finds only when it goes on twice."""
    for name in ("BUDGET", "BUDGET_ELSEWHERE", "BUDGET_WITH_MAILS"):
        monkeypatch.setattr(plans, name, 60)
    for minute in range(130):
        subject = minute in {10, 100}
        record = make_record(receiver_address=f"r{minute}@example.net", started_at=NOON - timedelta(minutes=minute))
        record.mail.subject = "A rare one" if subject else "Rows"
        record.mail.save(update_fields=["subject"])
    return signed_in


def test_a_search_that_stopped_goes_on_by_itself_and_adds_what_it_finds(rare: Page, live_server: LiveServer) -> None:
    rare.goto(f"{live_server.url}{RECORDS}?subject=rare")
    rows = rare.locator("table.records tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("r100@example.net")
    expect(rare.locator("#rest")).not_to_contain_text("Search on")
    expect(rare.locator("#total")).to_have_text("2 records")
    expect(rare.locator("#results-said")).to_have_text("2 records")
    rows.nth(1).locator("a").click()
    expect(rare.locator("#drawer")).to_contain_text("r100@example.net")


def test_a_search_for_newer_records_goes_on_by_itself_until_there_is_something_to_read(
    rare: Page, live_server: LiveServer
) -> None:
    oldest = SendingRecord.objects.get(receiver_address="r129@example.net")
    after = Position(oldest.started_at, oldest.pk)
    rare.goto(f"{live_server.url}{RECORDS}?subject=rare&after={after}")
    rows = rare.locator("table.records tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("r100@example.net")
    expect(rare.locator("#rest")).to_contain_text("Newer records may match.")
    expect(rare.locator("#results h2")).not_to_be_focused()
    rare.click("#rest >> text=Search on")
    expect(rare.locator("#search-on")).to_be_focused()
    expect(rows.first).to_contain_text("r10@example.net")
    rare.reload()
    expect(rows.first).to_contain_text("r10@example.net")


def test_who_searches_on_by_hand_keeps_the_focus_and_gets_several_steps(
    rare: Page, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "BUDGET_WITH_MAILS", 1)
    monkeypatch.setattr("records.listing.views.PAGE_SIZE", 1)  # two records a step, and six steps
    rare.goto(f"{live_server.url}{RECORDS}?subject=nothing")
    expect(rare.locator("#rest")).to_contain_text(f"Searched back to {NOON - timedelta(minutes=11):%Y-%m-%d %H:%M}")
    rare.locator("#search-on").press("Enter")
    expect(rare.locator("#rest")).to_contain_text(f"Searched back to {NOON - timedelta(minutes=23):%Y-%m-%d %H:%M}")
    expect(rare.locator("#search-on")).to_be_focused()


def test_searching_on_leaves_the_focus_where_it_is(rare: Page, live_server: LiveServer) -> None:
    rare.goto(live_server.url + RECORDS, wait_until="networkidle")
    rare.click(".more-filters > summary")
    rare.fill("#id_subject", "rare")
    expect(rare.locator("table.records tbody tr")).to_have_count(2)
    expect(rare.locator("#id_subject")).to_be_focused()
    expect(rare.locator("#more-count")).to_have_text(re.compile("1 in use"))


def test_times_become_those_of_the_browser(browser: Browser, live_server: LiveServer, administrator: User) -> None:
    make_record()
    with browser.new_context(timezone_id="Asia/Shanghai") as context:
        page = context.new_page()
        sign_in(page, live_server.url, administrator)
        page.goto(live_server.url + RECORDS)
        expect(page.locator("table.records time")).to_have_text("2026-03-10 20:00:00")
        expect(page.locator("#results")).to_contain_text("Times in Asia/Shanghai")
    assert ListPreference.objects.get(user=administrator).browser_time_zone == "Asia/Shanghai"


def test_a_menu_that_is_open_stays_while_times_become_those_of_the_browser(
    browser: Browser, live_server: LiveServer, administrator: User
) -> None:
    make_record()
    with browser.new_context(timezone_id="Asia/Shanghai", locale="en-US") as context:
        page = context.new_page()
        sign_in(page, live_server.url, administrator)
        held: list[Route] = []
        page.route("**/records/time-zone/", lambda route: held.append(route))  # noqa: PLW0108  # no builtin is taken
        with page.expect_request("**/records/time-zone/"):
            page.goto(live_server.url + RECORDS)
        page.click("summary:has-text('Export')")
        with page.expect_response(lambda response: response.url.endswith(RECORDS)) as answered:
            held.pop().continue_()
        answered.value.finished()
        expect(page.get_by_text("CSV now")).to_be_visible()
        expect(page.locator("#results")).to_contain_text("Times in UTC")
        page.click("summary:has-text('Export')")
        expect(page.locator("#results")).to_contain_text("Times in Asia/Shanghai")
        expect(page.get_by_text("CSV now")).to_be_hidden()


def test_what_is_in_the_zone_of_the_browser_is_not_shown_anew(
    browser: Browser, live_server: LiveServer, administrator: User
) -> None:
    make_record()
    with browser.new_context(timezone_id="UTC") as context:
        page = context.new_page()
        sign_in(page, live_server.url, administrator)
        page.goto(live_server.url + RECORDS)
        page.evaluate("document.querySelector('table.records').dataset.first = ''")
        page.wait_for_load_state("networkidle")
        expect(page.locator("table.records[data-first]")).to_be_visible()
    assert ListPreference.objects.get(user=administrator).browser_time_zone == "UTC"


def test_the_look_is_chosen_in_the_drawer(signed_in: Page, live_server: LiveServer) -> None:
    make_record()
    signed_in.goto(f"{live_server.url}{RECORDS}?receiver=anna", wait_until="networkidle")
    signed_in.get_by_role("link", name="View", exact=True).click()
    drawer = signed_in.locator("#drawer")
    drawer.get_by_label("Subject").check()
    drawer.get_by_label("Compact").check(force=True)
    drawer.get_by_role("button", name="Save").click()
    expect(signed_in.locator("table.records-compact th")).to_have_count(8)
    expect(signed_in).to_have_url(re.compile(r"\?receiver=anna$"))


def test_the_name_of_a_view_is_asked_for_again_within_the_list(signed_in: Page, live_server: LiveServer) -> None:
    make_record()
    for taken in ("Anna's", "Bob's"):
        SavedView.objects.create(user=User.objects.get(), name=taken, query="receiver=bob")
    signed_in.goto(f"{live_server.url}{RECORDS}?receiver=anna", wait_until="networkidle")
    signed_in.evaluate("document.getElementById('record-rows').dataset.same = ''")
    signed_in.click(".save-view > summary")
    name = signed_in.get_by_label("Name of the view")
    save = signed_in.get_by_role("button", name="Save")
    replace = signed_in.get_by_role("button", name="Replace it")
    for typed, sentence in (
        ("", "Give the view a name of at most 60 characters."),
        ("Bad\u202ename", "Take out what can't be seen: the name has control characters in it."),
        ("Failed today", "That is the name of a built-in view. Choose another name."),
        ("Bob's", "You have a view of that name already. Replace it, or choose another name."),
    ):
        name.fill(typed)
        save.click()
        expect(signed_in.locator(".save-view .errors")).to_have_text(sentence)
        expect(name).to_have_value(typed)
        expect(name).to_be_focused()
        assert_accessible(signed_in)
    name.fill("Anna's")
    replace.click()
    expect(name).to_have_accessible_description(re.compile("You have a view of that name already."))
    expect(name).to_have_value("Anna's")
    expect(signed_in.locator("#record-rows[data-same]")).to_be_visible()
    replace.click()
    expect(signed_in.locator("main")).to_contain_text("The view was saved in place of the one of that name.")
    expect(signed_in).to_have_url(re.compile(r"\?receiver=anna$"))
    assert dict(SavedView.objects.values_list("name", "query")) == {"Anna's": "receiver=anna", "Bob's": "receiver=bob"}


def test_the_page_that_asks_for_the_name_again_is_accessible_and_fits(signed_in: Page, live_server: LiveServer) -> None:
    signed_in.set_viewport_size({"width": 390, "height": 800})
    SavedView.objects.create(user=User.objects.get(), name="n" * 60, query="receiver=bob")
    signed_in.goto(f"{live_server.url}{RECORDS}?receiver={'long' * 70}", wait_until="networkidle")
    signed_in.click(".save-view > summary")
    signed_in.fill("#save-view-name", "n" * 60)
    # As without scripts: htmx does not see it.
    signed_in.evaluate("HTMLFormElement.prototype.submit.call(document.querySelector('.save-view form'))")
    expect(signed_in.get_by_role("heading", level=1)).to_have_text("Save as a view")
    expect(signed_in.get_by_label("Name of the view")).to_be_focused()
    expect(signed_in.locator("dl.facts")).to_contain_text("longlong")
    assert signed_in.evaluate("document.documentElement.scrollWidth") == 390
    assert_accessible(signed_in)


def test_a_table_that_is_wider_than_the_window_hints_at_it_and_is_moved_by_keys(
    signed_in: Page, live_server: LiveServer
) -> None:
    make_record()
    ListPreference.objects.update(columns=",".join(column.key for column in COLUMNS))
    signed_in.goto(live_server.url + RECORDS, wait_until="networkidle")
    wrap = signed_in.locator(".table-wrap:has(> .records)")
    assert wrap.evaluate("wrap => wrap.scrollWidth - wrap.clientWidth") > 100
    attachment = wrap.evaluate("wrap => getComputedStyle(wrap).backgroundAttachment")
    assert attachment == "local, local, scroll, scroll"  # what covers the shadow at the ends, and the shadow
    signed_in.locator("#record-rows a").first.focus()
    signed_in.keyboard.press("ArrowRight")
    signed_in.wait_for_function("() => document.querySelector('.table-wrap:has(> .records)').scrollLeft > 0")


@pytest.fixture
def without_scripts(browser: Browser, live_server: LiveServer, administrator: User) -> Iterator[Page]:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, live_server.url, administrator)
        yield page


def test_everything_works_without_scripts(without_scripts: Page, live_server: LiveServer) -> None:
    page = without_scripts
    make_record(receiver_address="anna@example.net")
    make_record(receiver_address="bob@example.net")
    page.goto(live_server.url + RECORDS)
    page.click(".more-filters > summary")
    page.fill("#id_message_id", "")
    page.fill("#id_receiver", "anna")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("table.records tbody tr")).to_have_count(1)
    page.click(".save-view > summary")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#save-view-name")).to_have_accessible_description(re.compile("Give the view a name"))
    page.fill("#save-view-name", "Anna's")
    page.get_by_role("button", name="Save").click()
    assert SavedView.objects.get().query == "receiver=anna"
    page.goto(f"{live_server.url}{RECORDS}?receiver=ann")
    page.click(".save-view > summary")
    page.fill("#save-view-name", "Anna's")
    page.press("#save-view-name", "Enter")
    expect(page.locator("main")).to_contain_text("You have a view of that name already.")
    page.get_by_role("button", name="Replace it").click()
    assert SavedView.objects.get().query == "receiver=ann"
    page.get_by_role("link", name="Fold tries").click()
    expect(page.get_by_role("link", name="Fold tries")).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="View", exact=True).click()
    page.get_by_label("Compact").check(force=True)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("table.records-compact tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Take away Receiver ann").click()
    expect(page.locator("table.records tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Edit views").click()
    page.get_by_role("button", name="Delete Anna's").click()
    expect(page.locator("main")).to_contain_text("No view is saved yet")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    "path", ["?phase=auth&range=7d", "?fold=1&receiver=an", "?since=soon&phase=lunch", "look/", "views/"]
)
def test_it_is_accessible_and_fits(
    signed_in: Page, live_server: LiveServer, administrator: User, path: str, width: int
) -> None:
    make_record(receiver_address=f"{'anna' * 15}@{'example' * 8}.net", accessed_resource="/task/" + "long" * 200)
    SavedView.objects.create(user=administrator, name="n" * 60, query="receiver=anna")
    signed_in.emulate_media(reduced_motion="reduce")
    signed_in.set_viewport_size({"width": width, "height": 800})
    signed_in.goto(live_server.url + RECORDS + path, wait_until="networkidle")
    assert signed_in.evaluate("document.documentElement.scrollWidth") == width
    for theme in ("light", "dark"):
        signed_in.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        assert_accessible(signed_in)
