"""A mail's life in the order of time: tries, waits, who took it over, what people did, what comes next."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from records.enums import Fault, MailState, Outcome, SkipReason
from records.interventions import Deed, Intervention
from records.models import Mail
from records.story import tell_story
from records.templatetags.timeline import gap
from records.timeline import Event, draw_timeline
from tests.people import client_of, make_person
from tests.records.rows import NOON, make_mail, make_record

pytestmark = pytest.mark.django_db

DEFERRED = {"outcome": Outcome.DEFERRED, "fault": Fault.REPLY, "reply_code": 450, "phase": "rcpt", "state": "pending"}


def after(**time: float) -> datetime:
    return NOON + timedelta(**time)


def timeline(mail: Mail, now: datetime = NOON + timedelta(hours=1)) -> list[Event]:
    return draw_timeline(mail, tell_story(mail), mail.interventions.all(), now)


def told(mail: Mail, now: datetime = NOON + timedelta(hours=1)) -> list[str]:
    """Write each event as one word, with the number of a try, behind the wait before it."""
    events = timeline(mail, now)
    numbers = [f" {event.attempt.number}" if event.attempt else "" for event in events]
    gaps = [f"{gap(event.gap)} later: " if event.gap else "" for event in events]
    return [f"{before}{event.kind}{number}" for before, event, number in zip(gaps, events, numbers, strict=True)]


def test_tries_stand_with_the_waits_between_them() -> None:
    mail = make_mail()
    make_record(mail, started_at=after(seconds=2), **DEFERRED)
    make_record(mail, epoch=2, started_at=after(minutes=12))
    assert told(mail) == ["accepted", "2 s later: try 1", "12 min later: try 2"]


def test_a_wait_of_less_than_a_second_is_not_told() -> None:
    mail = make_mail()
    make_record(mail, started_at=after(milliseconds=900))
    assert told(mail) == ["accepted", "try 1"]


def test_what_a_person_did_stands_in_its_place_in_time() -> None:
    mail = make_mail()
    make_record(mail, **DEFERRED)
    Intervention.objects.create(mail=mail, deed=Deed.SEND_NOW, done_by="ada", done_at=after(minutes=5))
    make_record(mail, epoch=2, started_at=after(minutes=5, milliseconds=10))
    assert told(mail) == ["accepted", "try 1", "5 min later: deed", "try 2"]


def test_a_hop_names_who_took_the_mail_over_and_is_no_try() -> None:
    mail = make_mail(sender_address="third@example.com")
    skipped = {"outcome": Outcome.SKIPPED, "state": "pending"}
    tries: list[tuple[str, dict[str, Any]]] = [
        ("first@example.com", DEFERRED),
        ("first@example.com", {**skipped, "skip_reason": SkipReason.HANDED_OVER}),
        ("second@example.com", {**skipped, "skip_reason": SkipReason.HANDED_BACK}),
        ("third@example.com", {}),
    ]
    for epoch, (address, values) in enumerate(tries, start=1):
        make_record(mail, epoch=epoch, sender_address=address, started_at=after(milliseconds=epoch * 300), **values)
    assert told(mail) == ["accepted", "try 1", "hop 0", "hop 0", "try 2"]
    taken_by = [event.taken_by for event in timeline(mail) if event.taken_by]
    assert taken_by == ["second@example.com", "third@example.com"]


def test_a_hop_at_the_end_names_the_account_that_has_the_mail_now() -> None:
    mail = make_mail(sender_address="second@example.com", state=MailState.RETRY)
    handed_over = {"outcome": Outcome.SKIPPED, "skip_reason": SkipReason.HANDED_OVER, "state": "pending"}
    make_record(mail, sender_address="first@example.com", **handed_over)
    assert [event.taken_by for event in timeline(mail)] == ["", "second@example.com", ""]


def test_what_was_never_tried_is_no_try() -> None:
    mail = make_mail(state=MailState.CANCELLED)
    make_record(mail, **DEFERRED)
    make_record(mail, epoch=2, outcome=Outcome.SKIPPED, skip_reason=SkipReason.CANCELLED)
    assert told(mail) == ["accepted", "try 1", "try 0"]


def test_a_waiting_mail_says_when_it_is_tried_next() -> None:
    mail = make_mail(state=MailState.RETRY, due_at=after(hours=1, minutes=12))
    make_record(mail, **DEFERRED)
    assert told(mail) == ["accepted", "try 1", "next"]
    assert [timeline(mail, now)[-1].wait for now in (after(hours=1), after(hours=2))] == [timedelta(minutes=12), None]


def test_a_mail_in_a_workers_hand_says_so_until_its_record_does() -> None:
    mail = make_mail(state=MailState.SENDING, lease_until=after(hours=1))
    make_record(mail, **DEFERRED)
    assert told(mail) == ["accepted", "try 1", "under_way"]
    make_record(mail, epoch=2, outcome=Outcome.SENDING, ended_at=None)
    assert told(mail) == ["accepted", "try 1", "try 2"]


def make_tries(mail: Mail, codes: list[int]) -> None:
    for epoch, code in enumerate(codes, start=1):
        values = {**DEFERRED, "reply_code": code, "reply_text": f"Later {epoch}"}
        make_record(mail, epoch=epoch, started_at=after(minutes=epoch), **values)


def test_tries_amid_others_that_ended_alike_are_folded() -> None:
    mail = make_mail()
    make_tries(mail, [450] * 6 + [451])
    events = timeline(mail)
    numbers = [event.attempt.number if event.attempt else None for event in events]
    assert [event.kind.value for event in events] == ["accepted", "try", "alike", "try", "try"]
    assert numbers == [None, 1, None, 6, 7]
    assert events[2].epochs == {2, 3, 4, 5}


def test_a_few_tries_that_ended_alike_all_stand() -> None:
    mail = make_mail()
    make_tries(mail, [450] * 4)
    assert [event.kind.value for event in timeline(mail)] == ["accepted", "try", "try", "try", "try"]


def test_what_happened_between_tries_is_never_folded() -> None:
    mail = make_mail()
    make_tries(mail, [450] * 6)
    Intervention.objects.create(mail=mail, deed=Deed.SEND_NOW, done_by="ada", done_at=after(minutes=3, seconds=30))
    kinds = [event.kind.value for event in timeline(mail)]
    assert kinds == ["accepted", "try", "try", "try", "deed", "try", "try", "try"]


def test_the_folded_tries_are_open_where_the_page_is_about_one_of_them() -> None:
    mail = make_mail()
    make_tries(mail, [450] * 6)
    client = client_of(make_person("records.view_sendingrecord"))
    amid, last = (page_of(client, mail.records.get(epoch=epoch).pk) for epoch in (3, 6))
    assert '<details class="step-alike" open> <summary> 4 more tries ended alike' in amid
    assert '<details class="step-alike" > <summary> 4 more tries ended alike' in last
    assert "Later 4" in last


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3540, "59 min"),
        (3599, "1 h"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (86_340, "23 h 59 min"),
        (86_400, "1 day"),
        (200_000, "2 days"),
    ],
)
def test_a_wait_is_written_in_units_that_fit(seconds: int, written: str) -> None:
    assert gap(timedelta(seconds=seconds)) == written


def test_the_page_tells_it_in_words() -> None:
    mail = make_mail(requested_by="scheduler", state=MailState.RETRY, due_at=after(days=9000))
    make_record(mail, **DEFERRED, sender_address="first@example.com")
    Intervention.objects.create(mail=mail, deed=Deed.SEND_NOW, done_by="ada", done_at=after(minutes=5))
    handed_over = {"outcome": Outcome.SKIPPED, "skip_reason": SkipReason.HANDED_OVER}
    record = make_record(mail, epoch=2, started_at=after(minutes=6), **handed_over)
    text = page_of(client_of(make_person("records.view_sendingrecord")), record.pk)
    for words in (
        "Put in the queue",
        "Asked for by <bdi>scheduler</bdi>",
        "Try 1",
        "5 min later",
        "Sent without waiting",
        "By ada",
        "Handed over to noreply@example.com",
        "Next try in",
    ):
        assert words in text


def page_of(client: Client, pk: int) -> str:
    return " ".join(client.get(f"/system/setting/mailbox/records/{pk}/").content.decode().split())
