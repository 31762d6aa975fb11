"""The page of one record: its facts, the story of its mail, what it explains, what it offers, what it withholds."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from records import claims, story
from records.dialogue.keeping import keep_dialogues
from records.dialogue.lines import Line, LineKind
from records.enums import Fault, MailState, Outcome, Phase, ReceiverState, SkipReason
from records.error_book import explain_outcome, get_entry
from records.models import Mail, Receiver, SendingRecord
from records.story import find_explanation, tell_story
from tests.people import client_of, make_person
from tests.records.rows import NOON, compose, make_mail, make_record

MAILBOX = "/system/setting/mailbox/"
REFUSAL = {
    "outcome": Outcome.REFUSED,
    "phase": Phase.RCPT,
    "fault": Fault.REPLY,
    "reply_code": 550,
    "enhanced_status": "5.1.1",
    "reply_text": "User unknown",
    "state": ReceiverState.REFUSED,
}


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_sendingrecord"))


def url_of(record: SendingRecord) -> str:
    return f"{MAILBOX}records/{record.pk}/"


def text_of(client: Client, record: SendingRecord) -> str:
    return " ".join(client.get(url_of(record)).content.decode().split())


def test_the_facts_of_the_try_are_shown(client: Client) -> None:
    mail = make_mail(requested_by="scheduler", message_id="<1@example.com>")
    record = make_record(
        mail,
        requester_ip="10.0.0.1",
        template_name="Weekly report",
        accessed_resource="/report/1",
        server="smtp.example.com:465",
        tls_version="TLSv1.3",
        tls_cipher="TLS_AES_256_GCM_SHA384",
        reply_code=250,
        enhanced_status="2.0.0",
        reply_text="Ok",
        queue_id="4B7C",
    )
    text = text_of(client, record)
    for value in (
        "2026-03-10 12:00:00",
        "240 ms",
        "noreply@example.com",
        "anna@example.net",
        "Weekly report",
        "/report/1",
        "scheduler",
        "10.0.0.1",
        "&lt;1@example.com&gt;",
        "smtp.example.com:465",
        "TLSv1.3",
        "TLS_AES_256_GCM_SHA384",
        "250 2.0.0 Ok",
        "4B7C",
        "The mail server accepted this mail for the receiver.",
    ):
        assert value in text


TURNED = "Invoice \u202efdp.exe"


@pytest.mark.parametrize("part", [{}, {"HX-Request": "true"}], ids=["page", "drawer"])
def test_what_others_wrote_turns_nothing_beside_it_and_says_that_it_is_turned(db: None, part: dict[str, str]) -> None:
    mail = make_mail(subject=TURNED, requested_by=TURNED)
    record = make_record(mail, template_name=TURNED, accessed_resource=TURNED)
    person = client_of(make_person("records.view_sendingrecord", "records.view_content"))
    page = person.get(url_of(record), headers=part).content.decode()
    assert page.count(TURNED) == len(re.findall(f"<bdi[^>]*>{TURNED}</bdi>", page)) == 5
    assert page.count("Invisible marks in it turn the reading direction") == 1
    mail.subject = "تقرير \u200fQ1"
    mail.save()
    assert "Invisible marks" not in person.get(url_of(record), headers=part).content.decode()


def test_the_subject_is_content(client: Client) -> None:
    record = make_record(make_mail(subject="Salaries of May"))
    assert "Salaries of May" not in text_of(client, record)
    reader = client_of(make_person("records.view_sendingrecord", "records.view_content"))
    assert "Salaries of May" in text_of(reader, record)


@pytest.mark.django_db
def test_every_try_is_told_in_time_order() -> None:
    mail = make_mail()
    make_record(mail, epoch=2, started_at=NOON + timedelta(seconds=30))
    make_record(mail, epoch=1, outcome=Outcome.DEFERRED, reply_code=450, fault=Fault.REPLY)
    attempts = tell_story(mail).attempts
    assert [(attempt.number, attempt.record.epoch, attempt.mark) for attempt in attempts] == [
        (1, 1, "failed"),
        (2, 2, "done"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("other", [Outcome.REFUSED, Outcome.DEFERRED, Outcome.UNKNOWN])
def test_a_try_that_only_some_were_accepted_in_is_marked_so(other: Outcome) -> None:
    mail = make_mail()
    make_record(mail)
    make_record(mail, receiver_address="bob@example.net", outcome=other)
    [attempt] = tell_story(mail).attempts
    assert (attempt.mark, attempt.icon) == ("partly", "minus")


@pytest.mark.django_db
@pytest.mark.parametrize("other", [Outcome.REFUSED, Outcome.DEFERRED, Outcome.UNKNOWN])
def test_a_try_that_may_have_arrived_and_was_accepted_for_nobody_is_not_marked_as_failed(other: Outcome) -> None:
    mail = make_mail()
    make_record(mail, outcome=Outcome.UNKNOWN)
    make_record(mail, receiver_address="bob@example.net", outcome=other)
    [attempt] = tell_story(mail).attempts
    assert (attempt.mark, attempt.icon) == ("uncertain", "triangle-alert")


@pytest.mark.django_db
def test_what_a_person_says_to_have_arrived_is_not_called_accepted() -> None:
    record = make_record(outcome=Outcome.UNKNOWN, state=ReceiverState.ARRIVED)
    client = client_of(make_person("records.view_sendingrecord"))
    text = " ".join(client.get(f"/system/setting/mailbox/records/{record.pk}/").content.decode().split())
    assert "Accepted for 0 of 1 receiver" in text
    assert '<span class="result result-success">Arrived, says a person</span>' in text


@pytest.mark.django_db
def test_receivers_that_were_answered_alike_stand_together() -> None:
    mail = make_mail()
    for name in ("a", "b"):
        make_record(mail, receiver_address=f"{name}@example.net", reply_code=250, reply_text="Ok")
    make_record(mail, receiver_address="c@example.net", **REFUSAL)
    (attempt,) = tell_story(mail).attempts
    assert [answer.receivers for answer in attempt.answers] == [["a@example.net", "b@example.net"], ["c@example.net"]]
    assert attempt.mark == "partly"


@pytest.mark.django_db
def test_it_is_told_who_got_the_mail_and_who_did_not() -> None:
    mail = make_mail(state=MailState.PARTLY_SENT)
    make_record(mail, receiver_address="a@example.net")
    make_record(mail, receiver_address="b@example.net", **REFUSAL)
    make_record(mail, receiver_address="c@example.net", outcome=Outcome.SENDING, ended_at=None, state="pending")
    fates = {fate.state.value: [each.address for each in fate.receivers] for fate in tell_story(mail).fates}
    assert fates == {"pending": ["c@example.net"], "accepted": ["a@example.net"], "refused": ["b@example.net"]}


@pytest.mark.django_db
def test_a_try_under_way_is_told_as_running(client: Client) -> None:
    record = make_record(outcome=Outcome.SENDING, ended_at=None, state="pending")
    text = text_of(client, record)
    assert "This mail is being sent right now." in text
    assert "step-running" in text
    assert "Duration" not in text


def test_a_refusal_is_explained_with_cause_and_fix(client: Client) -> None:
    record = make_record(**REFUSAL, server="smtp.example.com:465")
    entry = find_explanation(record)
    assert entry is not None
    text = text_of(client, record)
    assert "550 5.1.1 User unknown" in text
    assert "Step: Receiver" in text
    for sentence in (str(entry.cause), str(entry.fix)):
        assert " ".join(sentence.split()).replace("'", "&#x27;").replace('"', "&quot;") in text


@pytest.mark.django_db
def test_a_stored_explanation_stays_true_when_the_book_learns_more() -> None:
    stored = explain_outcome(Outcome.UNKNOWN).key
    record = make_record(**REFUSAL, cause=stored)
    assert find_explanation(record) == get_entry(stored)


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.UNKNOWN, Outcome.SUPPRESSED])
def test_outcomes_without_a_reply_are_explained_too(outcome: Outcome) -> None:
    assert find_explanation(make_record(outcome=outcome)) == explain_outcome(outcome)


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.SENDING])
def test_success_needs_no_explanation(outcome: Outcome) -> None:
    assert find_explanation(make_record(outcome=outcome)) is None


@pytest.mark.parametrize("reason", SkipReason)
def test_why_a_mail_was_not_tried_is_said(client: Client, reason: SkipReason) -> None:
    record = make_record(outcome=Outcome.SKIPPED, skip_reason=reason, state=ReceiverState.REFUSED)
    assert escape(str(reason.label)) in text_of(client, record)


def make_try(mail: Mail, epoch: int, outcomes: dict[str, Outcome]) -> list[SendingRecord]:
    """Create the records of one try at many receivers, given by their addresses."""
    Receiver.objects.bulk_create([Receiver(mail=mail, address=each) for each in outcomes], ignore_conflicts=True)
    ids = dict(mail.receivers.values_list("address", "pk"))
    at = NOON + timedelta(minutes=epoch)
    values = {"mail": mail, "epoch": epoch, "sender_address": mail.sender_address, "started_at": at, "ended_at": at}
    tries = [
        SendingRecord(receiver_id=ids[address], receiver_address=address, outcome=outcome, **values)
        for address, outcome in outcomes.items()
    ]
    return SendingRecord.objects.bulk_create(tries)


def addresses(count: int) -> list[str]:
    return [f"r{index}@example.net" for index in range(count)]


@pytest.mark.django_db
def test_a_try_is_marked_by_all_of_its_receivers_however_many_tries_there_were() -> None:
    mail, sixty = make_mail(), addresses(60)
    make_try(mail, 1, dict.fromkeys(sixty, Outcome.DEFERRED))
    make_try(mail, 2, dict.fromkeys(sixty[:40], Outcome.ACCEPTED) | dict.fromkeys(sixty[40:], Outcome.REFUSED))
    [*_, refused] = make_try(mail, 3, dict.fromkeys(sixty[40:], Outcome.REFUSED))
    attempts = tell_story(mail, refused).attempts
    assert [(attempt.number, attempt.mark) for attempt in attempts] == [(1, "failed"), (2, "partly"), (3, "failed")]
    assert [[len(answer.receivers) for answer in attempt.answers] for attempt in attempts] == [[60], [40, 20], [20]]


def test_of_very_many_tries_the_first_the_latest_and_that_of_the_page_are_told(client: Client) -> None:
    mail, hundred = make_mail(), addresses(100)
    records = [make_try(mail, epoch, dict.fromkeys(hundred, Outcome.DEFERRED))[-1] for epoch in range(1, 8)]
    keep_dialogues([(mail.pk, epoch, [Line(LineKind.SERVER, f"450 later {epoch}")]) for epoch in range(1, 8)])
    text = text_of(client, records[3])
    assert re.findall(r"Try \d|\d more tries are not shown here", text) == [
        "Try 1", "2 more tries are not shown here", "Try 4", "2 more tries are not shown here", "Try 7",
    ]  # fmt: skip
    assert re.findall(r"450 later \d", text) == ["450 later 1", "450 later 4", "450 later 7"]
    link = f'<a href="{MAILBOX}records/?mail={mail.pk}"> All 700 records of this mail </a>'
    assert text.count(link) == 2
    assert text.count('<li class="step step-failed" aria-current="true">') == 1


@pytest.mark.django_db
def test_with_few_receivers_the_latest_tries_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "MAX_RECORDS", 4)
    mail = make_mail()
    first, second, *_ = [make_record(mail, epoch=epoch) for epoch in range(1, 9)]
    assert [attempt.number for attempt in tell_story(mail, first).attempts] == [1, 6, 7, 8]
    assert [attempt.number for attempt in tell_story(mail, second).attempts] == [1, 2, 7, 8]


def test_a_try_at_very_many_receivers_shows_some_of_each_outcome_and_leads_to_the_others(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "MAX_ALIKE", 2)
    mail, five = make_mail(), addresses(5)
    outcomes = dict.fromkeys(five[:3], Outcome.ACCEPTED) | dict.fromkeys(five[3:], Outcome.REFUSED)
    record = make_try(mail, 1, outcomes)[2]
    [attempt] = tell_story(mail, record).attempts
    assert [answer.receivers for answer in attempt.answers] == [[five[0], five[2]], five[3:]]
    link = f'<a href="{MAILBOX}records/?mail={mail.pk}&amp;outcome=accepted"> Success: 1 more receiver </a>'
    assert link in text_of(client, record)


def test_the_number_of_queries_does_not_grow_with_the_tries(client: Client) -> None:
    mail = make_mail()
    record = make_record(mail, **REFUSAL)
    with CaptureQueriesContext(connection) as with_one_try:
        client.get(url_of(record))
    for index in range(3):
        make_record(mail, receiver_address=f"r{index}@example.net", epoch=index + 2)
    with CaptureQueriesContext(connection) as with_four_tries:
        client.get(url_of(record))
    assert len(with_four_tries) == len(with_one_try)


def test_the_drawer_gets_the_detail_alone(client: Client) -> None:
    record = make_record()
    text = client.get(url_of(record), headers={"HX-Request": "true"}).content.decode()
    assert f'<h2 id="drawer-title" tabindex="-1">Record {record.pk}</h2>' in text
    assert "<html" not in text


def test_a_mail_that_was_sent_again_leads_to_the_first_one(client: Client) -> None:
    first = make_mail()
    record = make_record(make_mail(resend_of=first))
    assert f'href="{MAILBOX}mails/{first.pk}/record/"' in text_of(client, record)


def test_a_failed_test_mail_promises_no_second_try(client: Client) -> None:
    sentence = "This was a test mail: it is tried once and never again."
    deferred = {"outcome": "deferred", "fault": "reply", "phase": "rcpt", "reply_code": 450}
    assert sentence in text_of(client, make_record(kind="test", **deferred))
    assert sentence not in text_of(client, make_record(**deferred))


def test_the_first_mail_leads_to_those_that_were_sent_again_from_it(client: Client) -> None:
    first = make_record()
    again = [make_mail(resend_of=first.mail), make_mail(resend_of=first.mail)]
    text = text_of(client, first)
    assert "Sent again as" in text
    assert all(f'href="{MAILBOX}mails/{mail.pk}/record/"' in text for mail in again)
    assert "Sent again as" not in text_of(client, make_record())
    for _ in range(19):
        make_mail(resend_of=first.mail)
    text = text_of(client, first)
    assert text.count('/record/"') == 20
    assert "and 1 more" in text


def test_sending_again_is_offered_to_whoever_may_and_where_content_is_kept(db: None) -> None:
    record = make_record(make_mail(mime=compose()))
    without_content = make_record()
    sender = client_of(make_person("records.view_sendingrecord", "records.send_mail"))
    assert "Send again" in text_of(sender, record)
    assert "Send again" not in text_of(sender, without_content)
    assert "Send again" not in text_of(client_of(make_person("records.view_sendingrecord")), record)


@pytest.mark.parametrize(
    ("state", "offered"), [(MailState.QUEUED, True), (MailState.RETRY, True), (MailState.SENT, False)]
)
def test_only_waiting_mail_can_be_cancelled(db: None, state: MailState, offered: bool) -> None:
    record = make_record(make_mail(state=state), outcome=Outcome.DEFERRED)
    canceller = client_of(make_person("records.view_sendingrecord", "records.cancel_mail"))
    assert ("Cancel this mail" in text_of(canceller, record)) is offered
    assert "Cancel this mail" not in text_of(client_of(make_person("records.view_sendingrecord")), record)


def test_the_content_is_offered_only_to_whoever_may_see_it(db: None) -> None:
    record = make_record(make_mail(mime=compose()))
    reader = client_of(make_person("records.view_sendingrecord", "records.view_content"))
    assert "Show the content" in text_of(reader, record)
    assert "Show the content" not in text_of(client_of(make_person("records.view_sendingrecord")), record)
    assert "is not kept any more" in text_of(reader, make_record(make_mail(size=500)))


def test_what_a_server_said_is_shown_as_text(client: Client) -> None:
    record = make_record(**{**REFUSAL, "reply_text": "<script>alert(1)</script>"})
    text = text_of(client, record)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_page_is_for_those_with_the_permission(db: None) -> None:
    record = make_record()
    assert client_of(make_person("records.view_content")).get(url_of(record)).status_code == 403


@pytest.mark.parametrize("address", ["records/99999/", "records/99999999999999999999/", "mails/71/record/"])
def test_what_is_gone_is_not_found_and_told_with_the_rule_that_removes(client: Client, address: str) -> None:
    response = client.get(MAILBOX + address)
    assert response.status_code == 404
    assert "Records are kept for 400 days. At most 20,000,000 records are kept" in response.content.decode()


def test_a_record_that_went_while_somebody_looked_says_so_in_the_drawer(client: Client) -> None:
    response = client.get(f"{MAILBOX}records/99999/", headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert "This record is not there" in response.content.decode()
    assert "<html" not in response.content.decode()


def test_the_number_of_a_mail_leads_to_its_latest_try(client: Client) -> None:
    mail = make_mail()
    make_record(mail)
    latest = make_record(mail, epoch=2)
    assert client.get(f"{MAILBOX}mails/{mail.pk}/record/").headers["Location"] == url_of(latest)


def test_the_number_of_a_mail_without_a_record_leads_to_the_list(client: Client) -> None:
    mail = make_mail(state="queued")
    assert client.get(f"{MAILBOX}mails/{mail.pk}/record/").headers["Location"] == f"{MAILBOX}records/?mail={mail.pk}"


@pytest.mark.parametrize("number", [0, 2**63, 10**30])
def test_a_number_that_no_mail_can_have_is_not_found(client: Client, number: int) -> None:
    assert client.get(f"{MAILBOX}mails/{number}/record/").status_code == 404


@pytest.mark.parametrize(
    ("state", "result"),
    [
        ("queued", "open"),
        ("sending", "open"),
        ("retry", "open"),
        ("sent", "success"),
        ("partly_sent", "uncertain"),
        ("uncertain", "uncertain"),
        ("failed", "failed"),
        ("expired", "failed"),
        ("cancelled", "failed"),
    ],
)
def test_every_state_of_a_mail_is_shown_as_a_result(state: str, result: str) -> None:
    assert Mail(state=state).result == result
