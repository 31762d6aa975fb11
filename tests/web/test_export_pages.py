"""Exports in the background, as pages: who may, what is said where one can't begin, and the way from list to file."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from delivery import exporting
from records.clock import database_now
from records.evidence.keys import read_public_key
from records.evidence.verifying import Verification
from records.export import parts, reading, writing
from records.export.models import ExportOrder
from records.keeping.completeness import mark_removed
from records.listing.preferences import keep_browser_time_zone
from records.models import SendingRecord
from tests.people import client_of, lose, make_person
from tests.records.rows import NOON, make_mail, make_record
from tests.web.checking import MAILBOX, assert_accessible, skip_sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_keys")]

URL = f"{MAILBOX}exports/"
NEEDED = ("records.view_sendingrecord", "records.export_records")


@pytest.fixture
def ann() -> User:
    return make_person(*NEEDED, name="ann")


@pytest.fixture
def client(ann: User) -> Client:
    return client_of(ann)


def make_records(count: int, **values: object) -> None:
    mail = make_mail(subject="Q1 figures")
    for number in range(count):
        moment = NOON + timedelta(seconds=number)
        make_record(mail, receiver_address=f"r{number}@example.net", started_at=moment, epoch=number + 1, **values)


def typed(kind: str, **values: str) -> dict[str, str]:
    return {"kind": kind, "ticket": str(uuid4()), "time_zone": "UTC", **values}


def begin(client: Client, query: str = "", **values: str) -> ExportOrder:
    response = client.post(f"{URL}new/{query}", {**typed("csv"), **values})
    assert response.status_code == 302, text_of(response.content)
    return ExportOrder.objects.latest("pk")


def finish(order: ExportOrder) -> ExportOrder:
    while exporting.continue_one(order.pk, seconds=60):
        pass
    order.refresh_from_db()
    return order


def text_of(content: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", content.decode()).split())


def test_the_file_is_for_the_person_who_asked_and_for_superusers(client: Client) -> None:
    make_records(2)
    order = finish(begin(client))
    response = client.get(f"{URL}{order.pk}/file")
    content = response.getvalue()
    assert (int(response["Content-Length"]), content.count(b"\r\n")) == (len(content), 3)
    assert response["Content-Disposition"].startswith('attachment; filename="mail-sending-record-')
    other = client_of(make_person(*NEEDED))
    for path in ("", "file"):
        assert other.get(f"{URL}{order.pk}/{path}").status_code == 404
    assert other.post(f"{URL}{order.pk}/cancel/").status_code == 404
    assert "Nothing was exported in the background yet" in text_of(other.get(URL).content)
    superuser = client_of(User.objects.create_superuser("root"))
    assert superuser.get(f"{URL}{order.pk}/file").getvalue() == content


def test_the_file_is_named_by_the_clock_of_who_asked_for_it(client: Client) -> None:
    order = finish(begin(client))
    asked_at = datetime(2026, 3, 10, 22, 30, tzinfo=UTC)
    ExportOrder.objects.update(time_zone="Asia/Shanghai", asked_at=asked_at)
    response = client.get(f"{URL}{order.pk}/file")
    name = f"mail-sending-record-20260311-063000-{order.pk}.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'


def test_the_page_tells_filters_by_the_clock_and_the_permissions_of_who_reads(ann: User, client: Client) -> None:
    ann.user_permissions.add(Permission.objects.get(codename="view_content"))
    order = begin(client, "?since=2026-03-10&subject=payroll")
    keep_browser_time_zone(ann.pk, "Asia/Shanghai")
    page = client.get(f"{URL}{order.pk}/").content
    assert "From 2026-03-10 08:00 Subject payroll" in text_of(page)
    assert f'href="{MAILBOX}records/?since=2026-03-10T08%3A00&amp;subject=payroll"' in page.decode()
    assert "Times in the file UTC" in text_of(page)
    lose(ann, "view_content")
    page = client.get(f"{URL}{order.pk}/").content
    assert "Subject (for those who may see the content of mails)" in text_of(page)
    assert f'href="{MAILBOX}records/">' in page.decode()
    assert b"payroll" not in page


def test_permissions_count_when_it_is_fetched(ann: User, client: Client) -> None:
    order = finish(begin(client_of(User.objects.create_superuser("root"))))
    ExportOrder.objects.update(person=ann)
    assert order.with_subjects
    assert client.get(f"{URL}{order.pk}/file").status_code == 403
    plain = finish(begin(client))
    assert not plain.with_subjects
    assert client.get(f"{URL}{plain.pk}/file").status_code == 200
    ann.user_permissions.clear()
    assert client.get(f"{URL}{plain.pk}/file").status_code == 403


def test_a_file_whose_time_is_over_or_that_is_not_ready_is_not_there(client: Client) -> None:
    make_records(1)
    order = begin(client)
    assert client.get(f"{URL}{order.pk}/file").status_code == 404
    finish(order)
    ExportOrder.objects.update(expires_at=database_now())
    assert client.get(f"{URL}{order.pk}/file").status_code == 404


def test_a_file_whose_time_is_over_is_said_to_be_gone_before_it_is_tidied_away(client: Client) -> None:
    order = finish(begin(client, "?receiver=r1"))
    assert (order.state, "Download" in text_of(client.get(URL).content)) == ("ready", True)
    ExportOrder.objects.update(expires_at=NOON)
    listed, shown = (text_of(client.get(path).content) for path in (URL, f"{URL}{order.pk}/"))
    for page in (listed, shown):
        assert "Ready" not in page
        assert "Download" not in page
    assert "Not kept any more" in listed
    assert "The file is not kept any more: it was there until 2026-03-10 12:00." in shown
    assert f'href="{URL}new/?receiver=r1"' in client.get(f"{URL}{order.pk}/").content.decode()
    page = text_of(client.post(f"{URL}{order.pk}/cancel/", follow=True).content)
    assert "Too late: it had ended already." in page
    assert ExportOrder.objects.get().expires_at == NOON


def test_evidence_needs_its_days_and_says_which_filters_count(client: Client) -> None:
    query = "new/?sender=noreply%40example.com&receiver=r1"
    assert "Of the filters only the sender counts: noreply@example.com." in text_of(client.get(URL + query).content)
    values = typed("evidence", since="2026-03-10")
    response = client.post(URL + query, values)
    assert response.status_code == 400
    assert "Choose the last day that the evidence covers." in text_of(response.content)
    assert b'value="2026-03-10"' in response.content
    tomorrow = str(timezone.localdate() + timedelta(days=1))
    response = client.post(URL + query, values | {"since": tomorrow, "until": tomorrow})
    assert "Of that day nothing is recorded yet." in text_of(response.content)
    assert client.post(URL + query, values | {"until": "2026-03-10"}).status_code == 302
    assert ExportOrder.objects.get().query == "sender=noreply%40example.com&since=2026-03-10&until=2026-03-10"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("days", [{"since": "soon"}, {"since": "2026-03-11", "until": "2026-03-10"}])
def test_days_count_for_evidence_only(client: Client, kind: str, days: dict[str, str]) -> None:
    assert begin(client, "?receiver=r1", **typed(kind, **days)).query == "receiver=r1"
    assert client.post(f"{URL}new/", typed("evidence", **days)).status_code == 400


def test_days_are_those_that_were_shown_though_midnight_passes(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = client.get(f"{URL}new/?range=today", follow=True).request["QUERY_STRING"]
    tomorrow = timezone.localdate() + timedelta(days=1)
    monkeypatch.setattr(timezone, "localdate", lambda: tomorrow)
    assert begin(client, f"?{shown}").query == shown


def test_days_that_would_be_others_tomorrow_are_not_taken_at_their_word(client: Client) -> None:
    response = client.post(f"{URL}new/?range=7d", typed("csv"), follow=True)
    assert "The page was out of date, and nothing was begun." in text_of(response.content)
    assert f"{URL}new/?since=" in response.redirect_chain[-1][0]
    assert not ExportOrder.objects.exists()


def test_nothing_begins_where_the_days_shown_mean_others_by_now(ann: User, client: Client) -> None:
    keep_browser_time_zone(ann.pk, "Asia/Shanghai")
    response = client.post(f"{URL}new/?since=2026-03-10", typed("csv"), follow=True)
    assert "The page was out of date, and nothing was begun." in text_of(response.content)
    assert b'<input type="hidden" name="time_zone" value="Asia/Shanghai"' in response.content
    assert not ExportOrder.objects.exists()
    assert begin(client, "?since=2026-03-10", time_zone="Asia/Shanghai").time_zone == "Asia/Shanghai"


def test_a_page_that_is_sent_in_twice_begins_once(client: Client) -> None:
    ticket = str(uuid4())
    assert begin(client, ticket=ticket) == begin(client, ticket=ticket)
    assert client.post(f"{URL}new/", {"kind": "csv"}, follow=True).redirect_chain == [(f"{URL}new/", 302)]


def test_a_page_of_another_begins_nothing_and_tells_nothing(client: Client) -> None:
    ticket = str(uuid4())
    order = begin(client, ticket=ticket)
    other = client_of(make_person(*NEEDED, name="bob"))
    path = f"{URL}new/?receiver=r1"
    response = other.post(path, typed("csv", ticket=ticket), follow=True)
    assert response.redirect_chain == [(path, 302)]
    assert "The page was out of date, and nothing was begun." in text_of(response.content)
    assert ExportOrder.objects.get() == order
    assert begin(other).person.username == "bob"


def test_whose_permission_is_gone_is_told_on_its_page(ann: User, client: Client) -> None:
    order = begin(client)
    lose(ann, "active")
    finish(order)
    superuser = client_of(User.objects.create_superuser("root"))
    said = text_of(superuser.get(f"{URL}{order.pk}/").content)
    assert "Whoever asked for it was deactivated since, or may not export these records any more." in said


def test_where_none_can_begin_it_says_why(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        begin(client)
    values = typed("xlsx")
    said = text_of(client.post(f"{URL}new/", values).content)
    assert "3 exports of yours are not finished yet. Wait for one of them, or cancel it." in said
    monkeypatch.setattr(writing, "MAX_STORED", 0)
    said = text_of(client.post(f"{URL}new/", values).content)
    assert "The files of all exports together take as much as they may." in said


def test_the_list_offers_nothing_else_where_there_are_many_records(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_records(3)
    ways = ("CSV now", "XLSX now", "In the background…")

    def offered() -> list[str]:
        said = text_of(client.get(f"{MAILBOX}records/?receiver=example.net").content)
        return [way for way in ways if way in said]

    assert offered() == [*ways]
    monkeypatch.setattr("records.listing.views.MAX_COUNTED", 2)
    assert offered() == ["In the background…"]


def test_from_the_list_to_the_file(
    page: Page, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reading, "BATCH", 2)
    monkeypatch.setattr(parts, "PART_BYTES", 1)
    make_records(5)
    skip_sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{MAILBOX}records/?receiver=example.net")
    with page.expect_download() as streamed:
        page.click("summary:has-text('Export')")
        page.click("text=CSV now")
    page.click("summary:has-text('Export')")
    page.click("text=In the background…")
    expect(page.locator(".deed-count")).to_have_text("5 records")
    expect(page.locator("[name=since]")).to_be_hidden()
    assert_accessible(page)
    page.click("text=Begin the export")
    status = page.locator("#work [role=status]")
    expect(status).to_contain_text("Waiting for a worker.")
    order = ExportOrder.objects.get()
    writing.write_next(order.pk)
    expect(status).to_contain_text("2 of 5 records are written.")
    finish(order)
    expect(status).to_contain_text("Ready: 5 records are in the file.")
    expect(page.locator("[data-refresh]")).to_have_count(0)
    assert_accessible(page)
    with page.expect_download() as written:
        page.click("text=Download")
    assert Path(written.value.path()).read_bytes() == Path(streamed.value.path()).read_bytes()
    page.click("text=Remove the file")
    expect(page.locator("#work [role=status]")).to_contain_text("The file is not kept any more")


def test_whoever_is_at_a_link_stays_there_while_the_pages_follow(
    page: Page, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BATCH", 2)
    monkeypatch.setattr(parts, "PART_BYTES", 1)
    make_records(7)
    skip_sign_in(page, live_server.url)
    client = client_of(User.objects.get())
    done, running = finish(begin(client)), begin(client)
    for path, place, said in (
        (f"{running.pk}/", "#to-records", "2 of 7 records are written."),
        (f"{running.pk}/", "#stop", "4 of 7 records are written."),
        ("", f"#file-{done.pk}", "6"),
    ):
        page.goto(f"{live_server.url}{URL}{path}")
        page.focus(place)
        writing.write_next(running.pk)
        expect(page.locator("#work [role=status], tbody tr:first-child td:nth-child(4)")).to_contain_text(said)
        expect(page.locator(place)).to_be_focused()


def test_evidence_without_scripts(browser: Browser, live_server: LiveServer) -> None:
    make_records(3)
    with browser.new_context(java_script_enabled=False, locale="en-US") as context:
        page = context.new_page()
        skip_sign_in(page, live_server.url)
        page.goto(f"{live_server.url}{URL}new/?since=2026-03-10&until=2026-03-10")
        page.check("[value=evidence]")
        page.click("text=Begin the export")
        order = finish(ExportOrder.objects.get())
        page.reload()
        key = read_public_key(page.inner_text("#public-key"))
        with page.expect_download() as written:
            page.click("text=Download")
        verification = Verification(key)
        assert list(verification.run(Path(written.value.path()).read_bytes().splitlines(keepends=True))) == []
    assert (verification.records, order.rows) == (3, 3)


@pytest.mark.parametrize("is_removed", [True, False])
def test_evidence_says_that_records_of_its_time_were_removed(client: Client, *, is_removed: bool) -> None:
    make_records(3)
    if is_removed:
        mark_removed(SendingRecord.objects.all())
    work = finish(begin(client, kind="evidence", since="2026-03-10", until="2026-03-10"))
    page = text_of(client.get(f"{URL}{work.pk}/").content)
    assert ("had been removed by the rules of keeping" in page) is is_removed
    assert "Complete until 2026-03-11 00:00:00" in page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_a_phone(page: Page, live_server: LiveServer, theme: str) -> None:
    skip_sign_in(page, live_server.url)
    client = client_of(User.objects.get())
    days = {"since": "2026-03-10", "until": "2026-03-10"}
    done = finish(begin(client, "?sender=noreply%40example.com", kind="evidence", **days))
    running = begin(client, f"?receiver={'long' * 30}")
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.set_viewport_size({"width": 390, "height": 800})
    for path in (f"new/?receiver={'long' * 30}", "", f"{done.pk}/", f"{running.pk}/"):
        page.goto(f"{live_server.url}{URL}{path}")
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
