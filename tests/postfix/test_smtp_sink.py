"""The transport alone against smtp-sink, which comes with postfix and misbehaves on demand.

The fixture `postfix` tells where it is installed.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from delivery.exceptions import SessionError
from delivery.values import ComposedMail, Delivery, ServerSettings
from senders.enums import Encryption
from tests.delivery.smtp.dialling import mail, session
from tests.services import free_port, is_listening, running, wait_until

SMTP_SINK = Path("/usr/sbin/smtp-sink")
COUNT = 50


@contextmanager
def smtp_sink(*options: str) -> Iterator[ServerSettings]:
    """Run it as an unprivileged user; its own limit ends it should the test be killed."""
    port = free_port()
    command = [str(SMTP_SINK), "-u", "nobody", *options, f"127.0.0.1:{port}", "10"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    with running(process):
        wait_until(lambda: is_listening(port), what="the start of smtp-sink")
        yield ServerSettings("127.0.0.1", port, Encryption.NONE, ehlo_name="client.test")


def letters() -> list[ComposedMail]:
    mime = b"Subject: x\r\n\r\n" + b"a line of text\r\n.and a dot\r\n" * 300
    return [mail(f"r{number}@example.org", "second@example.org", mime=mime) for number in range(COUNT)]


def sent_to(*options: str) -> tuple[list[Delivery], bool, bool]:
    """Hand over a stream: what came of it, whether the session failed, and whether it is usable then."""
    deliveries: list[Delivery] = []
    failed = False
    with smtp_sink(*options) as settings, session(settings) as opened:
        try:
            deliveries.extend(opened.deliver_all(letters(), before_dot=lambda one: True, seconds_per_mail=5))
        except SessionError:
            failed = True
        return deliveries, failed, opened.is_usable


@pytest.mark.parametrize("options", [(), ("-p",), ("-8",), ("-E",), ("-h", "mx.test")])
def test_a_stream_is_accepted(postfix: object, options: tuple[str, ...]) -> None:
    deliveries, failed, usable = sent_to(*options)
    assert [one.receivers[0].reply.code for one in deliveries] == [250] * COUNT
    assert (failed, usable) == (False, True)


@pytest.mark.parametrize(("command", "committed"), [("MAIL", False), ("RCPT", False), ("DATA", False), (".", True)])
@pytest.mark.parametrize(("option", "code"), [("-f", 500), ("-r", 450)])
def test_what_is_refused_is_refused_for_every_mail_and_the_session_goes_on(
    postfix: object, option: str, code: int, command: str, committed: bool
) -> None:
    deliveries, failed, usable = sent_to(option, command)
    assert [[receiver.reply.code for receiver in one.receivers] for one in deliveries] == [[code, code]] * COUNT
    assert {one.committed for one in deliveries} == {committed}
    assert (failed, usable) == (False, True)


@pytest.mark.parametrize("option", ["-q", "-Q"])
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_leaves_before_the_dot_took_nothing(postfix: object, option: str, command: str) -> None:
    assert sent_to(option, command) == ([], True, False)


def test_a_server_that_leaves_without_an_answer_to_the_dot_leaves_one_unknown_fate(postfix: object) -> None:
    assert sent_to("-q", ".") == ([Delivery((), committed=True)], False, False)


def test_a_server_that_says_goodbye_to_the_dot_refused_that_mail(postfix: object) -> None:
    deliveries, failed, usable = sent_to("-Q", ".")
    assert [[receiver.reply.code for receiver in one.receivers] for one in deliveries] == [[421, 421]]
    assert (failed, usable) == (False, False)
