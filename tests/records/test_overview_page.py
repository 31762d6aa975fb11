"""The dashboard: its numbers are the records', its days the reader's, its links lead to what it counts."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from records.enums import Outcome
from records.error_book import get_entry
from records.keeping.models import KeepingRules, RemovalMark
from records.listing.models import ListPreference
from records.models import Mail, SendingRecord
from records.overview.chart import draw, find_top, write_short
from records.overview.figures import Tally
from records.overview.spans import Span, find_window
from records.rollups.folding import fold
from records.rollups.reading import Total, read_totals
from senders.enums import CircuitState
from senders.listing import show_time
from senders.models import Allowance, Circuit, Sender
from tests.people import client_of, make_person
from tests.records.rows import make_record

URL = "/system/setting/mailbox/overview/"
LIST = "/system/setting/mailbox/records/"
SERVER = "mail.example.com:587"
HOUR = timedelta(hours=1)


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_sendingrecord"))


def page_of(client: Client, span: str = "") -> str:
    response = client.get(URL, {"span": span} if span else {})
    assert response.status_code == 200
    return unescape(response.content.decode())


def tiles_of(page: str) -> dict[str, str]:
    """The numbers by what stands above them."""
    found = re.findall(r"<dt>\s*(.*?)\s*</dt>\s*<dd>(.*?)</dd>", page, re.DOTALL)
    return {name: " ".join(re.sub(r"<[^>]+>", "", number).split()) for name, number in found}


def table_of(page: str) -> dict[str, tuple[int, ...]]:
    """The chart's figures by time, without the times of which nothing is known."""
    body = page[page.index('class="table figures"') :]
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', body[: body.index("</table>")], re.DOTALL)
    figures = {when: tuple(int(number) for number in re.findall(r">([\d,]+)</td>", cells)) for when, cells in rows}
    return {when: numbers for when, numbers in figures.items() if any(numbers)}


def links_to_list(page: str) -> list[dict[str, list[str]]]:
    """Where the page leads in the record list."""
    return [parse_qs(urlsplit(link).query) for link in re.findall(rf'href="({LIST}\?[^"]+)"', page)]


def section_of(page: str, title_id: str) -> str:
    beginning = page.index(f'aria-labelledby="{title_id}"')
    return page[beginning : page.index("</section>", beginning)]


@pytest.mark.parametrize("folded", [True, False])
def test_the_tiles_count_the_records(client: Client, folded: bool) -> None:
    now = timezone.now()
    for outcome, tries in (("accepted", 7), ("refused", 2), ("skipped", 1), ("unknown", 3)):
        for _try in range(tries):
            make_record(outcome=outcome, server=SERVER, started_at=now)
    make_record(outcome="skipped", cause="skipped-handed_over", started_at=now)
    make_record(started_at=now - timedelta(days=40))
    if folded:
        fold()
    assert tiles_of(page_of(client)) == {
        "Accepted for receivers": "7 each receiver of a mail counts",
        "Success rate": "50.0% of all tries",
        "Failed tries": "4 3 final: not retried automatically 3 may have arrived",
        "Waiting now": "0 mails in the queue",
        "Average duration": "240 ms of a try that a server answered",
    }
    assert tiles_of(page_of(client, "90d"))["Accepted for receivers"].split()[0] == "8"


@pytest.mark.parametrize(
    ("success", "failed", "rate"),
    [(1, 0, "100"), (0, 1, "0"), (9999, 1, "99.9"), (1, 9999, "0.1"), (21, 6, "77.8"), (260, 165, "61.2")],
)
def test_a_rate_is_whole_only_where_it_really_is(success: int, failed: int, rate: str) -> None:
    assert Tally(success, failed).rate == rate


def test_what_waits_is_told_with_the_way_to_the_queue(client: Client) -> None:
    make_record(started_at=timezone.now())
    Mail.objects.update(state="queued", finished_at=None)
    page = page_of(client)
    assert tiles_of(page)["Waiting now"].startswith("1")
    assert 'href="/system/setting/mailbox/queue/"' in page


@pytest.mark.parametrize("span", Span)
def test_the_chart_adds_up_to_the_tiles(client: Client, span: Span) -> None:
    now = timezone.now()
    for hours in range(0, 24 * 380, 61):
        make_record(started_at=now - hours * HOUR, outcome="refused" if hours % 2 else "accepted")
    fold()
    page = page_of(client, span)
    tiles = tiles_of(page)
    figures = table_of(page).values()
    assert sum(success for success, _uncertain, _failed in figures) == int(tiles["Accepted for receivers"].split()[0])
    assert sum(failed for _success, _uncertain, failed in figures) == int(tiles["Failed tries"].split()[0])


def test_24_hours_end_with_the_present_one(client: Client) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for hours in (0, 1, 23, 24):
        make_record(started_at=hour - hours * HOUR)
    assert list(table_of(page_of(client, "24h"))) == [
        f"{hour - hours * HOUR:%Y-%m-%d %H:%M}–{hour - (hours - 1) * HOUR:%H:%M}" for hours in (23, 1, 0)
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/Los_Angeles"])
def test_days_are_those_of_the_reader(zone: str) -> None:
    with timezone.override(zone):
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        make_record(started_at=midnight - timedelta(seconds=1))
        make_record(started_at=midnight)
        window = find_window(Span.WEEK, timezone.now())
        bars = draw(read_totals(window.bounds), window).bars
        assert {bar.words: bar.tally.success for bar in bars if bar.tally.tries} == {
            f"{midnight - timedelta(days=1):%Y-%m-%d}": 1,
            f"{midnight:%Y-%m-%d}": 1,
        }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("now", "hours"), [(datetime(2026, 3, 29, 20, tzinfo=UTC), 23), (datetime(2026, 10, 25, 20, tzinfo=UTC), 25)]
)
def test_the_days_on_which_the_clock_is_changed_have_23_and_25_hours(now: datetime, hours: int) -> None:
    with timezone.override("Europe/Berlin"):
        window = find_window(Span.WEEK, now)
        begins, ends = window.steps[-1]
        assert (ends - begins) == hours * HOUR
        for number in range(-1, hours + 1):
            make_record(started_at=begins + number * HOUR)
        totals = sorted((total.span, total.success) for total in read_totals(window.bounds))
        assert totals == [(5, 1), (6, hours)]


@pytest.mark.parametrize(
    ("now", "hours"),
    [("2026-10-25T23:30Z", 24), ("2026-10-26T00:30Z", 25), ("2026-10-26T01:30Z", 24), ("2026-03-30T00:30Z", 24)],
)
def test_24_hours_begin_where_their_links_do_though_an_hour_comes_twice(now: str, hours: int) -> None:
    with timezone.override("Europe/Berlin"):
        window = find_window(Span.DAY, datetime.fromisoformat(now))
        since = datetime.fromisoformat(window.filters().as_parameters()["since"])
        assert timezone.make_aware(since).astimezone(UTC) == window.since
        assert len(window.steps) == hours


@pytest.mark.parametrize(
    ("today", "first"), [("2026-11-23", "2025-11-24"), ("2026-11-29", "2025-11-24"), ("2026-11-30", "2025-12-01")]
)
def test_12_months_begin_on_a_monday_52_weeks_ago(today: str, first: str) -> None:
    window = find_window(Span.YEAR, datetime.fromisoformat(today).replace(hour=12, tzinfo=UTC))
    assert f"{window.since:%Y-%m-%d}" == first
    assert len(window.steps) == 53


@pytest.mark.parametrize(
    ("most", "top"), [(0, 4), (4, 4), (5, 6), (9, 10), (11, 12), (99, 100), (101, 120), (1_300, 1_600), (3_090, 4_000)]
)
def test_the_axis_ends_with_a_number_that_reads_well(most: int, top: int) -> None:
    assert find_top(most) == top


def test_senders_and_templates_stand_in_the_order_of_their_tries(client: Client) -> None:
    now = timezone.now()
    for address, template, tries in (("b@example.com", "Weekly", 3), ("a@example.com", "", 5)):
        for number in range(tries):
            outcome = "accepted" if number else "refused"
            make_record(sender_address=address, template_name=template, outcome=outcome, started_at=now)
    page = page_of(client)
    senders, templates = section_of(page, "by-sender"), section_of(page, "by-template")
    assert re.findall(r"\w@example\.com</bdi></a>", senders) == ["a@example.com</bdi></a>", "b@example.com</bdi></a>"]
    assert re.findall(r"(\d+) tries", senders) == ["5", "3"]
    assert re.findall(r"([\d.]+)% success", senders) == ["80.0", "66.7"]
    assert "No template</span>" in templates
    assert "Weekly</bdi></a>" in templates


def test_more_than_a_few_are_told_by_their_number(client: Client) -> None:
    for number in range(8):
        make_record(sender_address=f"s{number}@example.com", started_at=timezone.now())
    assert "and 2 more" in section_of(page_of(client), "by-sender")


def test_what_is_not_told_apart_is_named_others_and_leads_nowhere(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("records.rollups.keys.MOST_NEW_VALUES", 8)
    for number in range(10):
        values = {"sender_address": f"s{number}@example.com", "template_name": f"T{number}", "server": f"h{number}:25"}
        for _try in range(3 if number == 9 else 1):
            make_record(**values, started_at=timezone.now())
    before = page_of(client)
    assert "not told apart" not in before
    fold()
    page = page_of(client)
    for title_id, name in (("by-sender", "senders"), ("by-template", "templates"), ("providers-title", "mail servers")):
        section = section_of(page, title_id)
        assert re.findall(r'class="soft">(Other [^<]+)<', section) == [f"Other {name}, not told apart"]
        assert "and 2 more" in section
    assert len(links_to_list(section_of(page, "by-template"))) == 6
    assert re.findall(r"(\d+) tries", section_of(page, "by-template")) == ["4"]
    assert "At most 8 new senders, templates and mail servers each are told apart in a month" in page
    assert "each are told apart in a month" not in before
    assert tiles_of(page)["Accepted for receivers"] == tiles_of(before)["Accepted for receivers"]


def test_causes_are_told_in_the_words_of_the_error_book_with_the_way_to_their_records(client: Client) -> None:
    now = timezone.now()
    for cause, tries in (("mailbox_full", 1), ("outcome-unknown", 2)):
        for _try in range(tries):
            make_record(cause=cause, outcome="deferred" if tries == 1 else "unknown", started_at=now)
    make_record(outcome="refused", started_at=now)
    section = section_of(page_of(client), "causes-title")
    assert re.findall(r"<strong>(\d+)</strong>", section) == ["2", "1", "1"]
    assert str(get_entry("outcome-unknown").cause) in section
    assert [set(link) - {"range"} for link in links_to_list(section)] == [
        {"cause"},
        {"outcome", "cause"},
        {"cause"},
    ]


@pytest.mark.parametrize("outcome", ["refused", "deferred", "unknown"])
def test_a_cause_leads_to_as_many_records_as_it_counts_though_others_ended_so_for_a_known_one(
    client: Client, outcome: str
) -> None:
    now = timezone.now()
    make_record(started_at=now)
    for cause, tries in (("", 2), ("spam", 3)):
        for _try in range(tries):
            make_record(outcome=outcome, cause=cause, started_at=now)
    section = section_of(page_of(client), "causes-title")
    counts = [int(count) for count in re.findall(r"<strong>(\d+)</strong>", section)]
    links = [{name: values[0] for name, values in link.items()} for link in links_to_list(section)]
    assert counts == [3, 2]
    assert [client.get(LIST, link).context["total"] for link in links] == counts


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
@pytest.mark.parametrize("span", Span)
def test_every_link_leads_to_as_many_records_as_it_says(span: Span, zone: str) -> None:
    person = make_person("records.view_sendingrecord")
    ListPreference.objects.create(user=person, time_zone=zone)
    client = client_of(person)
    with timezone.override(zone):
        begins = find_window(span, timezone.now()).since
    for minutes in range(-80, 100, 20):
        for outcome in ("accepted", "refused", "unknown"):
            cause = "x" if outcome == "refused" else ""
            make_record(outcome=outcome, cause=cause, started_at=begins + timedelta(minutes=minutes))
    page = page_of(client, span)
    tiles = tiles_of(page)
    for name, result in (("Accepted for receivers", "success"), ("Failed tries", "failed")):
        [query] = [link for link in links_to_list(page) if link.get("result") == [result]]
        listed = client.get(LIST, {key: values[0] for key, values in query.items()})
        assert listed.context["total"] == int(tiles[name].split()[0])


def test_figures_of_records_that_were_removed_say_so(client: Client) -> None:
    make_record(started_at=timezone.now())
    KeepingRules.objects.create(pk=1, records_days=10)
    assert "records were removed" not in page_of(client, "30d")
    RemovalMark.objects.create(pk=1, latest_at=timezone.now() - timedelta(days=12))
    assert "records were removed" in page_of(client, "30d")
    assert "records were removed" not in page_of(client, "7d")


def test_bars_of_a_ranking_tell_what_may_have_arrived(client: Client) -> None:
    for outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.REFUSED, Outcome.REFUSED):
        make_record(started_at=timezone.now(), outcome=outcome)
    meter = re.search(r'<svg class="meter".*?</svg>', page_of(client), re.DOTALL)
    assert meter
    bars = re.findall(r'class="chart-(\w+)" width="([\d.]+)"', meter[0])
    assert bars == [("failed", "100.00"), ("uncertain", "50.00"), ("success", "25.00")]


@pytest.mark.parametrize(
    ("number", "english", "chinese"),
    [
        (0, "0", "0"),
        (800, "800", "800"),
        (50_000, "50K", "5 万"),
        (1_200_000, "1.2M", "120 万"),
        (120_000_000, "120M", "1.2 亿"),
        (2_400_000_000, "2.4B", "24 亿"),
    ],
)
def test_large_numbers_at_the_axis_are_written_short(number: int, english: str, chinese: str) -> None:
    for language, written in (("en", english), ("zh-hans", chinese)):
        with translation.override(language):
            assert write_short(number) == written


@pytest.mark.parametrize(("top", "written"), [(80_000, "80,000"), (120_000, "120K")])
def test_numbers_that_fit_beside_the_chart_are_written_whole(top: int, written: str) -> None:
    window = find_window(Span.WEEK, timezone.now())
    chart = draw([Total(0, top, 0, 0)], window)
    assert chart.drawings[0].lines[-1].text == written


def test_servers_are_told_with_their_average_and_classes_of_length(client: Client) -> None:
    now = timezone.now()
    for milliseconds in [80] * 6 + [250] * 3 + [4_000]:
        make_record(started_at=now, ended_at=now + timedelta(milliseconds=milliseconds), server=SERVER)
    section = section_of(page_of(client), "providers-title")
    assert re.findall(r'"number(?: answers)?">([^<]+)</td>', section) == ["10", "523 ms", "≤ 100 ms", "≤ 10 s"]


def test_accounts_in_trouble_stand_first_with_their_latest_test(db: None) -> None:
    fine = Sender.objects.create(
        address="a@example.com", display_name="Fine", host="h.example",
        last_test_at=timezone.now() - 2 * HOUR, last_test_passed=True,
    )  # fmt: skip
    refused = Sender.objects.create(address="b@example.com", display_name="Refused", host="h.example")
    Sender.objects.create(address="c@example.com", display_name="Paused", host="h.example", paused_at=timezone.now())
    Sender.objects.create(address="d@example.com", display_name="Disabled", host="h.example", is_enabled=False)
    down = Sender.objects.create(address="e@example.com", display_name="Down", host="h.example")
    Circuit.objects.update_or_create(sender=refused, defaults={"state": CircuitState.REFUSED})
    Circuit.objects.update_or_create(sender=down, defaults={"state": CircuitState.OPEN})
    slow = Sender.objects.create(address="f@example.com", display_name="Slow", host="h.example")
    until = timezone.now() + 3 * HOUR
    Allowance.objects.update_or_create(sender=slow, defaults={"slow_until": until})
    page = page_of(client_of(make_person("records.view_sendingrecord", "senders.view_sender")))
    section = section_of(page, "accounts-title")
    assert re.findall(r"<bdi>(\w+)</bdi>", section) == ["Refused", "Down", "Paused", "Slow", "Disabled", "Fine"]
    assert re.findall(r'class="result result-(\w+)">([^<]+)<', section) == [
        ("failed", "Sign-in refused"), ("failed", "Not reachable"), ("uncertain", "Paused"),
        ("uncertain", "Limit reached"), ("open", "Disabled"), ("success", "Working"),
    ]  # fmt: skip
    assert "Test passed 2 hours ago" in " ".join(section.split())
    assert f"Mail goes on at {show_time(until)}." in section
    assert fine.display_name in section


def test_accounts_are_for_those_who_may_see_them(client: Client) -> None:
    Sender.objects.create(address="a@example.com", display_name="Secret name", host="h.example")
    make_record(started_at=timezone.now(), sender_address="other@example.com")
    assert "Secret name" not in page_of(client)


def test_with_nothing_at_all_it_leads_to_the_first_account(db: None) -> None:
    page = page_of(client_of(make_person(role="administrator")))
    assert "No sender account yet" in page
    assert 'href="/system/setting/mailbox/senders/add/"' in page
    assert '<svg class="chart' not in page


def test_with_an_account_and_no_mail_it_leads_to_the_first_mail(db: None) -> None:
    Sender.objects.create(address="a@example.com", display_name="A", host="h.example")
    page = page_of(client_of(make_person(role="administrator")))
    assert "Nothing was sent yet" in page
    assert 'href="/system/setting/mailbox/compose/"' in page


def test_an_auditor_of_an_empty_installation_is_told_so(client: Client) -> None:
    page = page_of(client)
    assert "Nothing was sent yet" in page
    assert "compose" not in page


def test_a_time_in_which_nothing_was_sent_says_so(client: Client) -> None:
    make_record(started_at=timezone.now() - timedelta(days=50))
    page = page_of(client, "7d")
    assert tiles_of(page)["Success rate"] == "–"
    assert "There were none." in page
    assert page.count("Nothing in this time.") == 2


@pytest.mark.parametrize("span", ["", "1y", "24h'", "é"])
def test_a_span_that_there_is_not_is_30_days(client: Client, span: str) -> None:
    make_record(started_at=timezone.now())
    assert re.findall(r'aria-current="true">([^<]+)</a>', page_of(client, span))[-1] == "30 days"


def test_it_asks_for_its_permission(db: None) -> None:
    assert client_of(make_person("senders.view_sender")).get(URL).status_code == 403
    assert client_of(make_person("records.view_sendingrecord")).post(URL).status_code == 405


def test_hostile_names_are_shown_as_they_are(client: Client) -> None:
    hostile = '"><script>alert(1)</script>'
    make_record(sender_address=hostile, template_name=hostile, server=hostile, cause=hostile[:64], outcome="refused")
    make_record(sender_address=hostile, started_at=timezone.now(), template_name=hostile, server=hostile)
    make_record(cause=hostile, outcome="refused", started_at=timezone.now())
    text = client.get(URL).content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_nothing_is_inline(client: Client) -> None:
    make_record(started_at=timezone.now())
    text = client.get(URL).content.decode()
    assert re.findall(r"<style|style=|<script(?![^>]*\bsrc=)| on[a-z]+=", text) == []


@pytest.mark.parametrize("span", Span)
def test_it_reads_no_records_and_asks_as_often_whatever_there_is(client: Client, span: Span) -> None:
    make_record(started_at=timezone.now())
    page_of(client, span)
    with CaptureQueriesContext(connection) as with_one:
        page_of(client, span)
    for number in range(30):
        make_record(
            started_at=timezone.now() - number * HOUR, sender_address=f"s{number}@example.com", outcome=Outcome.REFUSED,
            template_name=f"T{number}", cause=f"c{number}", server=f"h{number}.example:25",
        )  # fmt: skip
    fold()
    with CaptureQueriesContext(connection) as with_many:
        page_of(client, span)
    assert len(with_one) == len(with_many)
    table = SendingRecord._meta.db_table
    assert [query["sql"] for query in with_many if f'"{table}"' in query["sql"] or f" {table} " in query["sql"]] == []
