"""From the page of a record to its account, its latest check and its provider's guide; and who got the mail."""

from typing import Any

import pytest
from django.test import Client

from records import fates
from records.models import SendingRecord
from records.story import tell_story
from senders.enums import Encryption, LoginMethod
from senders.models import Sender
from tests.people import client_of, make_person
from tests.records.rows import NOON, make_mail, make_record

pytestmark = pytest.mark.django_db

MAILBOX = "/system/setting/mailbox/"
REFUSED_SIGN_IN: dict[str, Any] = {
    "outcome": "not_connected",
    "phase": "auth",
    "fault": "reply",
    "reply_code": 535,
    "state": "pending",
}


def make_account(**values: Any) -> Sender:
    usual = {
        "address": "noreply@example.com",
        "display_name": "Reports",
        "host": "mx.example.com",
        "port": 465,
        "encryption": Encryption.SSL,
        "login_method": LoginMethod.NONE,
    }
    return Sender.objects.create(**(usual | values))


def viewer(*permissions: str) -> Client:
    return client_of(make_person("records.view_sendingrecord", *permissions))


def text_of(client: Client, record: SendingRecord) -> str:
    return " ".join(client.get(f"{MAILBOX}records/{record.pk}/").content.decode().split())


def test_the_sender_leads_to_its_account_for_those_who_may_change_it() -> None:
    account, record = make_account(address="NoReply@example.com"), make_record()
    link = f'<a href="{MAILBOX}senders/{account.pk}/">noreply@example.com</a>'
    assert link in text_of(viewer("senders.change_sender"), record)
    assert link not in text_of(viewer(), record)


def test_an_account_that_is_gone_is_named_and_leads_nowhere() -> None:
    text = text_of(viewer("senders.change_sender"), make_record())
    assert "noreply@example.com" in text
    assert f"{MAILBOX}senders/" not in text


@pytest.mark.parametrize(("passed", "words"), [(True, "Latest check passed"), (False, "Latest check failed")])
def test_the_latest_check_of_the_account_is_told_and_led_to(passed: bool, words: str) -> None:
    check = make_mail(kind="test")
    make_account(last_test_at=NOON, last_test_passed=passed, last_test_mail_id=check.pk)
    text = text_of(viewer(), make_record())
    assert words in text
    assert f'href="{MAILBOX}mails/{check.pk}/record/"' in text


def test_a_check_whose_mail_is_not_kept_leads_nowhere() -> None:
    make_account(last_test_at=NOON, last_test_passed=True, last_test_mail_id=4711)
    text = text_of(viewer(), make_record())
    assert "Latest check passed" in text
    assert "mails/4711/" not in text


def test_an_account_that_was_never_checked_says_nothing_of_checks() -> None:
    make_account()
    assert "Latest check" not in text_of(viewer(), make_record())


def test_what_failed_leads_to_the_guide_of_the_provider() -> None:
    make_account(host="smtp.gmail.com")
    link = f'<a href="{MAILBOX}guides/gmail/">Guide: Gmail'
    assert link in text_of(viewer(), make_record(**REFUSED_SIGN_IN))
    assert link not in text_of(viewer(), make_record())


def test_what_is_the_accounts_fault_leads_to_mending_it() -> None:
    account = make_account()
    words = f'<a href="{MAILBOX}senders/{account.pk}/">Edit the account and test it</a>'
    assert words in text_of(viewer("senders.change_sender"), make_record(**REFUSED_SIGN_IN))
    assert words not in text_of(viewer(), make_record(**REFUSED_SIGN_IN))
    refused = make_record(outcome="refused", phase="rcpt", fault="reply", reply_code=550)
    assert words not in text_of(viewer("senders.change_sender"), refused)


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (["accepted"], "Accepted for its one receiver"),
        (["accepted", "accepted"], "Accepted for all 2 receivers"),
        (["refused"], "Accepted for 0 of 1 receiver"),
        (["accepted", "refused", "pending"], "Accepted for 1 of 3 receivers"),
    ],
)
def test_it_is_said_in_one_line_for_how_many_the_mail_was_accepted(states: list[str], words: str) -> None:
    mail = make_mail()
    for index, state in enumerate(states):
        record = make_record(mail, receiver_address=f"r{index}@example.net", state=state)
    assert f'<h2 id="fates-title"> {words} </h2>' in text_of(viewer(), record)


def test_who_did_not_get_it_stands_first_and_is_named_however_many_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fates, "MAX_ALIKE", 2)
    mail = make_mail()
    for index, state in enumerate(["accepted", "accepted", "accepted", "refused", "accepted", "pending"]):
        record = make_record(mail, receiver_address=f"r{index}@example.net", state=state)
    told = tell_story(mail)
    assert [(fate.state.value, fate.count, [each.address for each in fate.receivers]) for fate in told.fates] == [
        ("pending", 1, ["r5@example.net"]),
        ("refused", 1, ["r3@example.net"]),
        ("accepted", 4, ["r0@example.net", "r1@example.net"]),
    ]
    assert (told.accepted, told.receivers_in_all) == (4, 6)
    assert f'href="{MAILBOX}records/?mail={mail.pk}"> and 2 more </a>' in text_of(viewer(), record)


def test_the_size_is_told() -> None:
    assert "2.0 KB" in text_of(viewer(), make_record(make_mail(size=2048)))
