"""The page of the rules of keeping, and what is said where something is not kept any more."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from delivery.values import Attachment
from records.keeping.models import ONLY, KeepingRound, KeepingRules
from records.keeping.rounds import go_on, run_whole
from records.models import Content, Mail
from tests.people import client_of, make_person
from tests.records.keeping.rows import mail_with_files, old_mail, set_rules
from tests.records.rows import make_mail
from tests.web.checking import MAILBOX, administrator
from tests.web.conftest import Violations, Visit

KEEPING = f"{MAILBOX}keeping/"
SAME = {
    "records_days": "400",
    "max_records": "20000000",
    "contents_days": "30",
    "max_contents_size": "5",
    "attachments_days": "30",
    "max_attachments_size": "",
}


@pytest.fixture
def admin() -> Client:
    return client_of(administrator())


def page_of(client: Client) -> str:
    return " ".join(client.get(KEEPING).content.decode().split())


def save(client: Client, **typed: str) -> str:
    """Send the form with what was typed; returns the page that follows."""
    return " ".join(client.post(KEEPING, SAME | typed, follow=True).content.decode().split())


def confirm(client: Client, **typed: str) -> str:
    """Send the form, and once more as the page has it that asks; returns the page that follows."""
    return save(client, **typed, confirmed=confirmation_of(save(client, **typed)))


def confirmation_of(page: str) -> str:
    found = re.search(r'name="confirmed" value="([^"]+)"', page)
    assert found, "the page does not ask"
    return found[1]


@pytest.mark.django_db
def test_only_those_who_may_change_the_rules_see_them() -> None:
    assert client_of(make_person("records.view_sendingrecord", "records.view_content")).get(KEEPING).status_code == 403
    assert client_of(make_person("records.change_keepingrules")).get(KEEPING).status_code == 200


@pytest.mark.django_db
def test_it_shows_the_rules_that_come_with_the_product(admin: Client) -> None:
    page = page_of(admin)
    for name in ("records_days", "contents_days", "max_records", "max_contents_size", "max_attachments_size"):
        value = f' value="{SAME[name]}"' if SAME[name] else ""
        assert f'name="{name}"{value}' in page
    assert "Nothing was counted yet" in page


@pytest.mark.django_db
def test_rules_that_remove_nothing_are_saved_at_once_with_who_did(admin: Client) -> None:
    KeepingRound.objects.create(pk=ONLY, ended_at=timezone.now())
    assert "Rules saved" in save(admin, records_days="500", max_attachments_size="0.5", max_records="")
    rules = KeepingRules.objects.get()
    assert (rules.pk, rules.records_days, rules.max_records) == (ONLY, 500, None)
    assert (rules.max_contents_size, rules.max_attachments_size) == (5 * 1024**3, 512 * 1024**2)
    assert rules.changed_by
    assert rules.changed_at is not None


@pytest.mark.django_db
def test_a_round_under_way_does_not_go_on_by_rules_that_were_changed(admin: Client) -> None:
    set_rules(max_records=1000)
    KeepingRound.objects.create(pk=ONLY, began_at=timezone.now(), stage="remove_records", excess=500, records=1500)
    confirm(admin)
    here = KeepingRound.objects.get()
    assert (here.stage, here.excess) == ("drop_months", 0)


@pytest.mark.django_db
def test_changed_rules_are_followed_by_the_next_sweep(admin: Client) -> None:
    old_mail(300)
    run_whole(pause=0)
    confirm(admin, records_days="200")
    go_on(seconds=30)
    assert not Mail.objects.exists()


@pytest.mark.django_db
def test_saving_rules_changes_nothing_about_when_was_counted(admin: Client) -> None:
    now = timezone.now()
    KeepingRound.objects.create(
        pk=ONLY, began_at=now - timedelta(minutes=8), ended_at=now - timedelta(minutes=7), removed_mails=42
    )
    assert "Counted 7 minutes ago" in save(admin, records_days="500")


@pytest.mark.django_db
def test_rules_are_followed_by_one_round_and_then_by_the_next_in_an_hour(admin: Client) -> None:
    run_whole(pause=0)
    save(admin, records_days="500")
    go_on(seconds=30)
    followed = KeepingRound.objects.get()
    go_on(seconds=30)
    assert KeepingRound.objects.get().began_at == followed.began_at
    assert followed.ended_at


@pytest.mark.django_db
def test_what_a_round_removed_is_told_though_the_rules_are_changed_amid_it(admin: Client) -> None:
    KeepingRound.objects.create(pk=ONLY, began_at=timezone.now(), stage="remove_contents", removed_mails=42)
    save(admin)
    assert "<dt>Mails</dt> <dd> 42 </dd>" in page_of(admin)


@pytest.mark.django_db
def test_rules_that_remove_something_ask_first_and_tell_what(admin: Client) -> None:
    old_mail(20)
    mail_with_files(20, Attachment("a.txt", b"x"))
    page = save(admin, contents_days="10", attachments_days="10")
    assert "These rules remove for good" in page
    assert "<strong>2</strong> contents, for their age" in page
    assert "<strong>1</strong> mails' attachments, for their age" in page
    assert not KeepingRules.objects.exists()
    assert "Rules saved" in confirm(admin, contents_days="10", attachments_days="10")
    run_whole(pause=0)
    assert Content.objects.count() == 0


@pytest.mark.django_db
def test_stricter_rules_ask_also_where_the_present_ones_remove_more_than_is_counted(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("records.keeping.outlook.MAX_COUNTED", 2)
    for days in (60, 50, 40, 20):
        old_mail(days)
    assert "These rules remove for good" in save(admin, contents_days="10", attachments_days="10")
    assert not KeepingRules.objects.exists()


@pytest.mark.django_db
def test_stricter_rules_ask_also_where_the_oldest_mails_all_wait(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("records.keeping.outlook.MAX_COUNTED", 2)
    KeepingRound.objects.create(pk=ONLY, ended_at=timezone.now())
    for _ in range(3):
        old_mail(25, state="queued", finished_at=None)
    old_mail(20)
    assert "perhaps something: not all of it is counted" in save(admin, contents_days="10", attachments_days="10")
    assert "Rules saved" in save(admin, records_days="399")
    assert "Rules saved" in confirm(admin, contents_days="10", attachments_days="10")


@pytest.mark.django_db
@pytest.mark.parametrize("stage", ["drop_months", "count_records", "count_bodies"])
def test_less_room_asks_also_while_it_is_being_counted(admin: Client, stage: str) -> None:
    KeepingRound.objects.create(pk=ONLY, began_at=timezone.now(), stage=stage)
    page = save(admin, max_contents_size="1")
    assert "These rules remove for good" in page
    assert "perhaps something: not all of it is counted" in page
    assert not KeepingRules.objects.exists()


@pytest.mark.django_db
def test_rules_that_let_more_stay_are_saved_at_once_whatever_goes(admin: Client) -> None:
    old_mail(500)
    KeepingRound.objects.create(pk=ONLY, began_at=timezone.now(), records=30_000_000)
    assert "Rules saved" in save(admin, records_days="450", max_records="25000000", max_contents_size="")


@pytest.mark.django_db
def test_what_is_typed_after_the_page_asked_is_asked_for_again(admin: Client) -> None:
    old_mail(20)
    asked = confirmation_of(save(admin, contents_days="15", attachments_days="15"))
    page = save(admin, contents_days="2", attachments_days="2", confirmed=asked)
    assert "These rules remove for good" in page
    assert not KeepingRules.objects.exists()


@pytest.mark.django_db
def test_too_much_is_told_by_what_was_counted_last(admin: Client) -> None:
    KeepingRound.objects.create(pk=ONLY, records=5_000_000, contents_size=3 * 1024**3, ended_at=timezone.now())
    page = save(admin, max_records="1000000", max_contents_size="1")
    assert "about 4,000,000 of the oldest records" in page
    assert "about 2.0" in page
    assert not KeepingRules.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"records_days": "0"}, "The least is 1 day."),
        ({"records_days": "soon"}, "Type a whole number of days"),
        ({"records_days": "99999"}, "The most is 36500 days."),
        ({"max_records": "5"}, "The least is 1000 records."),
        ({"max_contents_size": "0"}, "The least is 0.01 GB."),
        ({"max_contents_size": "much"}, "Type a size in GB"),
        ({"max_contents_size": "0.001"}, "Two digits after the point"),
        ({"max_contents_size": "1e99"}, "The most is 1000000 GB."),
        ({"max_contents_size": "nan"}, "Type a size in GB"),
        ({"contents_days": "401"}, "Contents go with their records at the latest. Type 400 days or less."),
        ({"contents_days": ""}, "Contents go with their records at the latest. Type 400 days or less."),
        ({"attachments_days": "31"}, "Attachments go with the contents at the latest. Type 30 days or less."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_saved(admin: Client, typed: dict[str, str], sentence: str) -> None:
    assert sentence in save(admin, **typed)
    assert not KeepingRules.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("least", "size"), [("0.01", 10_737_418), (".01", 10_737_418), ("0.02", 21_474_836)])
def test_the_least_that_it_names_is_taken(admin: Client, least: str, size: int) -> None:
    KeepingRound.objects.create(pk=ONLY, ended_at=timezone.now())
    assert "Rules saved" in save(admin, max_contents_size=least, max_attachments_size=least)
    rules = KeepingRules.objects.get()
    assert (rules.max_contents_size, rules.max_attachments_size) == (size, size)
    assert 'name="max_contents_size" value="0.0' in page_of(admin)


@pytest.mark.django_db
def test_no_limit_at_all_may_be_chosen(admin: Client) -> None:
    assert "Rules saved" in save(admin, **dict.fromkeys(SAME, ""))
    assert KeepingRules.objects.filter(records_days=None, contents_days=None, max_records=None).exists()


@pytest.mark.django_db
def test_a_count_stops_at_its_limit(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("records.keeping.outlook.MAX_COUNTED", 2)
    monkeypatch.setattr("records.keeping.views.MAX_COUNTED", 2)
    for _ in range(4):
        old_mail(500)
    assert "<strong>over 10,000</strong> mails with their records" in page_of(admin)


@pytest.mark.django_db
def test_sending_again_says_that_contents_are_kept_for_some_days_only(admin: Client) -> None:
    mail = old_mail(50)
    run_whole(pause=0)
    response = admin.get(f"{MAILBOX}mails/{mail.pk}/resend/")
    assert response.status_code == 410
    assert "The content is not kept any more: contents are kept for 30 days." in response.content.decode()


def gone(client: Client, mail: Mail) -> str:
    """Read what the page says that shows the content of a mail."""
    response = client.get(f"{MAILBOX}mails/{mail.pk}/content/")
    assert response.status_code == 410
    return " ".join(response.content.decode().split())


@pytest.mark.django_db
def test_content_that_went_for_its_size_or_by_an_earlier_rule_is_not_said_to_have_been_too_old(admin: Client) -> None:
    mail = old_mail(40)
    run_whole(pause=0)
    set_rules(contents_days=90)
    assert "not kept any more: another rule held when it was removed." in gone(admin, mail)
    set_rules(contents_days=90, max_contents_size=5 * 1024**3)
    page = gone(admin, mail)
    assert "contents are kept up to 5.0 GB in all, or another rule held when it was removed." in page
    assert "90 days" not in page
    set_rules(contents_days=39, max_contents_size=5 * 1024**3)
    assert "contents are kept for 39 days." in gone(admin, mail)


@pytest.mark.django_db
def test_sending_again_says_when_the_attachments_were_removed(admin: Client) -> None:
    set_rules(attachments_days=10)
    mail = mail_with_files(20, Attachment("a.txt", b"x"))
    run_whole(pause=0)
    response = admin.get(f"{MAILBOX}mails/{mail.pk}/resend/")
    assert response.status_code == 410
    assert "The attachments are not kept any more: they were removed on" in response.content.decode()


@pytest.mark.django_db
def test_sending_again_says_that_refused_mail_never_had_content(admin: Client) -> None:
    mail = make_mail(size=0, state="failed")
    response = admin.get(f"{MAILBOX}mails/{mail.pk}/resend/")
    assert "the mail was refused before it was composed" in response.content.decode()


@pytest.mark.django_db
def test_the_page_of_a_mail_says_why_its_content_is_not_there(admin: Client) -> None:
    mail = old_mail(50)
    record = mail.records.get()
    assert "not kept any more" not in admin.get(f"{MAILBOX}records/{record.pk}/").content.decode()
    run_whole(pause=0)
    page = admin.get(f"{MAILBOX}records/{record.pk}/").content.decode()
    assert "contents are kept for 30 days." in page
    assert "Show the content" not in page


@pytest.mark.django_db
def test_files_that_are_not_kept_are_still_named_and_cannot_be_downloaded(admin: Client) -> None:
    set_rules(attachments_days=10)
    mail = mail_with_files(20, Attachment("report.pdf", b"x" * 2048, "application/pdf"))
    run_whole(pause=0)
    page = " ".join(admin.get(f"{MAILBOX}mails/{mail.pk}/content/").content.decode().split())
    assert "report.pdf" in page
    assert "application/pdf · 2.0 KB" in page
    assert "not kept any more since" in page
    assert "/attachments/0/" not in page
    response = admin.get(f"{MAILBOX}mails/{mail.pk}/attachments/0/")
    assert response.status_code == 410
    assert "Attachments are kept for 10 days." in response.content.decode()
    set_rules(attachments_days=21)
    page = admin.get(f"{MAILBOX}mails/{mail.pk}/attachments/0/").content.decode()
    assert "report.pdf was removed on" in page
    assert "Attachments are kept for" not in page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everyone_can_read_it(
    transactional_db: None, page: Page, visit: Visit, violations: Violations, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    now = timezone.now()
    KeepingRound.objects.create(
        pk=ONLY, records=9_876_543, contents_size=3 * 10**9, attachments_size=10**9, removed_mails=12_345,
        ended_at=now - timedelta(minutes=20),
    )  # fmt: skip
    old_mail(500)
    visit(KEEPING)
    page.fill("[name=contents_days]", "5")
    page.fill("[name=attachments_days]", "900")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Attachments go with the contents at the latest.")).to_be_visible()
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert violations() == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert Mail.objects.count() == 1
