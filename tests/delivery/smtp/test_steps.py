"""What the watcher of a session hears."""

import logging

import pytest

from delivery.exceptions import SessionError
from delivery.values import StepEvent, StepStatus
from senders.enums import Encryption
from tests import smtpd
from tests.delivery.smtp.dialling import failure_of_opening, hand_over, mail, session
from tests.scripted_smtpd import Say, scripted_server

RUNNING, DONE, FAILED, SKIPPED = StepStatus.RUNNING, StepStatus.DONE, StepStatus.FAILED, StepStatus.SKIPPED


def watched(encryption: Encryption, *, login: str = "") -> list[StepEvent]:
    events: list[StepEvent] = []
    users = {"alice": "canary"} if login else {}
    with (
        smtpd.mail_server(encryption, users=users) as server,
        session(server.settings(login=login), watcher=events.append) as opened,
    ):
        hand_over(opened)
    return events


def ended(events: list[StepEvent]) -> list[tuple[str, StepStatus]]:
    return [(event.phase.value, event.status) for event in events if event.status is not RUNNING]


MAIL_STEPS = [("mail", DONE), ("rcpt", DONE), ("data", DONE)]


def test_steps_without_encryption() -> None:
    assert ended(watched(Encryption.NONE)) == [
        ("resolve", DONE), ("connect", DONE), ("tls", SKIPPED), ("greeting", DONE), ("auth", SKIPPED), *MAIL_STEPS,
    ]  # fmt: skip


def test_steps_with_implicit_tls() -> None:
    assert ended(watched(Encryption.SSL, login="alice")) == [
        ("resolve", DONE), ("connect", DONE), ("tls", DONE), ("greeting", DONE), ("auth", DONE), *MAIL_STEPS,
    ]  # fmt: skip


def test_steps_with_starttls_greet_twice() -> None:
    assert ended(watched(Encryption.TLS, login="alice")) == [
        ("resolve", DONE), ("connect", DONE), ("greeting", DONE), ("tls", DONE), ("greeting", DONE), ("auth", DONE),
        *MAIL_STEPS,
    ]  # fmt: skip


def test_every_step_is_told_as_running_first_with_its_time_afterwards() -> None:
    events = [event for event in watched(Encryption.TLS, login="alice") if event.status is not SKIPPED]
    assert [event.status for event in events[::2]] == [RUNNING] * (len(events) // 2)
    assert [event.phase for event in events[::2]] == [event.phase for event in events[1::2]]
    assert all(event.elapsed > 0 for event in events[1::2])


def test_steps_tell_their_facts() -> None:
    done = {event.phase.value: event for event in watched(Encryption.TLS, login="alice") if event.status is DONE}
    assert done["resolve"].facts == {"addresses": "127.0.0.1"}
    assert done["connect"].facts["peer"].startswith("127.0.0.1:")
    assert done["tls"].facts["version"] == "TLSv1.3"
    assert done["tls"].tls is not None
    assert done["greeting"].facts == {
        "banner": "mx.test ESMTP", "extensions": "SIZE 30000000, 8BITMIME, SMTPUTF8, AUTH LOGIN PLAIN, HELP",
    }  # fmt: skip
    assert done["auth"].facts == {"mechanism": "PLAIN"}
    assert done["mail"].facts == {"path": "alice@example.org"}
    assert done["rcpt"].facts == {"path": "bob@example.org"}
    assert done["data"].facts == {"size": "22", "queue_id": "000000000001"}
    assert str(done["data"].reply) == "250 2.0.0 Ok: queued as 000000000001"


def test_a_failed_step_is_the_last_and_tells_the_reply() -> None:
    events: list[StepEvent] = []
    with (
        scripted_server([Say("554 5.7.1 no")]) as server,
        pytest.raises(SessionError, match="greeting"),
        session(server.settings(), watcher=events.append),
    ):
        pass
    assert (events[-1].status, str(events[-1].reply)) == (FAILED, "554 5.7.1 no")


def test_a_refused_receiver_is_a_failed_step_and_the_next_goes_on() -> None:
    events: list[StepEvent] = []
    with smtpd.mail_server() as server, session(server.settings(), watcher=events.append) as opened:
        server.answer("RCPT", "550 5.1.1 Unknown", about="bob@")
        hand_over(opened, mail("bob@example.org", "carol@example.org"))
    assert ended(events)[-4:] == [("mail", DONE), ("rcpt", FAILED), ("rcpt", DONE), ("data", DONE)]


def test_an_unknown_end_is_a_failed_step() -> None:
    events: list[StepEvent] = []
    with smtpd.mail_server() as server, session(server.settings(), watcher=events.append) as opened:
        server.answer("DOT", smtpd.Misbehaviour.TAKE_AND_DROP)
        hand_over(opened)
    assert (events[-1].phase.value, events[-1].status, events[-1].reply) == ("data", FAILED, None)


def test_a_watcher_that_raises_does_not_stop_the_mail(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_event: StepEvent) -> None:
        raise RuntimeError

    with smtpd.mail_server() as server, session(server.settings(), watcher=broken) as opened:
        assert hand_over(opened).receivers[0].accepted
    assert [record.message for record in caplog.records] == ["The watcher of a session failed"]


def test_nothing_that_is_told_or_logged_holds_the_password(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    events = watched(Encryption.TLS, login="alice")
    with smtpd.mail_server(Encryption.SSL, users={"alice": "right"}) as server:
        settings = server.settings(login="alice", password="canary")
        error = failure_of_opening(settings)
    assert "canary" not in f"{events!r} {settings!r} {error!r} {error} {caplog.text}"
