"""Many mails in groups: each sent once, settled in bulk, and given back when the worker stops amid them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import DjangoAssertNumQueries, Settings

from delivery.acceptance import accept_mails
from delivery.engine import clerk
from delivery.engine.claim import claim_due
from delivery.engine.drain import drain
from delivery.engine.groups import Group
from delivery.engine.pace import Pace
from delivery.engine.settle import finish
from delivery.engine.values import Claim, Server, TryResult
from delivery.request import MailRequest
from records.models import Content, Mail, SendingRecord
from senders.enums import UnknownPolicy
from senders.models import Circuit, Sender
from tests import smtpd
from tests.delivery.engine.scenes import accept, copies, do_once_at, fresh, make_sender, outcomes
from tests.delivery.engine.test_settle import ACCEPTED, UNKNOWN

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 400


def accept_many(sender: Sender, count: int = MANY) -> None:
    accept_mails(
        [
            MailRequest(to=[f"r{number}@example.org"], subject=f"Load {number}", text="Done.\n", sender=sender.pk)
            for number in range(count)
        ]
    )


def counted(model: Any, field: str) -> dict[Any, int]:
    """Count rows by the value of a field."""
    found: dict[Any, int] = {}
    for value in model.objects.values_list(field, flat=True):
        found[value] = found.get(value, 0) + 1
    return found


@pytest.fixture
def _large_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let groups be large enough for a thread that settles beside, however busy the machine is."""
    monkeypatch.setattr(Pace, "note", lambda self, mails, _seconds: setattr(self, "_size", max(mails * 2, 1)))


@pytest.mark.usefixtures("_large_groups")
def test_many_mails_are_each_sent_once_over_one_connection_and_settled(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    accept_many(sender)
    assert drain(sender.pk) is False
    assert (counted(Mail, "state"), counted(SendingRecord, "outcome")) == ({"sent": MANY}, {"accepted": MANY})
    assert (len(copies(server)), len(server.mails), server.connections) == (MANY, MANY, 1)


@pytest.mark.usefixtures("_large_groups")
def test_a_worker_that_stops_amid_a_large_group_leaves_nothing_in_hand(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    accept_many(sender)
    drain(sender.pk, is_stopping=lambda: len(server.mails) >= 150)
    sent = len(server.mails)
    assert 150 <= sent <= 151
    assert counted(Mail, "state") == {"sent": sent, "queued": MANY - sent}
    assert counted(Mail, "attempts") == {1: sent, 0: MANY - sent}
    assert counted(SendingRecord, "outcome") == {"accepted": sent}
    drain(sender.pk)
    assert set(copies(server).values()) == {1}
    assert counted(Mail, "state") == {"sent": MANY}


@pytest.mark.usefixtures("_large_groups")
def test_a_server_that_goes_away_amid_a_large_group_parks_the_rest_of_it(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    accept_many(sender)

    def go_away() -> None:
        server.answer("MAIL", "421 4.3.2 The system is going down")

    seen = server.take_answer

    def take_answer(command: str, argument: str) -> "str | smtpd.Misbehaviour | None":
        if len(server.mails) == 120:
            go_away()
        return seen(command, argument)

    server.take_answer = take_answer  # type: ignore[method-assign]
    drain(sender.pk)
    states = counted(Mail, "state")
    assert states["sent"] == len(server.mails)
    assert states["sent"] + states["retry"] + states.get("queued", 0) == MANY
    assert set(counted(SendingRecord, "outcome")) == {"accepted", "not_connected"}
    assert Circuit.objects.get().state == "open"
    assert set(copies(server).values()) == {1}


def fail_once_at(part: str) -> Callable[..., Any]:
    """Let the first statement that has this part fail."""
    failures = iter([OperationalError("the database is away")])

    def execute_or_fail(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if part in sql and (failure := next(failures, None)):
            raise failure
        return execute(sql, *rest)

    return execute_or_fail


@pytest.mark.parametrize("part", ["FROM records_content", 'FROM "records_content"', "SET committed_epoch = given"])
def test_a_database_that_fails_for_a_moment_costs_no_mail_anything(server: smtpd.MailServer, part: str) -> None:
    sender = make_sender(server)
    mails = [accept(sender) for _ in range(6)]
    first = iter([True])
    do_once_at(server, "DOT", lambda: next(first, None))
    with connection.execute_wrapper(fail_once_at(part)):
        try:
            drain(sender.pk)
        except OperationalError:
            drain(sender.pk)
    assert {fresh(mail).state for mail in mails} == {"sent"}
    assert set(copies(server).values()) == {1}


def test_a_group_whose_bytes_can_not_be_read_is_handed_over_no_mail_of(
    server: smtpd.MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = make_sender(server)
    mail = accept(sender)

    def fail(_group: Group) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr("delivery.engine.groups.read_many", fail)
        with pytest.raises(OperationalError):
            drain(sender.pk)
    assert (fresh(mail).state, fresh(mail).attempts, outcomes(mail)) == ("queued", 0, [])
    drain(sender.pk)
    assert fresh(mail).state == "sent"


def test_a_mail_without_content_in_a_group_does_not_keep_the_others(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    mails = [accept(sender) for _ in range(5)]
    Content.objects.filter(mail__in=mails[1:3]).delete()
    drain(sender.pk)
    assert [fresh(mail).state for mail in mails] == ["sent", "failed", "failed", "sent", "sent"]


def settled_with(count: int, queries: DjangoAssertNumQueries, expected: int) -> None:
    sender = make_sender(address=f"s{count}@example.com")
    accept_many(sender, count)
    claims = claim_due(sender.pk, count)
    with queries(expected):
        finish([TryResult.alike(claim, ACCEPTED, Server()) for claim in claims])


def test_settling_many_takes_no_more_statements_than_settling_few(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    # BEGIN, clock, mails, receivers, records, COMMIT; on SQLite the sums are a statement of their own.
    expected = 7 if connection.vendor == "sqlite" else 6
    for count in (2, 60):
        settled_with(count, django_assert_num_queries, expected)
    assert counted(Mail, "state") == {"sent": 62}


def test_claiming_many_takes_no_more_statements_than_claiming_few(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    sender = make_sender()
    accept_many(sender, 62)
    for count in (2, 60):
        with django_assert_num_queries(7):  # BEGIN, clock, priorities, mails, receivers, update, COMMIT
            claims: list[Claim] = claim_due(sender.pk, count)
        assert len(claims) == count


@pytest.mark.parametrize(
    ("system", "of_account", "state"),
    [
        ("retry", UnknownPolicy.HOLD, "uncertain"),
        ("hold", UnknownPolicy.RETRY, "retry"),
        ("hold", UnknownPolicy.SYSTEM, "uncertain"),
    ],
)
def test_each_account_says_what_follows_a_lost_answer(
    settings: Settings, system: str, of_account: UnknownPolicy, state: str
) -> None:
    settings.MAILBOX_UNKNOWN_POLICY = system
    sender = make_sender(unknown_policy=of_account)
    mail = accept(sender)
    [claim] = claim_due(sender.pk, 1)
    finish([TryResult.alike(claim, UNKNOWN, Server())])
    assert fresh(mail).state == state


def test_the_size_of_groups_follows_the_server_and_is_bounded(settings: Settings) -> None:
    settings.MAILBOX_GROUP_SIZE = 100
    pace = Pace()
    sizes = []
    for _ in range(8):
        sizes.append(pace.size)
        pace.note(pace.size, pace.size * 0.001)
    assert sizes == [1, 2, 4, 8, 16, 32, 50, 50]
    pace.note(50, 25.0)
    assert pace.size == 1


def test_the_clerk_tells_of_a_failure_when_it_is_asked_next() -> None:
    beside = clerk.Clerk()

    def fail() -> None:
        raise OperationalError("the database is away")

    beside.begin(fail)
    with pytest.raises(OperationalError):
        beside.wait()
    beside.wait()
    beside.leave()
