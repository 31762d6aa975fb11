"""Idle sessions: kept for the next drain, ended in time, never more than are of use."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pytest_django.fixtures import Settings

from delivery.engine import kept_sessions as limits
from delivery.engine.kept_sessions import KeptSessions
from delivery.smtp.policy import load_dial_policy
from delivery.smtp.session import Session, open_session
from tests import services, smtpd


@pytest.fixture
def kept() -> Iterator[KeptSessions]:
    sessions = KeptSessions()
    yield sessions
    sessions.close_all()


def open_one(server: smtpd.MailServer) -> Session:
    return open_session(server.settings(), policy=load_dial_policy(), deadline=time.monotonic() + 10)


def test_a_sender_may_keep_several_and_the_latest_is_taken_first(kept: KeptSessions, server: smtpd.MailServer) -> None:
    first, second = open_one(server), open_one(server)
    kept.put(1, server.settings(), first)
    kept.put(1, server.settings(), second)
    assert kept.count(1) == 2
    assert [kept.take(1, server.settings()) for _ in range(3)] == [second, first, None]
    first.quit()
    second.quit()


def test_senders_do_not_share_them(kept: KeptSessions, server: smtpd.MailServer) -> None:
    kept.put(1, server.settings(), open_one(server))
    assert kept.take(2, server.settings()) is None
    assert (kept.count(1), kept.count(2)) == (1, 0)


def test_one_that_was_opened_with_other_settings_is_ended(kept: KeptSessions, server: smtpd.MailServer) -> None:
    session = open_one(server)
    kept.put(1, server.settings(), session)
    assert kept.take(1, replace(server.settings(), ehlo_name="other.example.com")) is None
    assert session.is_usable is False


def test_those_that_were_idle_too_long_are_ended_and_others_are_told(
    kept: KeptSessions, server: smtpd.MailServer, settings: Settings
) -> None:
    settings.MAILBOX_IDLE_SECONDS = 0.05
    counts: list[int] = []
    kept.after_closing = lambda: counts.append(kept.count(1))
    kept.put(1, server.settings(), open_one(server))
    services.wait_until(lambda: counts != [])
    assert counts == [0]
    services.wait_until(lambda: "QUIT" in server.commands)


def test_beyond_a_number_the_oldest_is_ended(
    kept: KeptSessions, server: smtpd.MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_KEPT", 2)
    sessions = [open_one(server) for _ in range(3)]
    for sender_id, session in enumerate(sessions):
        kept.put(sender_id, server.settings(), session)
    assert [session.is_usable for session in sessions] == [False, True, True]


def test_ending_all_does_not_wait_long_for_servers_that_do_not_say_goodbye(
    kept: KeptSessions, server: smtpd.MailServer
) -> None:
    server.answer("QUIT", smtpd.Misbehaviour.HANG)
    sessions = [open_one(server) for _ in range(12)]
    for session in sessions:
        kept.put(1, server.settings(), session)
    begun = time.monotonic()
    kept.close_all()
    assert time.monotonic() - begun < services.AT_ONCE
    assert [session.is_usable for session in sessions] == [False] * 12
