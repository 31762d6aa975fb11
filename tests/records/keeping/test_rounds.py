"""What a round removes, and what it leaves alone."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from records.clock import database_now
from records.content import find_mime
from records.enums import MailKind, MailState, Outcome
from records.interventions import Intervention
from records.keeping.rounds import run_whole
from records.models import Body, Content, Mail, Receiver, SendingRecord
from tests.records.keeping.rows import old_mail, prune, set_rules, what_is_left
from tests.records.rows import make_record

pytestmark = pytest.mark.django_db(transaction=True)


def test_by_default_records_stay_for_400_days_and_contents_for_30() -> None:
    ancient, old, young = old_mail(401, records=2), old_mail(31), old_mail(29)
    did = prune()
    assert what_is_left() == ([old.pk, young.pk], [young.pk], [young.pk])
    assert (did.removed_mails, did.removed_records, did.removed_contents) == (1, 2, 2)
    assert not SendingRecord.objects.filter(mail_id=ancient.pk).exists()
    assert not Receiver.objects.filter(mail_id=ancient.pk).exists()


def test_what_is_never_to_go_stays() -> None:
    set_rules()
    mails = [old_mail(5000), old_mail(1)]
    prune()
    assert len(what_is_left()[1]) == len(mails)


@pytest.mark.parametrize(
    "values",
    [
        {"state": MailState.QUEUED, "finished_at": None},
        {"state": MailState.RETRY, "finished_at": None},
        {"state": MailState.SENDING, "finished_at": None, "lease_until": database_now},
        {"state": MailState.UNCERTAIN},
    ],
    ids=["waiting", "waiting to be tried again", "being sent", "held for a person"],
)
def test_mail_that_has_not_ended_is_never_touched(values: dict[str, Any]) -> None:
    set_rules(records_days=1, contents_days=1, attachments_days=1, max_records=1, max_contents_size=1)
    given = {name: value() if callable(value) else value for name, value in values.items()}
    mail = old_mail(1000, **given)
    before = find_mime(mail.pk)
    ended = old_mail(999)
    prune()
    assert what_is_left() == ([mail.pk], [mail.pk], [mail.pk])
    assert find_mime(mail.pk) == before
    assert not Mail.objects.filter(pk=ended.pk).exists()


def test_test_mail_that_may_have_arrived_is_held_for_nobody() -> None:
    old_mail(1000, state=MailState.UNCERTAIN, kind=MailKind.TEST)
    prune()
    assert what_is_left() == ([], [], [])


def test_age_is_counted_from_the_end_of_a_mail_and_not_from_its_beginning() -> None:
    mail = old_mail(500, finished_at=database_now() - timedelta(days=2))
    prune()
    assert what_is_left() == ([mail.pk], [mail.pk], [mail.pk])


def test_a_mail_goes_with_all_its_records_when_the_newest_is_old_enough() -> None:
    set_rules(records_days=100)
    mail = old_mail(200)
    late = make_record(mail, receiver_address="late@example.net", started_at=database_now() - timedelta(days=5))
    prune()
    assert what_is_left()[0] == [mail.pk]
    late.delete()
    prune()
    assert what_is_left()[0] == []


def test_a_mail_with_a_try_under_way_stays_though_it_ended() -> None:
    mail = old_mail(1000)
    make_record(mail, receiver_address="b@example.net", outcome=Outcome.SENDING, ended_at=None, started_at=mail.due_at)
    prune()
    assert what_is_left()[0] == [mail.pk]


def test_a_body_stays_as_long_as_one_of_its_mails_needs_it() -> None:
    first = old_mail(40)
    body = Body.objects.get(pk=first.pk)
    second = old_mail(35, body=body)
    waiting = old_mail(33, body=body, state=MailState.RETRY, finished_at=None)
    expected = find_mime(waiting.pk)
    prune()
    assert what_is_left() == ([first.pk, second.pk, waiting.pk], [waiting.pk], [first.pk])
    assert find_mime(waiting.pk) == expected
    Mail.objects.filter(pk=waiting.pk).update(state=MailState.SENT, finished_at=waiting.accepted_at)
    prune()
    assert what_is_left() == ([first.pk, second.pk, waiting.pk], [], [])


def test_what_points_to_a_mail_goes_or_lets_it_go() -> None:
    original = old_mail(1000)
    Intervention.objects.create(mail=original, deed="retry", done_by="anna", done_at=original.due_at)
    again = old_mail(1, resend_of=original)
    prune()
    again.refresh_from_db()
    assert (again.resend_of, Intervention.objects.count()) == (None, 0)


def test_all_that_refers_to_a_mail_or_a_try_is_known() -> None:
    """Rows are deleted by statements of our own: what refers to others than mails must be thought of."""
    referring = {
        (model.__name__, relation.related_model.__name__)
        for model in (SendingRecord, Receiver, Content, Body, Intervention)
        for relation in model._meta.related_objects
    }
    assert referring == {("Receiver", "SendingRecord"), ("Body", "Content")}


def test_contents_are_not_read_to_be_removed(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(5):
        old_mail(500, records=2)
    with django_assert_max_num_queries(93) as queries:
        run_whole(pause=0)
    read = [query["sql"] for query in queries.captured_queries if query["sql"].startswith("SELECT")]
    assert [sql for sql in read if '."octets" AS' in sql or '"records_body"."octets",' in sql] == []


def test_too_many_records_go_oldest_first() -> None:
    set_rules(max_records=5)
    mails = [old_mail(10 - number, records=2) for number in range(5)]
    did = prune()
    assert what_is_left()[0] == [mail.pk for mail in mails[3:]]
    assert did.removed_records == 6


def test_where_ids_alone_tell_that_there_are_not_too_many_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("records.keeping.counting._ALWAYS_COUNTED", 1)
    set_rules(max_records=10)
    mails = [old_mail(5, records=2), old_mail(5, records=2)]
    mails[0].records.order_by("-pk")[0].delete()
    assert prune().records == 4
    set_rules(max_records=3)
    assert prune().records == 3


def test_records_are_counted_in_several_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("records.keeping.counting._IDS", 2)
    monkeypatch.setattr("records.keeping.counting._ROWS", 2)
    set_rules(max_records=4)
    mails = [old_mail(9 - number) for number in range(7)]
    did = prune()
    assert (did.records, did.contents_size > 0) == (7, True)
    assert what_is_left()[0] == [mail.pk for mail in mails[3:]]


def test_too_many_bytes_of_contents_go_oldest_first() -> None:
    mails = [old_mail(10 - number, text="x" * 1000) for number in range(5)]
    size = sum(len(content.head) + len(content.body.octets) for content in Content.objects.all())
    set_rules(max_contents_size=size * 3 // 5 + 10)
    did = prune()
    assert what_is_left()[1:] == ([mail.pk for mail in mails[2:]],) * 2
    assert did.contents_size == size


def test_what_ended_within_the_last_hour_stays_however_much_there_is() -> None:
    set_rules(max_records=1, max_contents_size=1)
    mails = [old_mail(0.01), old_mail(0.02)]
    prune()
    assert len(what_is_left()[1]) == len(mails)


def test_a_body_that_goes_with_its_record_does_not_count_against_the_size_of_contents() -> None:
    gone, kept = old_mail(50, text="x" * 1000), old_mail(5, text="y" * 1000)
    size = sum(len(content.head) + len(content.body.octets) for content in Content.objects.filter(pk=kept.pk))
    set_rules(records_days=20, max_contents_size=size)
    did = prune()
    assert what_is_left() == ([kept.pk],) * 3
    assert (did.removed_contents, did.contents_size) == (1, size)
    assert not Mail.objects.filter(pk=gone.pk).exists()


def test_refused_mail_without_content_goes_too() -> None:
    mail = old_mail(1000)
    Content.objects.all().delete()
    Body.objects.all().delete()
    prune()
    assert not Mail.objects.filter(pk=mail.pk).exists()


def test_many_go_in_several_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("records.keeping.finding.LOOK", 3)
    monkeypatch.setattr("records.keeping.finding.MOST_RECORDS", 4)
    set_rules(records_days=100, contents_days=10)
    kept = [
        old_mail(1000 - number, records=1 + number % 3, state="queued", finished_at=None)
        if number % 4 == 1
        else old_mail(1000 - number, records=1 + number % 3)
        for number in range(20)
    ]
    kept = [mail for mail in kept if mail.state == "queued"]
    young = [old_mail(20) for _ in range(7)]
    did = prune()
    assert what_is_left() == (
        [mail.pk for mail in [*kept, *young]],
        [mail.pk for mail in kept],
        [mail.pk for mail in kept],
    )
    assert (did.removed_mails, did.removed_contents) == (15, 22)
