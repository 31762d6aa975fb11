"""The pages in a real browser: accessible in every state, light to carry, silent, usable narrow and without scripts."""

import gzip
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from records.enums import Fault, Outcome, Phase, ReceiverState
from records.models import Mail, SendingRecord
from senders.models import Sender
from senders.services import save_sender
from tests.people import client_of, make_person, sign_in
from tests.records.rows import compose, make_mail, make_record
from tests.web.conftest import Violations, Visit

MAILBOX = "/system/setting/mailbox/"
RECORDS = f"{MAILBOX}records/"
MAX_BYTES = 80_000


@pytest.fixture
def records(transactional_db: None) -> list[SendingRecord]:
    """One record of each outcome, the mail of the first with content."""
    mail = make_mail(mime=compose(html="<p>Hello</p>", files=(("rows.csv", b"a,b"),)), requested_by="scheduler")
    rows = [
        make_record(
            mail,
            receiver_address=f"{outcome}@example.net",
            outcome=outcome,
            started_at=timezone.now() - timedelta(minutes=number),
            ended_at=None if outcome == Outcome.SENDING else timezone.now(),
            state=ReceiverState.ACCEPTED if outcome == Outcome.ACCEPTED else ReceiverState.REFUSED,
            template_name="Weekly report",
            accessed_resource="/report/weekly-kpi",
            requester_ip="10.20.30.40",
        )
        for number, outcome in enumerate(Outcome)
    ]
    SendingRecord.objects.filter(outcome=Outcome.REFUSED).update(
        phase=Phase.RCPT, fault=Fault.REPLY, reply_code=550, enhanced_status="5.1.1", reply_text="User unknown"
    )
    return rows


def pick(records: list[SendingRecord], outcome: Outcome) -> SendingRecord:
    return next(record for record in records if record.outcome == outcome)


def themes(page: Page) -> Iterator[str]:
    """Go through both themes, so that contrast is measured in each."""
    page.emulate_media(reduced_motion="reduce")
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        yield theme


def assert_accessible(page: Page, violations: Violations) -> None:
    for theme in themes(page):
        assert violations() == [], theme


@pytest.mark.parametrize("width", [1280, 390])
def test_the_record_list_is_accessible(
    page: Page, visit: Visit, violations: Violations, records: list[SendingRecord], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    visit(RECORDS)
    assert_accessible(page, violations)


@pytest.mark.parametrize("query", ["", "?receiver=nobody", "?since=soon", "?result=failed"])
def test_its_other_states_are_accessible(
    page: Page, visit: Visit, violations: Violations, query: str, request: pytest.FixtureRequest
) -> None:
    if query:
        request.getfixturevalue("records")
    visit(RECORDS + query)
    assert_accessible(page, violations)


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.SENDING])
def test_the_page_of_a_record_is_accessible(
    page: Page, visit: Visit, violations: Violations, records: list[SendingRecord], outcome: Outcome
) -> None:
    visit(f"{RECORDS}{pick(records, outcome).pk}/")
    assert_accessible(page, violations)


def test_the_content_is_accessible(
    page: Page, visit: Visit, violations: Violations, records: list[SendingRecord]
) -> None:
    visit(f"{MAILBOX}mails/{records[0].mail_id}/content/")
    assert_accessible(page, violations)


@pytest.mark.parametrize("path", ["/password/", "/nothing-here/"])
def test_the_pages_around_are_accessible(page: Page, visit: Visit, violations: Violations, path: str) -> None:
    visit(path)
    assert_accessible(page, violations)


def test_sign_in_is_accessible_also_when_it_fails(
    page: Page, live_server: LiveServer, violations: Violations, administrator: User
) -> None:
    page.goto(f"{live_server.url}/sign-in/")
    assert_accessible(page, violations)
    page.fill("#id_username", "ada")
    page.fill("#id_password", "wrong")
    page.press("#id_password", "Enter")
    expect(page.get_by_role("alert")).to_contain_text("Please enter a correct username and password.")
    assert_accessible(page, violations)


def test_the_lock_is_accessible(page: Page, live_server: LiveServer, violations: Violations) -> None:
    for _try in range(5):
        page.goto(f"{live_server.url}/sign-in/")
        page.fill("#id_username", "ada")
        page.fill("#id_password", "wrong")
        page.press("#id_password", "Enter")
    expect(page.get_by_role("heading", name="Too many tries")).to_be_visible()
    assert_accessible(page, violations)


def test_what_is_not_allowed_is_said_accessibly(
    page: Page, live_server: LiveServer, violations: Violations, auditor: User
) -> None:
    sign_in(page, live_server.url, auditor)
    page.goto(live_server.url + MAILBOX)
    expect(page.get_by_text("See sender accounts")).to_be_visible()
    assert_accessible(page, violations)
    page.get_by_role("link", name="Go to a page you may open").click()
    page.wait_for_url(f"**{MAILBOX}overview/")


def test_a_record_opens_beside_the_list_and_closes_again(
    page: Page, visit: Visit, violations: Violations, records: list[SendingRecord]
) -> None:
    visit(RECORDS)
    link = page.get_by_role("row").filter(has_text="refused@example.net").get_by_role("link")
    link.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.locator("#drawer-title")).to_be_focused()
    expect(drawer).to_contain_text("550 5.1.1 User unknown")
    assert_accessible(page, violations)
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(link).to_be_focused()


def test_the_whole_row_opens_the_record(page: Page, visit: Visit, records: list[SendingRecord]) -> None:
    visit(RECORDS)
    page.get_by_text("refused@example.net").click()
    expect(page.get_by_role("dialog")).to_contain_text("User unknown")
    page.mouse.click(40, 400)
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_content_opens_within_the_record(page: Page, visit: Visit, records: list[SendingRecord]) -> None:
    visit(RECORDS)
    page.get_by_text("accepted@example.net").click()
    page.get_by_role("dialog").get_by_role("link", name="Show the content").click()
    frame = page.frame_locator("iframe.mail-frame")
    expect(frame.get_by_text("Hello")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="rows.csv").click()
    assert download.value.suggested_filename == "rows.csv"


def test_a_filter_shows_its_results_at_once_and_in_the_address_bar(
    page: Page, visit: Visit, records: list[SendingRecord]
) -> None:
    visit(RECORDS)
    page.get_by_role("searchbox", name="Receiver").press_sequentially("REFUSED@")
    page.wait_for_url(re.compile(r"receiver=REFUSED%40"))
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_text("Success", exact=True).first.click()
    page.wait_for_url(re.compile(r"result=success"))
    expect(page.get_by_text("No record matches these filters")).to_be_visible()
    page.reload()
    expect(page.get_by_role("searchbox", name="Receiver")).to_have_value("REFUSED@")
    page.go_back()
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="Clear filters").click()
    expect(page.get_by_role("row")).to_have_count(1 + len(records))


def test_everything_works_without_scripts(
    browser: Browser, live_server: LiveServer, administrator: User, records: list[SendingRecord]
) -> None:
    with browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800}) as context:
        page = context.new_page()
        sign_in(page, live_server.url, administrator)
        page.goto(live_server.url + RECORDS)
        page.get_by_role("searchbox", name="Receiver").fill("refused@")
        page.get_by_role("button", name="Apply").click()
        page.get_by_role("row").filter(has_text="refused@example.net").get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Record"))
        page.get_by_role("link", name="Show the content").click()
        expect(page.frame_locator("iframe.mail-frame").get_by_text("Hello")).to_be_visible()
        page.get_by_role("button", name="Open navigation").click()
        page.get_by_role("button", name="Dark").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.get_by_role("button", name="Open navigation").click()
        page.locator(".user-menu summary").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("path", [RECORDS, f"{RECORDS}?receiver=nobody", "/password/", "/nothing/"])
def test_nothing_is_wider_than_a_phone(page: Page, visit: Visit, records: list[SendingRecord], path: str) -> None:
    long = "a-very-long-local-part-that-goes-on-and-on@a-very-long-subdomain.of.a-long-domain.example.net"
    make_record(Mail.objects.first(), receiver_address=long, sender_address=long, accessed_resource="/x" * 200)
    page.set_viewport_size({"width": 390, "height": 844})
    visit(path)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_keyboard_reaches_the_content_first(page: Page, visit: Visit) -> None:
    visit(RECORDS)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_user_menu_leads_to_the_password(page: Page, visit: Visit) -> None:
    visit(RECORDS)
    page.locator(".user-menu summary").click()
    page.get_by_role("link", name="Change password").click()
    expect(page.get_by_role("heading", name="Change password")).to_be_visible()


def test_a_part_that_fails_is_told(page: Page, visit: Visit, records: list[SendingRecord]) -> None:
    visit(RECORDS)
    page.route(f"**/records/{pick(records, Outcome.REFUSED).pk}/", lambda route: route.fulfill(status=404))
    page.get_by_text("refused@example.net").click()
    expect(page.get_by_role("alert")).to_contain_text("That did not work")


def test_a_part_that_is_gone_says_so(page: Page, visit: Visit, records: list[SendingRecord]) -> None:
    visit(RECORDS)
    Mail.objects.get(pk=pick(records, Outcome.REFUSED).mail_id).delete()
    page.get_by_text("refused@example.net").click()
    expect(page.get_by_role("dialog")).to_contain_text("This record is not there")


def weigh(client: Client, path: str) -> int:
    """Bytes over the wire of a page with everything that it names, compressed as the server sends it."""
    response = client.get(path, headers={"Accept-Encoding": "gzip"})
    body = response.content
    text = gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body
    assets = set(re.findall(r'(?:href|src)="/static/([^"]+)"', text.decode()))
    return len(body) + sum(len(gzip.compress(Path(str(finders.find(name))).read_bytes())) for name in assets)


@pytest.mark.django_db
def test_every_page_is_light_to_carry() -> None:
    mail = make_mail(mime=compose(html="<p>Hello</p>"))
    for number in range(60):
        make_record(
            mail,
            receiver_address=f"somebody.{number}@a-department.example.net",
            template_name=f"Weekly report {number}",
            accessed_resource=f"/pipeline/crm_to_dwh/{number}",
            requester_ip="10.20.30.40",
        )
    senders = [
        save_sender(
            Sender(
                address=f"platform.{number}@a-department.example.net", display_name=f"Platform {number}", host="mx.test"
            ),
            password="canary-pw",
        )
        for number in range(30)
    ]
    client = client_of(make_person(role="administrator"))
    accounts = [
        f"{MAILBOX}{path}" for path in ("", "senders/add/", f"senders/{senders[0].pk}/", "guides/qq/", "compose/")
    ]
    record = SendingRecord.objects.latest("pk")
    paths = [RECORDS, f"{RECORDS}{record.pk}/", f"{MAILBOX}mails/{mail.pk}/content/", "/password/", "/x/", *accounts]
    assert {path: weight for path in paths if (weight := weigh(client, path)) > MAX_BYTES} == {}


@pytest.mark.django_db
def test_the_policy_allows_nothing_inline() -> None:
    client = client_of(make_person(role="administrator"))
    for path in (RECORDS, "/password/", "/nothing/"):
        response = client.get(path)
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        text = response.content.decode()
        assert re.findall(r"<style|style=|<script(?![^>]*\bsrc=)| on[a-z]+=", text) == []


@pytest.mark.django_db
def test_an_error_page_needs_no_request() -> None:
    text = render_to_string("500.html")
    assert "Mail that was already accepted is safe" in text


def test_escape_closes_the_user_menu_and_gives_the_focus_back(page: Page, visit: Visit) -> None:
    visit("/")
    summary = page.locator(".user-menu summary")
    summary.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.locator(".user-menu")).not_to_have_attribute("open", "")
    expect(summary).to_be_focused()
