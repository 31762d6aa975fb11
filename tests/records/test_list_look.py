"""How the list looks to each person: columns, density, time zone; and the time zone of all other pages."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from records.enums import Outcome, Phase
from records.listing.columns import COLUMNS, choose_columns, usual_columns
from records.listing.enums import Density
from records.listing.models import ListPreference
from records.listing.preferences import (
    find_look,
    find_time_zone,
    keep_browser_time_zone,
    keep_look,
    list_time_zones,
)
from records.listing.rows import make_table
from records.models import Mail, SendingRecord
from tests.people import client_of, lose, make_person
from tests.records.rows import NOON, make_mail, make_record

URL = "/system/setting/mailbox/records/"
LOOK = f"{URL}look/"
ZONE = f"{URL}time-zone/"


@pytest.fixture
def person(db: None) -> User:
    return make_person("records.view_sendingrecord", "records.view_content")


@pytest.fixture
def client(person: User) -> Client:
    return client_of(person)


def headers(client: Client) -> list[str]:
    make_record()  # an empty list has no columns
    page = client.get(URL).content.decode()
    return re.findall(r'<th role="columnheader" scope="col" class="column-[a-z_]+"[^>]*>([^<]+)</th>', page)


USUAL = ["Sending time", "Result", "Sender", "Receiver email", "Template name", "Accessed resource", "IP address"]


def test_the_manuals_columns_are_shown_until_somebody_chooses(client: Client) -> None:
    assert headers(client) == USUAL


def test_chosen_columns_are_shown_in_their_own_order_and_the_fixed_ones_stay(client: Client) -> None:
    client.post(LOOK, {"columns": ["mail", "subject"], "density": "comfortable"})
    assert headers(client) == ["Sending time", "Result", "Receiver email", "Subject", "Mail number"]


def test_all_columns_can_be_hidden_but_the_fixed_ones(client: Client) -> None:
    client.post(LOOK, {"density": "comfortable"})
    assert headers(client) == ["Sending time", "Result", "Receiver email"]


def test_what_is_usual_is_not_kept_as_a_choice(client: Client, person: User) -> None:
    client.post(LOOK, {"columns": [each.key for each in usual_columns() if not each.is_fixed], "density": "compact"})
    assert ListPreference.objects.get(pk=person.pk).columns == ""


def test_a_column_that_is_no_more_is_passed_over() -> None:
    assert [column.key for column in choose_columns(["gone", "cause"])] == ["time", "result", "receiver", "cause"]


def test_every_column_says_what_it_is_about(client: Client, person: User) -> None:
    keep_look(person.pk, columns=[column.key for column in COLUMNS], density=Density.COMPACT, time_zone="")
    mail = make_mail(subject="Rows were <b>loaded</b>", requested_by="ada", message_id="<one@example.com>")
    make_record(
        mail,
        outcome=Outcome.REFUSED,
        phase=Phase.DATA,
        cause="spam",
        reply_code=554,
        enhanced_status="5.7.1",
        reply_text="Looks like spam",
        server="mail.example.com:465",
        queue_id="4XyZ",
    )
    text = client.get(URL).content.decode()
    for value in (
        "Rows were &lt;b&gt;loaded&lt;/b&gt;",
        ">ada</bdi>",
        "&lt;one@example.com&gt;",
        "The server takes this mail for spam because of its content.",
        ">Content</bdi>",
        "554 5.7.1 Looks like spam",
        "mail.example.com:465",
        "240 ms",
        "4XyZ",
        f">{mail.pk}</bdi>",
        "records-compact",
    ):
        assert value in text


@pytest.mark.django_db
def test_a_mail_that_is_removed_while_the_list_is_made_leaves_its_cells_empty() -> None:
    for subject in ("Stays", "Goes"):
        make_record(make_mail(subject=subject))
    records = list(SendingRecord.objects.order_by("pk"))
    Mail.objects.get(subject="Goes").delete()
    rows = make_table(records, choose_columns(["subject", "requester", "message_id", "mail"])).rows.split("</tr>\n")
    assert ["Stays" in row for row in rows] == [True, False]
    assert [row.count("<td") for row in rows] == [7, 7]
    assert str(records[1].mail_id) in rows[1]


def test_columns_of_the_mail_cost_one_query_however_many_records(client: Client, person: User) -> None:
    keep_look(person.pk, columns=["subject", "requester"], density=Density.COMFORTABLE, time_zone="")
    make_record()
    with CaptureQueriesContext(connection) as with_one_row:
        client.get(URL)
    for index in range(2):
        make_record(receiver_address=f"r{index}@example.net")
    with CaptureQueriesContext(connection) as with_three_rows:
        client.get(URL)
    assert len(with_three_rows) == len(with_one_row)


def test_each_person_has_a_look_of_their_own(client: Client) -> None:
    client.post(LOOK, {"columns": ["subject"], "density": "compact", "time_zone": "Asia/Tokyo"})
    other = client_of(make_person("records.view_sendingrecord"))
    assert headers(other) == USUAL
    assert other.get(URL).context["time_zone"] == "UTC"


def test_subjects_are_a_column_for_those_who_may_see_what_mails_say(client: Client, person: User) -> None:
    client.post(LOOK, {"columns": ["subject", "mail"], "density": "comfortable"})
    assert "Subject" in headers(client)
    lose(person, "view_content")
    assert headers(client) == ["Sending time", "Result", "Receiver email", "Mail number"]
    page = client.get(LOOK).content.decode()
    assert 'value="mail"' in page
    assert 'value="subject"' not in page
    refused = client.post(LOOK, {"columns": ["subject"], "density": "comfortable"}).content.decode()
    assert "There is no such column." in refused


def test_the_form_is_a_page_and_for_htmx_a_part(client: Client) -> None:
    assert "<html" in client.get(LOOK).content.decode()
    part = client.get(LOOK, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'id="drawer-title"' in part


def test_saving_leads_back_to_the_list_one_came_from(client: Client) -> None:
    back = f"{URL}?receiver=anna&fold=1"
    assert f'value="{URL}?receiver=anna&amp;fold=1"' in client.get(LOOK, {"next": back}).content.decode()
    response = client.post(LOOK, {"density": "compact", "next": back})
    assert (response.status_code, response.headers["Location"]) == (302, back)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/x", "/sign-out/", f"{URL}1/", "x\n"])
def test_saving_leads_nowhere_else(client: Client, elsewhere: str) -> None:
    assert client.post(LOOK, {"density": "compact", "next": elsewhere}).headers["Location"] == URL


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"density": "dense"}, "There is no such density. Choose one of those shown."),
        ({"density": "compact", "columns": ["password"]}, "There is no such column. Choose some of those shown."),
        ({"density": "compact", "time_zone": "Moon/Crater"}, "There is no such time zone. Choose one of those shown."),
        ({}, "This field is required."),
    ],
)
def test_a_wrong_choice_gets_a_sentence_and_changes_nothing(
    client: Client, values: dict[str, str], sentence: str
) -> None:
    response = client.post(LOOK, values)
    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert not ListPreference.objects.exists()


def test_a_chosen_time_zone_holds_for_times_and_for_days(client: Client) -> None:
    make_record(started_at=NOON + timedelta(hours=6))
    client.post(LOOK, {"density": "comfortable", "time_zone": "Asia/Shanghai"})
    text = client.get(URL).content.decode()
    assert "2026-03-11 02:00:00" in text
    assert 'datetime="2026-03-11T02:00:00+08:00"' in text
    assert "Times in Asia/Shanghai" in text
    assert len(client.get(URL, {"since": "2026-03-11"}).context["page"].records) == 1
    assert client.get(URL, {"until": "2026-03-10"}).context["page"].records == []


def test_it_holds_for_other_pages_too(client: Client) -> None:
    record = make_record(started_at=NOON + timedelta(hours=6))
    client.post(LOOK, {"density": "comfortable", "time_zone": "Asia/Shanghai"})
    assert "2026-03-11 02:00:00" in client.get(f"{URL}{record.pk}/").content.decode()


def test_it_is_taken_back_after_each_answer(client: Client) -> None:
    client.post(LOOK, {"density": "comfortable", "time_zone": "Asia/Shanghai"})
    client.get(URL)
    assert timezone.get_current_timezone_name() == "UTC"


def test_the_browsers_time_zone_holds_until_another_is_chosen(client: Client) -> None:
    assert client.get(URL).context["time_zone"] == "UTC"
    assert client.post(ZONE, {"time_zone": "Europe/Berlin"}).status_code == 204
    assert client.get(URL).context["time_zone"] == "Europe/Berlin"
    client.post(LOOK, {"density": "comfortable", "time_zone": "Asia/Tokyo"})
    client.post(ZONE, {"time_zone": "America/Lima"})
    assert client.get(URL).context["time_zone"] == "Asia/Tokyo"
    client.post(LOOK, {"density": "comfortable", "time_zone": ""})
    assert client.get(URL).context["time_zone"] == "America/Lima"


def test_the_browser_is_asked_only_while_its_time_zone_holds(client: Client) -> None:
    assert 'data-known=""' in client.get(URL).content.decode()
    client.post(ZONE, {"time_zone": "Europe/Berlin"})
    assert 'data-known="Europe/Berlin"' in client.get(URL).content.decode()
    client.post(LOOK, {"density": "comfortable", "time_zone": "Asia/Tokyo"})
    assert "browser-time-zone" not in client.get(URL).content.decode()


@pytest.mark.parametrize("name", ["", "Moon/Crater", "../../etc/passwd", "/etc/passwd", "Europe", "a\0b", "x" * 500])
def test_what_is_no_time_zone_is_refused(client: Client, name: str) -> None:
    assert client.post(ZONE, {"time_zone": name}).status_code == 400
    assert not ListPreference.objects.exists()


def test_a_time_zone_that_is_no_more_gives_way_to_the_next(person: User) -> None:
    preference = ListPreference(user=person, time_zone="Moon/Crater", browser_time_zone="Asia/Tokyo")
    assert str(find_time_zone(person)) == "Asia/Tokyo"
    preference.browser_time_zone = "Moon/Crater"
    assert find_time_zone(person) is None


def test_the_systems_time_zone_can_be_chosen(settings: Settings) -> None:
    settings.TIME_ZONE = "CET"
    names = list_time_zones()
    assert {"CET", "UTC", "Asia/Shanghai"} <= set(names)
    assert all(keep is not None for keep in names)


def test_what_is_kept_of_the_look_leaves_the_browsers_time_zone(person: User) -> None:
    assert keep_browser_time_zone(person.pk, "Asia/Tokyo")
    keep_look(person.pk, columns=["cause"], density=Density.COMPACT, time_zone="")
    look = find_look(person)
    assert (look.browser_time_zone, look.density, look.asks_browser) == ("Asia/Tokyo", Density.COMPACT, True)


@pytest.mark.parametrize("url", [LOOK, ZONE])
def test_only_those_who_see_records_may(db: None, url: str) -> None:
    assert client_of(make_person()).post(url, {}).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_person("records.view_sendingrecord"))
    assert strict.post(url, {"density": "compact", "time_zone": "Asia/Tokyo"}).status_code == 403
    assert not ListPreference.objects.exists()


def test_what_was_chosen_goes_with_its_person(person: User) -> None:
    keep_browser_time_zone(person.pk, "Asia/Tokyo")
    person.delete()
    assert not ListPreference.objects.exists()
