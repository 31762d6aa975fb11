"""What was said in a try that failed: in the order of commands and replies, without secrets, without content."""

import pytest

from delivery.smtp.transcript import Transcript
from delivery.values import Credentials, Delivery, Reply
from records.dialogue.lines import MAX_CHARACTERS, MAX_LINES, Line, LineKind
from records.enums import Phase
from senders.enums import Encryption
from tests import smtpd
from tests.delivery.smtp.dialling import SHORT, failure_of_delivery, failure_of_opening, hand_over, mail, session
from tests.delivery.smtp.test_pipeline import AHEAD, GO, letters, pipelining, sent
from tests.scripted_smtpd import Close, Content, Expect, Hang, Say, Script, Step, scripted_server

PASSWORD = "canary-Paßwort-秘密"
GREETING = ["S 220 mx.test ESMTP", "C ehlo client.test", "S 250 mx.test"]
AHEAD_GREETING = [*GREETING[:2], "S 250-mx.test", "S 250 PIPELINING"]


def lines(dialogue: tuple[Line, ...]) -> list[str]:
    """Write lines as `C MAIL FROM:<…>`, but for where the connection went, which no test knows beforehand."""
    unknown = {LineKind.ADDRESSES, LineKind.CONNECTED}
    return [f"{line.kind} {line.text}" for line in dialogue if line.kind not in unknown]


def said(script: list[Step], *receivers: str) -> list[str]:
    with scripted_server(script) as server, session(server.settings()) as opened:
        return lines(hand_over(opened, mail(*receivers)).dialogue)


def test_a_refused_receiver_shows_what_was_said_since_the_greeting() -> None:
    script = [*Script.greeting(), Expect("MAIL"), Say("250 ok"), Expect("RCPT"), Say("550 5.1.1 Unknown")]
    assert said([*script, Expect("RSET"), Say("250 ok")]) == [
        *GREETING,
        "C MAIL FROM:<alice@example.org>",
        "S 250 ok",
        "C RCPT TO:<bob@example.org>",
        "S 550 5.1.1 Unknown",
    ]


def test_a_refused_content_is_named_by_its_size_and_never_by_its_words() -> None:
    script = [*Script.until_dot(), Say("554 5.7.1 Spam")]
    assert said(script)[-4:] == ["C DATA", "S 354 go on", "content 22", "S 554 5.7.1 Spam"]


def test_a_mail_that_was_taken_leaves_nothing() -> None:
    assert said([*Script.until_dot(), Say("250 queued")]) == []


def test_a_mail_that_some_receivers_got_keeps_what_was_said_to_all() -> None:
    script = [*Script.greeting(), Expect("MAIL"), Say("250 ok"), Expect("RCPT"), Say("250 ok"), Expect("RCPT")]
    script += [Say("450 4.2.1 Later"), Expect("DATA"), Say("354 go on"), Content(), Say("250 queued")]
    assert said(script, "bob@example.org", "carol@example.org")[3:] == [
        "C MAIL FROM:<alice@example.org>",
        "S 250 ok",
        "C RCPT TO:<bob@example.org>",
        "S 250 ok",
        "C RCPT TO:<carol@example.org>",
        "S 450 4.2.1 Later",
        "C DATA",
        "S 354 go on",
        "content 22",
        "S 250 queued",
    ]


@pytest.mark.parametrize(("step", "fault"), [(Close(), "disconnected"), (Hang(), "timeout")])
def test_how_a_session_ended_behind_the_dot_stands_last(step: Step, fault: str) -> None:
    with scripted_server([*Script.until_dot(), step]) as server, session(server.settings()) as opened:
        delivery = hand_over(opened, seconds=SHORT)
    assert delivery.committed
    assert lines(delivery.dialogue)[-2:] == ["content 22", f"ended {fault}"]


def test_the_next_mails_dialogue_begins_where_the_last_mail_ended() -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        assert hand_over(opened).dialogue == ()
        server.answer("RCPT", "550 5.1.1 Unknown", times=1)
        assert lines(hand_over(opened).dialogue) == [
            "C MAIL FROM:<alice@example.org> SIZE=22",
            "S 250 OK",
            "C RCPT TO:<bob@example.org>",
            "S 550 5.1.1 Unknown",
        ]


def test_what_was_said_ahead_stands_with_its_own_mail() -> None:
    no = Say(b"250 ok\r\n550 5.1.1 no\r\n503 no receiver\r\n")
    script = pipelining(*AHEAD, GO, Content(), *AHEAD, Say("250 queued"), no)
    seen = sent([*script, Expect("RSET"), *AHEAD, Say("250 reset"), GO, Content(), Say("554 spam")], letters(3))
    assert [lines(delivery.dialogue) for delivery in seen.deliveries] == [
        [],
        [
            "C MAIL FROM:<alice@example.org>",
            "S 250 ok",
            "C RCPT TO:<m2@example.org>",
            "S 550 5.1.1 no",
            "C DATA",
            "S 503 no receiver",
        ],
        [
            "C RSET",
            "S 250 reset",
            "C MAIL FROM:<alice@example.org>",
            "S 250 2.1.0 ok",
            "C RCPT TO:<m3@example.org>",
            "S 250 2.1.5 ok",
            "C DATA",
            "S 354 go",
            "content 26",
            "S 554 spam",
        ],
    ]


def test_a_session_that_ends_amid_a_mail_tells_what_was_said() -> None:
    script = [*Script.greeting(), Expect("MAIL"), Say("421 4.3.2 Closing")]
    with scripted_server(script) as server, session(server.settings()) as opened:
        error = failure_of_delivery(opened)
    assert lines(error.dialogue) == [*GREETING, "C MAIL FROM:<alice@example.org>", "S 421 4.3.2 Closing"]


def test_a_pipelined_session_that_ends_tells_what_was_said() -> None:
    seen = sent(pipelining(*AHEAD, Say("421 4.3.2 Closing")), letters(1))
    dialogue = getattr(seen.error, "dialogue", ())
    assert lines(dialogue) == [*AHEAD_GREETING, "C MAIL FROM:<alice@example.org>", "S 421 4.3.2 Closing"]


def test_a_connection_that_is_refused_tells_which_addresses_were_dialled() -> None:
    with scripted_server([]) as server:
        settings = server.settings()
    dialogue = failure_of_opening(settings).dialogue
    assert dialogue == (Line(LineKind.ADDRESSES, "127.0.0.1"), Line(LineKind.ENDED, "connection_refused"))


def test_tls_that_was_agreed_on_stands_where_it_began() -> None:
    with smtpd.mail_server(Encryption.TLS, users={"alice": PASSWORD}) as server:
        dialogue = failure_of_opening(server.settings(login="alice", password="wrong")).dialogue
    kinds = [line.kind for line in dialogue]
    assert dialogue[kinds.index(LineKind.SECURED) - 1].kind is LineKind.SERVER
    assert dialogue[kinds.index(LineKind.SECURED)].text.startswith("TLSv1.")
    assert "C STARTTLS" in lines(dialogue)


@pytest.mark.parametrize(
    ("offered", "steps", "expected"),
    [
        ("AUTH PLAIN", [Expect("AUTH"), Say("535 5.7.8 No")], ["C AUTH PLAIN […]", "S 535 5.7.8 No"]),
        (
            "AUTH LOGIN",
            [Expect("AUTH"), Say("334 VXNlcm5hbWU6"), Expect(""), Say("334 UGFzc3dvcmQ6"), Expect(""), Say("535 No")],
            ["C AUTH LOGIN", "S 334 VXNlcm5hbWU6", "C […]", "S 334 UGFzc3dvcmQ6", "C […]", "S 535 No"],
        ),
        (
            "AUTH CRAM-MD5",
            [Expect("AUTH"), Say("334 PDFAbXg+"), Expect(""), Say("535 No")],
            ["C AUTH CRAM-MD5", "S 334 PDFAbXg+", "C […]", "S 535 No"],
        ),
    ],
)
def test_of_a_sign_in_only_the_mechanism_is_told(offered: str, steps: list[Step], expected: list[str]) -> None:
    with scripted_server([*Script.greeting(offered), *steps]) as server:
        settings = server.settings(credentials=Credentials("alice@example.org", PASSWORD))
        dialogue = failure_of_opening(settings).dialogue
    assert lines(dialogue)[4:] == expected


def test_a_server_that_repeats_the_secret_and_control_characters_is_cleaned() -> None:
    script = [*Script.greeting("AUTH PLAIN"), Expect("AUTH"), Say(f"535 no \x1b[31m {PASSWORD}")]
    with scripted_server(script) as server:
        settings = server.settings(credentials=Credentials("alice", PASSWORD))
        dialogue = failure_of_opening(settings).dialogue
    assert lines(dialogue)[-1] == "S 535 no [31m […]"
    assert PASSWORD not in repr(dialogue)


def test_a_long_dialogue_keeps_its_beginning_and_its_end() -> None:
    transcript = Transcript()
    for number in range(200):
        transcript.said(f"RCPT TO:<{number}@example.org>\r\n".encode())
    dialogue = transcript.take()
    assert len(dialogue) == MAX_LINES
    assert dialogue[0].text == "RCPT TO:<0@example.org>"
    assert dialogue[20] == Line(LineKind.LEFT_OUT, "141")
    assert dialogue[-1].text == "RCPT TO:<199@example.org>"


def test_a_long_line_is_cut() -> None:
    transcript = Transcript()
    transcript.heard(Reply(550, "", "x" * 800))
    (line,) = transcript.take()
    assert len(line.text) == MAX_CHARACTERS
    assert line.text.endswith("x…")


def test_a_long_answer_to_ehlo_is_cut_and_stays_one_line_each() -> None:
    transcript = Transcript()
    transcript.heard_lines(250, [f"X-{number}" for number in range(100)])
    dialogue = transcript.take()
    assert len(dialogue) == 40
    assert (dialogue[0].text, dialogue[-1].text) == ("250-X-0", "250 X-39")


def test_whatever_is_said_while_signing_in_is_hidden() -> None:
    transcript = Transcript()
    for command in ("AUTH PLAIN c2VjcmV0", "auth plain c2VjcmV0", "c2VjcmV0", "", "*"):
        transcript.asked(command, Phase.AUTH)
    assert [line.text for line in transcript.take()] == ["AUTH PLAIN […]", "auth plain […]", "[…]", "[…]", "[…]"]


def test_an_accepted_mail_is_given_back_as_it_is() -> None:
    transcript = Transcript()
    delivery = Delivery((), committed=True)
    transcript.said(b"MAIL FROM:<>\r\n")
    assert transcript.end_mail(delivery, is_plain_success=True) is delivery
    assert transcript.take() == ()
