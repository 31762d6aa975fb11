"""From connecting to EHLO: every answer that a server, or what is none, may give."""

import time

import pytest

from delivery.exceptions import SessionError
from delivery.values import Reply
from records.enums import Fault, Phase
from tests.delivery.smtp.dialling import SHORT, failure_of_opening, session
from tests.scripted_smtpd import Close, Drip, Endless, Expect, Hang, Reset, Say, Script, Step, scripted_server
from tests.services import AT_ONCE


def outcome(error: SessionError) -> tuple[Phase, Fault, Reply | None]:
    return error.phase, error.fault, error.reply


NOT_MAIL = (Phase.GREETING, Fault.NOT_A_MAIL_SERVER, None)


@pytest.mark.parametrize(
    "words",
    [
        b"HTTP/1.1 400 Bad Request\r\nServer: canary-server\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2 canary\r\n",
        b"+OK POP3 canary ready\r\n",
        b"* OK IMAP4 canary ready\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46\n",
        b"\n",
        b"22\r\n",
        b"2200 canary\r\n",
        b"220_canary\r\n",
        b"120 canary\r\n",
        b"-20 canary\r\n",
        b"\xef\xbc\x92\xef\xbc\x92\xef\xbc\x90 fullwidth digits\r\n",
        b"220-canary\r\n221 other code\r\n",
        b"220-canary\r\nHTTP/1.1 200\r\n",
        b"220 " + b"canary" * 2_000 + b"\r\n",
        b"canary" * 2_000,
        b"200 NNTP canary ready\r\n",
        b"354 canary\r\n",
    ],
)
def test_what_is_no_mail_server_is_called_so_and_its_words_are_not_kept(words: bytes) -> None:
    with scripted_server([Say(words)]) as server:
        error = failure_of_opening(server.settings())
    assert outcome(error) == NOT_MAIL
    assert "canary" not in f"{error} {error.detail} {error!r}"


def test_an_endless_greeting_is_cut_off() -> None:
    with scripted_server([Endless(b"220-more\r\n")]) as server:
        assert outcome(failure_of_opening(server.settings())) == NOT_MAIL


@pytest.mark.parametrize(("line", "reply"), [
    ("554 5.7.1 You are blocked", Reply(554, "5.7.1", "You are blocked")),
    ("421 4.7.0 Too many connections", Reply(421, "4.7.0", "Too many connections")),
    ("554-No\r\n554 SMTP service here", Reply(554, "", "No SMTP service here")),
])  # fmt: skip
def test_a_refusing_greeting_is_told_as_the_server_wrote_it(line: str, reply: Reply) -> None:
    with scripted_server([Say(line)]) as server:
        assert outcome(failure_of_opening(server.settings())) == (Phase.GREETING, Fault.REPLY, reply)


def test_silence_instead_of_a_greeting_is_a_fault_of_its_own() -> None:
    with scripted_server([Hang()]) as server:
        error = failure_of_opening(server.settings(timeout=SHORT))
    assert outcome(error) == (Phase.GREETING, Fault.GREETING_TIMEOUT, None)


def test_a_greeting_that_drips_gains_no_time() -> None:
    begun = time.monotonic()
    with scripted_server([Drip(b"220 " + b"slow" * 1_000, 0.05)]) as server:
        error = failure_of_opening(server.settings(timeout=SHORT))
    assert outcome(error) == (Phase.GREETING, Fault.GREETING_TIMEOUT, None)
    assert time.monotonic() - begun < AT_ONCE


def test_the_deadline_counts_even_where_the_limit_of_a_step_is_longer() -> None:
    with scripted_server([Hang()]) as server:
        error = failure_of_opening(server.settings(timeout=60), seconds=SHORT)
    assert outcome(error) == (Phase.GREETING, Fault.GREETING_TIMEOUT, None)


def test_a_server_that_leaves_before_its_greeting_is_disconnected() -> None:
    with scripted_server([Close()]) as server:
        error = failure_of_opening(server.settings())
    assert outcome(error) == (Phase.GREETING, Fault.DISCONNECTED, None)


def test_a_server_that_resets_before_its_greeting_is_disconnected_or_was_never_connected() -> None:
    with scripted_server([Reset()]) as server:
        error = failure_of_opening(server.settings())
    # Whether the reset comes before or after the end of connect() is for the kernel to say.
    assert outcome(error) in {
        (Phase.GREETING, Fault.DISCONNECTED, None),
        (Phase.CONNECT, Fault.CONNECTION_REFUSED, None),
    }


def test_an_old_server_is_greeted_with_helo() -> None:
    script: list[Step] = [
        Say("220 old"),
        Expect("EHLO client.test"),
        Say("502 what?"),
        Expect("HELO client.test"),
        Say("250 hi"),
    ]
    with scripted_server(script) as server, session(server.settings()) as opened:
        assert dict(opened.extensions) == {}


def test_a_server_that_knows_neither_ehlo_nor_helo_is_no_mail_server() -> None:
    script: list[Step] = [Say("220 ftp"), Expect("EHLO"), Say("500 canary"), Expect("HELO"), Say("502 canary")]
    with scripted_server(script) as server:
        assert outcome(failure_of_opening(server.settings())) == NOT_MAIL


def test_a_refused_name_is_told_as_the_server_wrote_it() -> None:
    script: list[Step] = [Say("220 mx"), Expect("EHLO"), Say("550 5.7.1 no"), Expect("HELO"), Say("550 5.7.1 Bad HELO")]
    with scripted_server(script) as server:
        error = failure_of_opening(server.settings())
    assert outcome(error) == (Phase.GREETING, Fault.REPLY, Reply(550, "5.7.1", "Bad HELO"))


def test_a_server_that_leaves_after_refusing_ehlo_is_told_by_its_refusal() -> None:
    with scripted_server([Say("220 mx"), Expect("EHLO"), Say("554 5.7.1 Blocked"), Close()]) as server:
        error = failure_of_opening(server.settings())
    assert outcome(error) == (Phase.GREETING, Fault.REPLY, Reply(554, "5.7.1", "Blocked"))


def test_a_421_to_ehlo_is_told() -> None:
    with scripted_server([Say("220 mx"), Expect("EHLO"), Say("421 busy"), Close()]) as server:
        assert outcome(failure_of_opening(server.settings())) == (Phase.GREETING, Fault.REPLY, Reply(421, "", "busy"))


def test_a_server_that_is_silent_after_ehlo_is_a_timeout() -> None:
    with scripted_server([Say("220 mx"), Expect("EHLO"), Hang()]) as server:
        error = failure_of_opening(server.settings(timeout=SHORT))
    assert outcome(error) == (Phase.GREETING, Fault.TIMEOUT, None)


def test_nothing_listening_is_a_refused_connection() -> None:
    with scripted_server([]) as server:
        settings = server.settings()
    error = failure_of_opening(settings)
    assert outcome(error) == (Phase.CONNECT, Fault.CONNECTION_REFUSED, None)


def test_extensions_are_read_in_all_their_spellings() -> None:
    script = Script.greeting("SIZE 1000", "8bitmime", "AUTH=LOGIN", "auth plain", "X-ODD-THING  a   b")
    with scripted_server(script) as server, session(server.settings()) as opened:
        assert dict(opened.extensions) == {
            "SIZE": "1000", "8BITMIME": "", "AUTH": "LOGIN plain", "X-ODD-THING": "a b",
        }  # fmt: skip


def test_a_greeting_may_have_many_lines_and_come_in_pieces() -> None:
    script = [Drip(b"220-mx.test\r\n220\r\n", 0.001), *Script.greeting()[1:]]
    with scripted_server(script) as server, session(server.settings()) as opened:
        assert opened.is_usable


def test_words_said_before_they_were_asked_for_end_the_session() -> None:
    with scripted_server([Say(b"220 mx\r\n250 hello before EHLO\r\n")]) as server:
        assert outcome(failure_of_opening(server.settings())) == (Phase.GREETING, Fault.PROTOCOL, None)


def test_the_machine_introduces_itself_by_an_address_where_its_name_is_unfit() -> None:
    with scripted_server(Script.greeting()) as server, session(server.settings(ehlo_name="bad\r\nname")):
        pass
    assert server.received.startswith(b"ehlo ")
    assert b"bad" not in server.received
