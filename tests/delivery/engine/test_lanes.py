"""Several lines to one account in one thread: they share its mail, and what befalls one of them is no other's loss."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.acceptance import accept_mails
from delivery.control import bulk
from delivery.control.pausing import pause_sender, resume_sender
from delivery.engine.cancel import cancel_mail
from delivery.engine.dispatcher import Dispatcher
from delivery.engine.drain import drain
from delivery.engine.flow import PARKED_AT_ONCE
from delivery.engine.held_slots import HeldSlots
from delivery.engine.kept_sessions import kept_sessions
from delivery.engine.pace import Pace
from delivery.engine.sweep import sweep
from delivery.request import MailRequest
from delivery.smtp.hub import Hub
from records.models import Mail, SendingRecord
from senders.enums import Encryption, LoginMethod
from senders.models import Circuit, ConnectionSlot, Sender
from tests import services, smtpd
from tests.delivery.engine.growth import grow_at_once
from tests.delivery.engine.processes import start
from tests.delivery.engine.scenes import (
    accept,
    copies,
    do_once_at,
    end_leases,
    fresh,
    make_due,
    make_probe_due,
    make_sender,
    outcomes,
)

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 300
AMID = 60
"""So many mails are through when something befalls the lines."""
FEWER = AMID + PARKED_AT_ONCE
"""So few that each gets a record when its account fails."""
LINES = 3
Answer = str | smtpd.Misbehaviour | None


def accept_many(sender: Sender, count: int = MANY) -> list[Mail]:
    accept_mails(
        [
            MailRequest(to=[f"r{number}@example.org"], subject=f"Load {number}", text="Done.\n", sender=sender.pk)
            for number in range(count)
        ]
    )
    return list(Mail.objects.filter(sender=sender).order_by("pk"))


def drain_over(sender: Sender, *is_stopping: Callable[[], bool]) -> None:
    """Send a sender's due mail over several lines in this thread, each asking its own whether to stop."""
    hub = Hub()
    for ask in is_stopping or [lambda: False] * LINES:
        hub.add(partial(drain, sender.pk, is_stopping=ask))
    hub.run()


def answer_if(server: smtpd.MailServer, find: Callable[[str], Answer]) -> None:
    """Let the server answer what the callable finds for a command; nothing: as usual."""
    seen = server.take_answer

    def take_answer(command: str, argument: str) -> Answer:
        usual = seen(command, argument)
        return find(command) or usual

    server.take_answer = take_answer  # type: ignore[method-assign]


def is_amid(server: smtpd.MailServer, *, lines: int = LINES) -> bool:
    """Tell whether enough mails are through, over all lines."""
    return len(server.mails) >= AMID and len({mail.connection for mail in server.mails}) >= lines


def states() -> Counter[str]:
    return Counter(Mail.objects.values_list("state", flat=True))


def endings() -> Counter[str]:
    return Counter(SendingRecord.objects.values_list("outcome", flat=True))


def check_books(server: smtpd.MailServer) -> None:
    """Check that it is known of every mail what came of it, and every copy that may be one too many."""
    taken = Counter(message_id for message_id, _path in copies(server).elements())
    for mail in Mail.objects.all():
        tried = outcomes(mail)
        accepted, unknown = tried.count("accepted"), tried.count("unknown")
        assert "sending" not in tried
        assert accepted <= taken[mail.message_id] <= accepted + unknown
        assert accepted == (mail.state == "sent")
    assert states()["sending"] == 0


def end_well(server: smtpd.MailServer, sender: Sender) -> None:
    """Let everything be as it should be again, and check that the rest goes out."""
    server.behave()
    for _ in range(3):
        end_leases()
        sweep()
        make_due()
        make_probe_due()
        drain_over(sender)
    assert states() == {"sent": Mail.objects.count()}
    check_books(server)


@pytest.fixture
def dispatcher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dispatcher]:
    """A dispatcher that gives a sender three lines as soon as mail waits."""
    grow_at_once(monkeypatch.setattr)
    slots = HeldSlots(kept_sessions.count)
    running = Dispatcher(drain, slots, lambda _sender_id, _hops: None)
    yield running
    running.stop()
    assert running.join(20)
    kept_sessions.close_all()
    slots.close()
    assert not ConnectionSlot.objects.exclude(holder="").exists()


@pytest.fixture
def _large_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all lines take from the same group, however busy the machine is."""
    monkeypatch.setattr(Pace, "size", property(lambda _: MANY // 2))


@pytest.mark.usefixtures("_large_groups")
def test_many_mails_are_each_sent_once_over_three_lines_which_share_their_groups(
    server: smtpd.MailServer, dispatcher: Dispatcher
) -> None:
    sender = make_sender(server)
    mails = accept_many(sender)
    dispatcher.wake(sender.pk)
    server.wait_for(MANY, 30)
    services.wait_until(lambda: dispatcher.count_lines(sender.pk) == 0)
    assert (states(), endings()) == ({"sent": MANY}, {"accepted": MANY})
    assert (len(copies(server)), len(server.mails), server.connections) == (MANY, MANY, LINES)
    first_group = {mail.message_id for mail in mails[: MANY // 2]}
    over = {mail.connection for mail in server.mails if mail.message["Message-ID"] in first_group}
    assert over == {1, 2, 3}
    assert set(Mail.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.usefixtures("_large_groups")
def test_one_line_hangs_after_its_dot_and_the_others_go_on_and_what_is_known_is_settled(dispatcher: Dispatcher) -> None:
    with smtpd.mail_server() as server:
        hanging = iter([smtpd.Misbehaviour.HANG])
        answer_if(server, lambda verb: next(hanging, None) if verb == "DOT" and is_amid(server) else None)
        sender = make_sender(server)
        accept_many(sender)
        dispatcher.wake(sender.pk)
        server.wait_for(MANY - 2, 30)  # the hanging line has taken the mail behind, too
        services.wait_until(lambda: states() == {"sent": MANY - 2, "sending": 2})
        services.wait_until(lambda: dispatcher.count_lines(sender.pk) == 1)
    services.wait_until(lambda: dispatcher.count_lines(sender.pk) == 0)
    assert states() == {"sent": MANY - 2, "retry": 2}
    assert endings() == {"accepted": MANY - 2, "unknown": 1, "not_connected": 1}
    assert set(copies(server).values()) == {1}


def test_an_account_that_fails_for_all_lines_is_parked_with_all_its_mail(server: smtpd.MailServer) -> None:
    answer_if(server, lambda verb: "421 4.3.2 Going down" if verb == "MAIL" and is_amid(server) else None)
    sender = make_sender(server)
    accept_many(sender)
    drain_over(sender)
    sent = len(server.mails)
    circuit = Circuit.objects.get()
    assert (circuit.state, circuit.failures) == ("open", 1)
    assert states()["sent"] == sent
    assert endings()["accepted"] == sent
    assert set(endings()) == {"accepted", "not_connected"}
    assert set(Mail.objects.exclude(state="sent").values_list("attempts", flat=True)) == {0}
    assert SendingRecord.objects.count() == SendingRecord.objects.values("mail").distinct().count()
    server.take_answer = partial(smtpd.MailServer.take_answer, server)  # type: ignore[method-assign]
    end_well(server, sender)
    assert set(copies(server).values()) == {1}


def test_a_sign_in_that_is_refused_stops_the_account_though_other_lines_are_signed_in() -> None:
    with smtpd.mail_server(Encryption.TLS, users={"reports@example.com": "canary"}) as server:
        dropped = iter([smtpd.Misbehaviour.DROP])

        def find(verb: str) -> Answer:
            if verb == "MAIL" and is_amid(server):
                return next(dropped, None)
            return "535 5.7.8 Bad credentials" if verb == "AUTH" and is_amid(server) else None

        answer_if(server, find)
        sender = make_sender(server, login_method=LoginMethod.ADDRESS, password="canary")
        accept_many(sender, FEWER)
        drain_over(sender)
        sent = len(server.mails)
    assert (Circuit.objects.get().state, Circuit.objects.get().failures) == ("refused", 1)
    assert server.commands.count("AUTH") == LINES + 1
    assert states() == {"sent": sent, "retry": FEWER - sent}
    assert endings() == {"accepted": sent, "not_connected": FEWER - sent}
    check_books(server)


@pytest.mark.parametrize(
    "refusal", ["421 4.7.0 Error: too many connections from 127.0.0.1", smtpd.Misbehaviour.DROP], ids=["421", "dropped"]
)
def test_a_further_connection_that_is_refused_ends_its_line_only(
    server: smtpd.MailServer, refusal: str | smtpd.Misbehaviour
) -> None:
    answer_if(server, lambda verb: refusal if verb == "EHLO" and server.connections == LINES else None)
    sender = make_sender(server)
    accept_many(sender)
    hub = Hub()
    hub.add(partial(drain, sender.pk))
    hub.add(partial(drain, sender.pk))
    third = threading.Thread(target=lambda: (server.wait_for(AMID), hub.add(partial(drain, sender.pk))))
    third.start()
    hub.run()
    third.join()
    assert server.connections == LINES
    assert not Circuit.objects.exclude(state="closed").exists()
    assert (states(), endings()) == ({"sent": MANY}, {"accepted": MANY})
    assert set(copies(server).values()) == {1}


def test_a_server_that_dies_under_three_lines_leaves_all_mail_waiting_with_a_record(dispatcher: Dispatcher) -> None:
    with smtpd.mail_server() as server:
        sender = make_sender(server)
        accept_many(sender, FEWER)
        dispatcher.wake(sender.pk)
        services.wait_until(lambda: is_amid(server))
    services.wait_until(lambda: dispatcher.count_lines(sender.pk) == 0)
    assert (Circuit.objects.get().state, Circuit.objects.get().failures) == ("open", 1)
    check_books(server)
    assert set(states()) == {"sent", "retry"}
    assert set(endings()) <= {"accepted", "not_connected", "unknown", "deferred"}
    assert SendingRecord.objects.values("mail").distinct().count() == FEWER
    assert set(Mail.objects.filter(attempts__gt=1)) == set()
    with smtpd.mail_server(port=server.port) as again:
        again.mails += server.mails
        end_well(again, sender)


def test_stopping_amid_leaves_nothing_in_hand_and_spends_no_attempt_of_what_was_not_sent(
    server: smtpd.MailServer, dispatcher: Dispatcher
) -> None:
    sender = make_sender(server)
    accept_many(sender)
    dispatcher.wake(sender.pk)
    services.wait_until(lambda: is_amid(server))
    dispatcher.stop()
    assert dispatcher.join(20)
    sent = len(server.mails)
    assert states() == {"sent": sent, "queued": MANY - sent}
    assert Counter(Mail.objects.values_list("state", "attempts")) == {("sent", 1): sent, ("queued", 0): MANY - sent}
    assert endings() == {"accepted": sent}
    assert not Mail.objects.exclude(lease_until=None).exists()
    end_well(server, sender)
    assert set(copies(server).values()) == {1}


def test_a_mail_that_a_stopping_line_leaves_to_another_gets_its_own_reply_and_no_other_does(
    server: smtpd.MailServer,
) -> None:
    sender = make_sender(server)
    poison = accept(sender, "poison@example.org")
    others = [accept(sender, f"r{number}@example.org") for number in range(5)]
    hub, is_stopped, has_joined = Hub(), threading.Event(), threading.Event()

    def go_on() -> bool:
        has_joined.set()
        return False

    def change_lines() -> None:
        is_stopped.set()
        server.answer("RCPT", "550 5.1.1 No such user", about="poison@")
        hub.add(partial(drain, sender.pk, is_stopping=go_on))
        assert has_joined.wait(10)

    do_once_at(server, "DATA", change_lines)
    hub.add(partial(drain, sender.pk, is_stopping=is_stopped.is_set))
    hub.run()
    assert (outcomes(poison), fresh(poison).state) == (["refused"], "failed")
    assert [fresh(mail).state for mail in others] == ["sent"] * 5
    assert [received.forward_paths for received in server.mails] == [(f"r{number}@example.org",) for number in range(5)]


@contextmanager
def failing(part: str, when: Callable[[], bool], times: int = 1) -> Iterator[None]:
    """Let the first statements that have this part fail when the time has come."""
    failures = iter([OperationalError("the database is away")] * times)

    def execute_or_fail(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if part in sql and when() and (failure := next(failures, None)):
            raise failure
        return execute(sql, *rest)

    with connection.execute_wrapper(execute_or_fail):
        yield
    assert next(failures, None) is None


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("lease_until", id="claim"),
        pytest.param("SET committed_epoch = given", id="fence"),
        pytest.param("SET state = 'sent'", id="settlement"),
    ],
)
def test_a_database_that_fails_for_a_moment_amid_costs_no_mail_anything(
    server: smtpd.MailServer, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pace, "size", property(lambda _: 7))  # few enough for this thread to do all of it
    sender = make_sender(server)
    accept_many(sender)
    with failing(part, lambda: is_amid(server)):
        drain_over(sender)
    check_books(server)
    assert set(endings()) <= {"accepted", "lost"}
    end_well(server, sender)
    assert set(copies(server).values()) == {1}


@pytest.mark.usefixtures("_large_groups")
def test_what_others_sent_is_recorded_though_settling_fails_until_a_line_gives_up(
    server: smtpd.MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.engine.settle.SETTLE_TRIES", 1)
    monkeypatch.setattr("delivery.engine.clerk.FEW", MANY * 2)  # for this thread to do all of it
    sender = make_sender(server)
    accept_many(sender)
    with failing("SET state = 'sent'", lambda: is_amid(server)):
        drain_over(sender)
    check_books(server)
    assert set(endings()) == {"accepted"}
    end_well(server, sender)
    assert set(copies(server).values()) == {1}


def test_a_worker_that_is_killed_amid_with_three_lines_loses_nothing_and_tells_of_all_that_may_come_twice(
    server: smtpd.MailServer, tmp_path: Path
) -> None:
    sender = make_sender(server)
    mails = accept_many(sender)
    worker = start("tests.delivery.engine.growth", str(sender.pk), log=tmp_path / "log")
    killed = iter([lambda: os.kill(worker.pid, signal.SIGKILL)])

    def kill(verb: str) -> None:
        if verb == "DOT" and is_amid(server) and (deed := next(killed, None)):
            deed()

    answer_if(server, kill)
    with services.running(worker):
        assert worker.wait(60) == -signal.SIGKILL
    ConnectionSlot.objects.all().delete()
    end_leases()
    sweep()
    check_books(server)
    make_due()
    drain_over(sender)
    assert states() == {"sent": MANY}
    check_books(server)
    assert {message_id for message_id, _path in copies(server)} == {mail.message_id for mail in mails}


def in_a_thread(work: Callable[[], object]) -> None:
    """Do something beside the lines, with a connection to the database of its own."""

    def do() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=do)
    thread.start()
    thread.join()


def once_amid(server: smtpd.MailServer, work: Callable[[], object]) -> None:
    """Do something when enough mails are through, before a mail's content is taken."""
    pending = [work]

    def find(verb: str) -> None:
        if verb == "DATA" and pending and is_amid(server):
            in_a_thread(pending.pop())

    answer_if(server, find)


def test_mail_that_is_cancelled_amid_is_not_sent_by_any_line_and_all_other_mail_is(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    unwanted = accept_many(sender, 2 * MANY)[AMID // 2 :: 7]
    answers: dict[str, str] = {}
    once_amid(server, lambda: answers.update({mail.message_id: cancel_mail(mail.pk) for mail in unwanted}))
    drain_over(sender)
    cancelled = {message_id for message_id, answer in answers.items() if answer == "cancelled"}
    assert cancelled
    assert {message_id for message_id, _path in copies(server)} == (
        set(Mail.objects.values_list("message_id", flat=True)) - cancelled
    )
    assert states() == {"sent": 2 * MANY - len(cancelled), "cancelled": len(cancelled)}
    assert set(copies(server).values()) == {1}


def test_an_account_that_is_paused_amid_sends_no_further_group_and_goes_on_when_it_is_resumed(
    server: smtpd.MailServer,
) -> None:
    sender = make_sender(server)
    accept_many(sender, 2 * MANY)
    once_amid(server, lambda: pause_sender(sender, "alice"))
    drain_over(sender)
    sent = len(server.mails)
    assert AMID <= sent < 2 * MANY
    assert states() == {"sent": sent, "queued": 2 * MANY - sent}
    work = resume_sender(sender, "alice")
    assert work is not None
    assert bulk.continue_one(work.pk, seconds=10) is False
    end_well(server, sender)
    assert set(copies(server).values()) == {1}


REPLIES = [None, "421 4.3.2 Bye", "451 4.3.0 Later", "550 5.1.1 No", smtpd.Misbehaviour.DROP]
FATES = st.lists(
    st.tuples(
        st.sampled_from(["EHLO", "MAIL", "RCPT", "DATA", "DOT", "DOT"]),
        st.sampled_from([*REPLIES, smtpd.Misbehaviour.TAKE_AND_DROP]),
        st.integers(0, 12),
    ),
    max_size=8,
)


@given(FATES, st.integers(2, 3), st.booleans())
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_whatever_a_server_does_to_several_lines_every_mail_ends_in_one_known_state(
    fates: list[tuple[str, Answer, int]], lines: int, pipelining: bool
) -> None:
    for model in (SendingRecord, Mail, Circuit, ConnectionSlot, Sender):
        model.objects.all().delete()
    pending = list(fates)

    def find(verb: str) -> Answer:
        for fate in pending:
            wanted, answer, mails = fate
            if wanted == verb and len(server.mails) >= mails:
                pending.remove(fate)
                is_odd = answer is smtpd.Misbehaviour.TAKE_AND_DROP and verb != "DOT"
                return smtpd.Misbehaviour.DROP if is_odd else answer
        return None

    with smtpd.mail_server(pipelining=pipelining) as server:
        answer_if(server, find)
        sender = make_sender(server)
        accept_many(sender, 24)
        drain_over(sender, *[lambda: False] * lines)
        check_books(server)
        assert set(states()) <= {"sent", "failed", "retry", "queued"}
        assert not Mail.objects.exclude(lease_until=None).exists()
        for mail in Mail.objects.filter(state="failed"):
            assert outcomes(mail)[-1] == "refused"
        pending.clear()
        for _ in range(2):
            make_due()
            make_probe_due()
            drain_over(sender)
        kept_sessions.close_all()
    assert set(states()) <= {"sent", "failed"}
    check_books(server)
