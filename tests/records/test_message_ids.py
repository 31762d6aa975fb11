"""Message-IDs tell when they were made, and a mail is found by its own."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from records.filters import RecordFilters
from records.message_ids import find_time_made, make_message_id
from records.search.finding import find_page
from records.search.mails import find_mail_id
from tests.records.rows import NOON, make_mail, make_record


def named(made_at: datetime, rest: str = "0" * 20) -> str:
    """Write the Message-ID of a mail that was made at a moment."""
    return f"<{int(made_at.timestamp() * 1000):012x}{rest}@example.com>"


def test_a_message_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC)
    message_id = make_message_id("example.com")
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.com>", message_id)
    made_at = find_time_made(message_id)
    assert made_at is not None
    assert before - timedelta(milliseconds=1) <= made_at <= datetime.now(UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<>",
        "<@example.com>",
        "<20260310.abc@example.com>",
        f"<{'f' * 32}@example.com>",
        f"<{'٣' * 32}@example.com>",
    ],
)
def test_what_is_not_ours_tells_nothing(text: str) -> None:
    assert find_time_made(text) is None


@pytest.mark.django_db
@pytest.mark.parametrize("late", [timedelta(seconds=-50), timedelta(), timedelta(minutes=4)])
def test_a_mail_is_found_by_its_message_id_among_many_and_whatever_is_gone(late: timedelta) -> None:
    mails = [
        make_mail(accepted_at=NOON + timedelta(hours=hours), message_id=named(NOON + timedelta(hours=hours) - late))
        for hours in range(12)
    ]
    for mail in mails[3:5]:
        mail.delete()
    for mail in mails[:3] + mails[5:]:
        assert find_mail_id(mail.message_id) == mail.pk


@pytest.mark.django_db
def test_of_mails_of_one_moment_it_is_the_right_one() -> None:
    mails = [make_mail(message_id=named(NOON, f"{number:020x}")) for number in range(5)]
    assert [find_mail_id(mail.message_id) for mail in mails] == [mail.pk for mail in mails]
    assert find_mail_id(named(NOON, "f" * 20)) is None


@pytest.mark.django_db
def test_without_any_mail_there_is_none() -> None:
    assert find_mail_id(named(NOON)) is None


@pytest.mark.django_db
def test_the_list_finds_the_tries_of_the_mail_ours_or_not() -> None:
    old = make_record(make_mail(message_id=named(NOON)))
    foreign = make_record(make_mail(message_id="<weekly.7@example.com>"))
    assert find_page(RecordFilters(message_id=named(NOON)), 5).records == [old]
    assert find_page(RecordFilters(message_id="<weekly.7@example.com>"), 5).records == [foreign]
    assert find_page(RecordFilters(message_id=named(NOON), sender="nobody@example.com"), 5).records == []
    assert find_page(RecordFilters(message_id=named(NOON), mail_id=foreign.mail_id), 5).records == []
