"""T0 for many mails in one call: all or none, each by the rules for one, and what they share stored once."""

from collections.abc import Sequence
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis import Redis

from delivery.acceptance import accept_mail, accept_mails
from delivery.compose.message import compose
from delivery.engine.interactive import open_test_try
from delivery.exceptions import MailNotConfiguredError, RequestRefusedError
from delivery.request import MailRequest
from delivery.values import Attachment, Draft
from records.content import read_many
from records.models import Body, Content, Mail, Receiver, SendingRecord
from senders.models import Sender
from senders.services import set_default_sender
from tests.delivery.engine.scenes import make_sender
from tests.together import do_at_once

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 30
QUEUE = "mail"


@pytest.fixture
def sender() -> Sender:
    return make_sender()


def ask(number: int = 0, **values: Any) -> MailRequest:
    usual = {"to": [f"user{number}@example.org"], "subject": f"Load {number}", "text": "Done."}
    return MailRequest(**(usual | values))


def ask_many(sender: Sender, count: int = MANY, **values: Any) -> list[MailRequest]:
    return [ask(number, sender=sender, **values) for number in range(count)]


def count_rows() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Mail, Receiver, Content, Body))


def parsed(ids: Sequence[int]) -> list[EmailMessage]:
    stored = read_many(ids)
    return [message_from_bytes(stored[pk], policy=policy.default) for pk in ids]


@pytest.mark.parametrize("count", [1, 3, MANY])
def test_each_request_has_its_mail_in_their_order(count: int, sender: Sender) -> None:
    ids = accept_mails(ask_many(sender, count))
    messages = parsed(ids)
    assert [message["Subject"] for message in messages] == [f"Load {number}" for number in range(count)]
    assert [message["To"] for message in messages] == [f"user{number}@example.org" for number in range(count)]
    assert [message.get_content().strip() for message in messages] == ["Done."] * count
    assert [Mail.objects.get(pk=pk).message_id for pk in ids] == [message["Message-ID"] for message in messages]
    assert len({message["Message-ID"] for message in messages}) == count
    assert list(Receiver.objects.order_by("mail_id").values_list("mail_id", "address", "state")) == [
        (pk, f"user{number}@example.org", "pending") for number, pk in enumerate(ids)
    ]


def test_one_mail_is_the_case_of_one(sender: Sender) -> None:
    values: dict[str, Any] = {
        "cc": ["carol@example.org"], "bcc": ["dave@example.org"], "html": "<p>Done.</p>", "template_name": "load",
        "accessed_resource": "/tasks/7", "requester_ip": "192.0.2.7", "requested_by": "alice", "priority": 2,
        "give_up_after": timedelta(minutes=10), "not_before": timezone.now() + timedelta(hours=1),
    }  # fmt: skip
    alone = accept_mail(to=["bob@example.org"], subject="Load", sender=sender, **values)
    [among, *_others] = accept_mails(
        [ask(to=["bob@example.org"], subject="Load", text="", sender=sender, **values), *ask_many(sender)]
    )
    own = {"id", "message_id", "accepted_at", "epoch"}
    rows: list[dict[str, Any]] = list(map(dict, Mail.objects.filter(pk__in=[alone.pk, among]).values()))
    assert {name: rows[0][name] for name in rows[0].keys() - own} == {
        name: rows[1][name] for name in rows[1].keys() - own
    }
    assert [row["priority"] for row in rows] == [2, 2]


def test_mails_of_every_way_in_keep_their_bodies_apart(sender: Sender) -> None:
    def open_test() -> int:
        composed = compose(Draft("reports@example.com", "Reports", "Test", to=("bob@example.org",), text="A test."))
        return open_test_try(
            sender=sender, receiver="bob@example.org", subject="T", composed=composed, seconds=5
        ).mail_id

    tests = []
    accepted = []
    for count in (1, 3, 12):
        tests.append(open_test())
        accepted += accept_mails(ask_many(sender, count))
    assert [message.get_content().strip() for message in parsed(tests)] == ["A test."] * 3
    assert [message.get_content().strip() for message in parsed(accepted)] == ["Done."] * 16


def test_no_requests_are_no_mails() -> None:
    assert accept_mails([]) == []


def test_a_body_that_is_the_same_is_stored_once(sender: Sender) -> None:
    file = Attachment("rows.csv", b"id,amount\r\n" * 100)
    same = ask_many(sender, 12, html="<p>Done.</p>", attachments=[file])
    other_file = Attachment("rows.csv", b"id,amount\r\n" * 99)
    ids = accept_mails([*same, *ask_many(sender, 3), ask(sender=sender, html="<p>Done.</p>", attachments=[other_file])])
    assert count_rows() == (16, 16, 16, 3)
    messages = parsed(ids)
    assert [len(list(message.iter_attachments())) for message in messages] == [1] * 12 + [0] * 3 + [1]
    [last] = messages[-1].iter_attachments()
    assert last.get_content() == other_file.content.decode()


def test_mails_that_share_a_file_but_not_their_text_all_have_it(sender: Sender) -> None:
    files = [Attachment(f"{number}.bin", bytes([number]) * 1000) for number in range(6)]
    requests = [
        ask(number, sender=sender, text=f"Dear user {number}", attachments=files[: number % 6 + 1])
        for number in range(24)
    ]
    for number, message in enumerate(parsed(accept_mails(requests))):
        attached = [part.get_content() for part in message.iter_attachments()]
        assert attached == [file.content for file in files[: number % 6 + 1]]


def test_sizes_are_those_of_the_bytes(sender: Sender) -> None:
    ids = accept_mails(ask_many(sender, 4) + ask_many(sender, 20, html="<b>数据</b>"))
    stored = read_many(ids)
    assert dict(Mail.objects.values_list("pk", "size")) == {pk: len(stored[pk]) for pk in ids}


def test_a_few_statements_do_for_any_number(sender: Sender) -> None:
    accept_mails(ask_many(sender, 1))
    counted = []
    for count in (20, 90):
        with CaptureQueriesContext(connection) as queries:
            accept_mails(ask_many(sender, count, requested_by="alice"))
        counted.append(len(queries))
    assert counted[0] == counted[1]
    assert counted[0] <= 10


@pytest.mark.parametrize("place", [0, 7, MANY - 1])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("to", ["bob"]),
        ("subject", "Load\r\nBcc: eve@example.net"),
        ("subject", "=?utf-8?q?a=0AX-Injected:_yes?="),
        ("text", "half \ud800"),
        ("sender", "nobody@example.com"),
        ("template_name", "t" * 201),
        ("attachments", [Attachment("a\r\nb.txt", b"x")]),
        ("attachments", [Attachment("a.txt", b"x", "no type")]),
        ("attachments", [Attachment("huge.bin", b"\xff" * 24 * 2**20)]),
        ("priority", 3),
    ],
)
def test_a_wrong_request_is_named_and_nothing_is_stored(sender: Sender, place: int, field: str, value: object) -> None:
    requests = ask_many(sender)
    requests[place] = ask(place, **{"sender": sender, field: value})
    with pytest.raises(RequestRefusedError) as refusal:
        accept_mails(requests)
    assert (refusal.value.index, list(refusal.value.errors)) == (place, [field])
    assert count_rows() == (0, 0, 0, 0)


def test_all_wrong_requests_are_told_at_once(sender: Sender) -> None:
    requests = ask_many(sender)
    requests[3], requests[9] = ask(to=[], sender=sender), ask(subject="", sender=sender)
    with pytest.raises(RequestRefusedError) as refusal:
        accept_mails(requests)
    assert (refusal.value.index, refusal.value.errors) == (3, {"to": ["Name at least one receiver."]})
    assert refusal.value.others == {9: {"subject": ["Enter a subject."]}}


def test_after_many_wrong_requests_the_others_are_not_looked_at(sender: Sender) -> None:
    with pytest.raises(RequestRefusedError) as refusal:
        accept_mails(ask_many(sender, 500, to=["nobody"]))
    assert len(refusal.value.others) == 99


def test_a_refusal_leaves_the_callers_transaction_usable(sender: Sender) -> None:
    file = Attachment("a\r\nb.txt", b"x")
    with transaction.atomic():
        with pytest.raises(RequestRefusedError):
            accept_mails([*ask_many(sender), ask(sender=sender, attachments=[file])])
        accept_mails(ask_many(sender, 2))
    assert Mail.objects.count() == 2


def test_mails_are_a_part_of_the_callers_transaction(sender: Sender) -> None:
    with pytest.raises(LookupError), transaction.atomic():
        accept_mails(ask_many(sender))
        raise LookupError
    assert count_rows() == (0, 0, 0, 0)


def test_of_requests_with_one_key_the_first_counts_whatever_the_others_ask(sender: Sender) -> None:
    key: dict[str, Any] = {"idempotency_key": "load-7", "requested_by": "alice"}
    ids = accept_mails(
        [*ask_many(sender, 15), ask(16, sender=sender, **key), ask(17, sender=sender, subject="", **key)]
    )
    other_caller = ask(18, sender=sender, idempotency_key="load-7", requested_by="bert")
    again = accept_mails([ask(19, sender=sender, to=[], **key), other_caller, *ask_many(sender, 15)])
    assert ids[15] == ids[16] == again[0]
    assert again[1] not in ids
    assert Mail.objects.count() == 32
    assert accept_mail(to=[], subject="", **key).pk == ids[15]


def test_requests_that_all_came_before_are_nothing_new(sender: Sender) -> None:
    requests = [ask(number, sender=sender, idempotency_key=f"load-{number}") for number in range(600)]
    assert accept_mails(requests) == accept_mails(list(requests))
    assert Mail.objects.count() == 600


def test_keys_are_found_by_their_index() -> None:
    asked = Mail.objects.filter(requested_by="alice", idempotency_key__in=[f"load-{number}" for number in range(500)])
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # an empty table is read as a whole otherwise
        assert "idempotency_key_is_unique_per_caller" in asked.exclude(idempotency_key="").explain()


def test_calls_with_the_same_keys_at_once_share_their_mails(sender: Sender) -> None:
    answers: list[dict[int, int]] = []

    def accept(order: Sequence[int]) -> None:
        ids = accept_mails([ask(number, sender=sender, idempotency_key=f"load-{number}") for number in order])
        answers.append(dict(zip(order, ids, strict=True)))

    orders = [range(40), range(39, -1, -1), range(20, 60), range(59, 19, -1)]
    do_at_once(*[partial(accept, order) for order in orders])
    assert len(answers) == 4
    assert count_rows()[:3] == (60, 60, 60)
    for number in range(60):
        assert len({answer[number] for answer in answers if number in answer}) == 1


def test_without_a_default_sender_refusals_are_recorded_and_nothing_is_accepted(sender: Sender) -> None:
    with pytest.raises(MailNotConfiguredError) as refusal:
        accept_mails([*ask_many(sender, 3), ask(7, to=["a@example.org", "b@example.org"]), ask(8, idempotency_key="k")])
    ids = refusal.value.mail_ids
    assert (len(ids), refusal.value.mail_id) == (2, ids[0])
    assert list(Mail.objects.order_by("pk").values_list("pk", "state", "idempotency_key")) == [
        (ids[0], "failed", ""), (ids[1], "failed", ""),
    ]  # fmt: skip
    assert list(SendingRecord.objects.order_by("pk").values_list("receiver_address", "skip_reason")) == [
        ("a@example.org", "not_configured"),
        ("b@example.org", "not_configured"),
        ("user8@example.org", "not_configured"),
    ]  # fmt: skip


def test_accounts_are_named_in_any_way_and_each_looked_up_once(sender: Sender) -> None:
    other = make_sender(address="other@example.com", display_name="Other", reply_to="desk@example.com")
    set_default_sender(other)
    names = [sender, sender.pk, sender.address.upper(), None]
    with CaptureQueriesContext(connection) as queries:
        ids = accept_mails([ask(number, sender=names[number % 4]) for number in range(40)])
    assert [message["From"] for message in parsed(ids)[:4]] == [
        "Reports <reports@example.com>", "Reports <reports@example.com>", "Reports <reports@example.com>",
        "Other <other@example.com>",
    ]  # fmt: skip
    assert parsed(ids)[3]["Reply-To"] == "desk@example.com"
    assert list(Mail.objects.filter(pk__in=ids[:4]).order_by("pk").values_list("named_sender", flat=True)) == [
        True, True, True, False,
    ]  # fmt: skip
    assert sum('FROM "senders_sender"' in query["sql"] for query in queries) == 3


def test_a_worker_is_woken_once_per_account_and_only_for_mail_that_is_due(broker: Redis) -> None:
    senders = [make_sender(address=f"{name}@example.com") for name in ("a", "b", "c")]
    later = timezone.now() + timedelta(hours=1)
    with transaction.atomic():
        accept_mails(
            [*ask_many(senders[0]), *ask_many(senders[1], priority=2), *ask_many(senders[2], not_before=later)]
        )
        assert broker.llen(QUEUE) == 0
    messages = broker.lrange(QUEUE, 0, -1)
    assert [f'"argsrepr": "[{senders[0].pk}]"'.encode() in message for message in messages].count(True) == 1
    assert [f'"argsrepr": "[{senders[1].pk}, True]"'.encode() in message for message in messages].count(True) == 1
    assert len(messages) == 2
