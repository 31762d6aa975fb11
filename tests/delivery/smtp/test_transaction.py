"""One mail over an open session: every reply to every command, the fence, and the final dot."""

import select
import time
from collections.abc import Callable

import pytest

from delivery.exceptions import SessionError
from delivery.smtp.session import Session
from delivery.values import ComposedMail, Delivery, Envelope, ReceiverReply, Reply
from records.enums import Fault, Phase
from senders.enums import Encryption
from tests import smtpd
from tests.delivery.smtp.dialling import SHORT, failure_of_delivery, hand_over, mail, session
from tests.scripted_smtpd import (
    Close,
    Content,
    Drip,
    Endless,
    Expect,
    Hang,
    ReadBlock,
    Reset,
    Say,
    Script,
    Step,
    scripted_server,
)

BOB, CAROL, DAVE = "bob@example.org", "carol@example.org", "dave@example.org"


def refused(path: str, phase: Phase, reply: Reply, fault: Fault = Fault.REPLY) -> ReceiverReply:
    return ReceiverReply(path, accepted=False, phase=phase, reply=reply, fault=fault)


def delivered(
    script: list[Step], composed: ComposedMail | None = None, *, fence: bool = True
) -> tuple[Delivery, bool, bytes]:
    """Hand one mail to a scripted server: what came of it, whether the session is usable then, what was sent."""
    with scripted_server(script) as server, session(server.settings()) as opened:
        delivery = hand_over(opened, composed, fence=fence)
        usable = opened.is_usable
    return delivery, usable, bytes(server.received)


def test_an_accepted_mail_is_accepted_for_every_receiver_with_the_queue_id() -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        delivery = hand_over(opened, mail(BOB, CAROL))
        reply = Reply(250, "2.0.0", "Ok: queued as 000000000001")
        assert delivery == Delivery(
            (ReceiverReply(BOB, True, Phase.DATA, reply), ReceiverReply(CAROL, True, Phase.DATA, reply)),
            committed=True,
            final_reply=reply,
            queue_id="000000000001",
        )
        assert opened.is_usable
    assert [(one.reverse_path, one.forward_paths) for one in server.mails] == [("alice@example.org", (BOB, CAROL))]


def test_many_mails_go_over_one_connection() -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        server.answer("RCPT", "550 5.1.1 Unknown", about="dave@")
        server.answer("DOT", "554 5.7.1 Spam", times=1)
        outcomes = [hand_over(opened, mail(path)).receivers[0].accepted for path in (BOB, DAVE, BOB, CAROL)]
    assert outcomes == [False, False, True, True]
    assert server.connections == 1
    assert [one.forward_paths for one in server.mails] == [(BOB,), (CAROL,)]


@pytest.mark.parametrize("mime", [
    b"Subject: dots\r\n\r\n.\r\n..\r\n.hidden\r\nend\r\n",
    b".\r\n",
    b"Subject: no end",
    b"Subject: x\r\n\r\n" + b"line of a big mail\r\n" * 60_000,
    "Subject: 8bit\r\n\r\nGrüße\r\n".encode(),
])  # fmt: skip
def test_the_content_arrives_as_it_was_composed(mime: bytes) -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        assert hand_over(opened, mail(mime=mime)).receivers[0].accepted
    assert server.mails[0].mime.removesuffix(b"\r\n") == mime.removesuffix(b"\r\n")


def test_a_content_larger_than_all_buffers_arrives_over_tls() -> None:
    mime = b"Subject: big\r\n\r\n" + b"".join(b"%070d\r\n" % number for number in range(80_000))
    with (
        smtpd.mail_server(Encryption.SSL) as server,
        session(server.settings()) as opened,
    ):
        assert hand_over(opened, mail(mime=mime)).receivers[0].accepted
        assert opened.is_usable
    assert server.mails[0].mime == mime


@pytest.mark.parametrize("mime", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\nb", b"\n.\r\n", b"a\r"])
def test_bare_line_ends_are_never_sent(mime: bytes) -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        with pytest.raises(ValueError, match="bare CR or LF"):
            hand_over(opened, mail(mime=mime))
        assert opened.is_usable
    assert server.commands == ["EHLO"]


@pytest.mark.parametrize("path", ["a@b.c>\r\nRCPT TO:<x@y.z", "a@b.c> SIZE=1", "<a@b.c", "a\0@b.c", '"a"b>"c"@d.e'])
def test_an_address_cannot_end_its_command_or_its_brackets(path: str) -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        with pytest.raises(ValueError, match="address of the envelope"):
            hand_over(opened, mail(path))
        with pytest.raises(ValueError, match="address of the envelope"):
            hand_over(opened, mail(sender=path))
        assert opened.is_usable
    assert server.commands == ["EHLO"]


def test_a_quoted_local_part_may_hold_brackets() -> None:
    _, _, sent = delivered([*Script.greeting(), Expect("MAIL"), Say("550 no")], mail('"a>b"@example.org'))
    assert b"alice@example.org" in sent


def test_equal_receivers_are_named_once() -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        assert len(hand_over(opened, mail(BOB, BOB)).receivers) == 1
    assert server.commands.count("RCPT") == 1


def test_parameters_of_mail_follow_what_the_server_offers() -> None:
    eight = "Subject: Grüße\r\n\r\n".encode()
    _, _, sent = delivered([*Script.greeting(), Expect("MAIL"), Say("550 no")], mail(mime=eight))
    assert b"MAIL FROM:<alice@example.org>\r\n" in sent
    offers = Script.greeting("SIZE", "8BITMIME", "SMTPUTF8")
    _, _, sent = delivered([*offers, Expect("MAIL"), Say("550 no")], mail(mime=eight, utf8=True))
    assert f"MAIL FROM:<alice@example.org> SIZE={len(eight)} BODY=8BITMIME SMTPUTF8\r\n".encode() in sent


def test_an_empty_reverse_path_is_sent_as_such() -> None:
    _, _, sent = delivered([*Script.greeting(), Expect("MAIL"), Say("550 no")], mail(sender=""))
    assert b"MAIL FROM:<>\r\n" in sent


def test_a_mail_beyond_the_announced_size_is_refused_by_us() -> None:
    with smtpd.mail_server(size_limit=1_000) as server, session(server.settings()) as opened:
        delivery = hand_over(opened, mail(mime=b"x" * 1_001))
        assert delivery == Delivery((refused(BOB, Phase.MAIL, Reply(552, "5.3.4"), Fault.TOO_LARGE),), committed=False)
        assert hand_over(opened, mail(mime=b"x" * 900 + b"\r\n")).receivers[0].accepted
    assert server.commands.count("MAIL") == 1


@pytest.mark.parametrize("announced", ["SIZE", "SIZE 0", "SIZE many", "SIZE -1", "SIZE " + "9" * 400])
def test_an_announced_size_that_is_none_limits_nothing(announced: str) -> None:
    delivery, _, _ = delivered([*Script.until_dot(announced), Say("250 ok")])
    assert delivery.receivers[0].accepted


@pytest.mark.parametrize("composed", [mail(utf8=True), mail("jürgen@example.org"), mail(sender="jürgen@example.org")])
def test_smtputf8_is_needed_and_not_offered(composed: ComposedMail) -> None:
    with smtpd.mail_server(smtputf8=False) as server, session(server.settings()) as opened:
        path = composed.envelope.forward_paths[0]
        expected = refused(path, Phase.MAIL, Reply(553, "5.6.7"), Fault.SMTPUTF8_MISSING)
        assert hand_over(opened, composed) == Delivery((expected,), committed=False)
        assert hand_over(opened).receivers[0].accepted
    assert server.commands.count("MAIL") == 1


def test_smtputf8_is_used_where_needed_and_only_there() -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        assert hand_over(opened, mail("jürgen@example.org")).receivers[0].accepted
        assert hand_over(opened).receivers[0].accepted
    assert ["SMTPUTF8" in one.mail_options for one in server.mails] == [True, False]
    assert server.mails[0].forward_paths == ("jürgen@example.org",)


@pytest.mark.parametrize("reply", [Reply(451, "4.3.0", "later"), Reply(550, "5.7.1", "never")])
def test_a_refused_sender_is_every_receivers_refusal(reply: Reply) -> None:
    script = [*Script.greeting(), Expect("MAIL"), Say(str(reply))]
    delivery, usable, sent = delivered(script, mail(BOB, CAROL))
    assert delivery == Delivery((refused(BOB, Phase.MAIL, reply), refused(CAROL, Phase.MAIL, reply)), committed=False)
    assert usable
    assert b"RCPT" not in sent


def test_a_refused_receiver_does_not_keep_the_mail_from_the_others() -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        server.answer("RCPT", "550 5.1.1 Unknown", about="bob@")
        server.answer("RCPT", "451 4.7.1 Greylisted", about="dave@")
        delivery = hand_over(opened, mail(BOB, CAROL, DAVE))
    assert {one.forward_path: (one.accepted, one.phase, one.reply.code) for one in delivery.receivers} == {
        BOB: (False, Phase.RCPT, 550), CAROL: (True, Phase.DATA, 250), DAVE: (False, Phase.RCPT, 451),
    }  # fmt: skip
    assert server.mails[0].forward_paths == (CAROL,)


def test_no_content_is_sent_where_every_receiver_was_refused() -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        server.answer("RCPT", "550 5.1.1 Unknown")
        delivery = hand_over(opened, mail(BOB, CAROL))
        assert delivery.committed is False
        assert opened.is_usable
    assert server.commands == ["EHLO", "MAIL", "RCPT", "RCPT", "RSET"]


def test_a_552_to_a_receiver_counts_as_452() -> None:
    script = [
        *Script.greeting(),
        Expect("MAIL"),
        Say("250 ok"),
        Expect("RCPT"),
        Say("552 Too many"),
        Expect("RSET"),
        Say("250 ok"),
    ]
    delivery, usable, _ = delivered(script)
    assert delivery.receivers == (refused(BOB, Phase.RCPT, Reply(452, "", "Too many")),)
    assert usable


@pytest.mark.parametrize("answer", [Say("500 what?"), Say("garbage"), Close(), Hang()])
def test_a_server_that_cannot_reset_is_not_used_again_and_the_fate_of_the_mail_stands(answer: Step) -> None:
    script = [*Script.greeting(), Expect("MAIL"), Say("250 ok"), Expect("RCPT"), Say("550 no"), Expect("RSET"), answer]
    with scripted_server(script) as server, session(server.settings(timeout=SHORT)) as opened:
        assert hand_over(opened).receivers == (refused(BOB, Phase.RCPT, Reply(550, "", "no")),)
        assert not opened.is_usable


@pytest.mark.parametrize("code", [421, 530, 535, 538])
@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA])
def test_some_replies_tell_of_the_session_whatever_the_command(phase: Phase, code: int) -> None:
    until = {Phase.MAIL: 3, Phase.RCPT: 5, Phase.DATA: 7}[phase]
    script = [*Script.until_data()[: until + 1], Say(f"{code} 4.3.2 x")]
    with scripted_server(script) as server, session(server.settings()) as opened:
        error = failure_of_delivery(opened)
    fault = Fault.AUTH_CLEARTEXT if code == 538 else Fault.REPLY
    assert (error.phase, error.fault) == (phase, fault)
    assert error.reply is not None
    assert error.reply.code == code


def test_a_wish_for_tls_is_told_apart_from_a_wish_for_a_sign_in() -> None:
    for words, fault in (("Must issue a STARTTLS command first", Fault.AUTH_CLEARTEXT), ("Sign in", Fault.REPLY)):
        with (
            scripted_server([*Script.greeting(), Expect("MAIL"), Say(f"530 5.7.0 {words}")]) as server,
            session(server.settings()) as opened,
        ):
            assert failure_of_delivery(opened).fault is fault


BREAKS = [
    (Close(), Fault.DISCONNECTED),
    (Reset(), Fault.DISCONNECTED),
    (Hang(), Fault.TIMEOUT),
    (Drip(b"250-" + b"x" * 5_000, 0.02), Fault.TIMEOUT),
    (Endless(b"250-more\r\n"), Fault.PROTOCOL),
    (Say("nonsense"), Fault.PROTOCOL),
    (Say("250-ok\r\n550 no"), Fault.PROTOCOL),
]


@pytest.mark.parametrize(("step", "fault"), BREAKS)
@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA])
def test_a_break_before_the_content_ends_the_session(phase: Phase, step: Step, fault: Fault) -> None:
    until = {Phase.MAIL: 3, Phase.RCPT: 5, Phase.DATA: 7}[phase]
    with (
        scripted_server([*Script.until_data()[: until + 1], step]) as server,
        session(server.settings(timeout=SHORT)) as opened,
    ):
        error = failure_of_delivery(opened, seconds=SHORT)
    assert (error.phase, error.fault, error.reply) == (phase, fault, None)


@pytest.mark.parametrize(
    ("phase", "line"), [(Phase.MAIL, "354 go"), (Phase.RCPT, "334 x"), (Phase.DATA, "250 ok"), (Phase.DATA, "334 x")]
)
def test_a_positive_reply_that_fits_no_command_is_a_breach_of_protocol(phase: Phase, line: str) -> None:
    until = {Phase.MAIL: 3, Phase.RCPT: 5, Phase.DATA: 7}[phase]
    script = [*Script.until_data()[: until + 1], Say(line)]
    with scripted_server(script) as server, session(server.settings()) as opened:
        error = failure_of_delivery(opened)
    assert (error.phase, error.fault) == (phase, Fault.PROTOCOL)


def test_content_that_the_server_does_not_want_is_refused_for_the_accepted_receivers() -> None:
    script = [*Script.until_data(), Say("554 5.5.1 No valid receivers"), Expect("RSET"), Say("250 ok")]
    delivery, usable, sent = delivered(script)
    reply = Reply(554, "5.5.1", "No valid receivers")
    assert delivery == Delivery((refused(BOB, Phase.DATA, reply),), committed=False, final_reply=reply)
    assert usable
    assert b"Subject" not in sent


@pytest.mark.parametrize(
    "reply", [Reply(451, "4.3.0", "later"), Reply(552, "5.2.3", "too big"), Reply(554, "5.7.1", "spam")]
)
def test_a_refusal_after_the_dot_is_final_for_this_try(reply: Reply) -> None:
    delivery, usable, _ = delivered([*Script.until_dot(), Say(str(reply))])
    assert delivery == Delivery((refused(BOB, Phase.DATA, reply),), committed=True, final_reply=reply)
    assert usable


def test_a_421_after_the_dot_is_a_refusal_and_the_end() -> None:
    delivery, usable, _ = delivered([*Script.until_dot(), Say("421 4.3.2 closing")])
    assert delivery.receivers == (refused(BOB, Phase.DATA, Reply(421, "4.3.2", "closing")),)
    assert not usable


@pytest.mark.parametrize("end", [
    Close(), Reset(), Hang(), Drip(b"250 " + b"x" * 5_000, 0.02), Endless(b"250-more\r\n"),
    Say("nonsense"), Say("354 go on"), Say("220 mx"), Say("251 ok"), Say("235 ok"), Say("250-ok\r\n550 no"),
])  # fmt: skip
def test_after_the_dot_anything_but_a_clear_reply_means_that_nobody_knows(end: Step) -> None:
    with scripted_server([*Script.until_dot(), end]) as server, session(server.settings()) as opened:
        delivery = hand_over(opened, seconds=SHORT)
        assert delivery == Delivery((), committed=True)
        assert not opened.is_usable


def test_receivers_refused_before_an_unknown_end_stay_refused() -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        server.answer("RCPT", "550 5.1.1 Unknown", about="bob@")
        server.answer("DOT", smtpd.Misbehaviour.TAKE_AND_DROP)
        delivery = hand_over(opened, mail(BOB, CAROL))
    assert delivery == Delivery((refused(BOB, Phase.RCPT, Reply(550, "5.1.1", "Unknown")),), committed=True)
    assert len(server.mails) == 1


def test_a_fence_that_says_no_keeps_back_the_block_with_the_dot() -> None:
    delivery, usable, sent = delivered([*Script.until_data(), Say("354 go"), Hang()], fence=False)
    assert delivery == Delivery((), committed=False, fenced=True)
    assert not usable
    assert sent.endswith(b"DATA\r\n")


def test_all_but_the_last_block_of_the_content_is_sent_before_the_fence_is_asked() -> None:
    script = [*Script.until_data(), Say("354 go"), Hang()]
    _, _, sent = delivered(script, mail(mime=b"line\r\n" * 20_000), fence=False)
    assert sent.partition(b"DATA\r\n")[2] == (b"line\r\n" * 20_000)[:65_536]


def test_a_fenced_mail_is_not_taken_by_the_server() -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        assert hand_over(opened, fence=False).fenced
        assert not opened.is_usable
        with session(server.settings()) as other:
            hand_over(other)
    assert len(server.mails) == 1
    assert "DOT" in server.commands
    assert server.commands.count("DOT") == 1


def test_a_fence_that_raises_withholds_the_dot() -> None:
    class DatabaseIsDownError(Exception):
        pass

    def fence() -> bool:
        raise DatabaseIsDownError

    with smtpd.mail_server() as server, session(server.settings()) as opened:
        with pytest.raises(DatabaseIsDownError):
            opened.deliver(mail(), before_dot=fence, deadline=1e12)
        assert not opened.is_usable
    assert "DOT" not in server.commands


def test_the_fence_is_not_asked_where_no_content_was_sent() -> None:
    asked: list[str] = []

    def fence() -> bool:
        asked.append("fence")
        return True

    with smtpd.mail_server() as server, session(server.settings()) as opened:
        server.answer("DATA", "451 4.3.0 later")
        opened.deliver(mail(), before_dot=fence, deadline=1e12)
    assert asked == []


def until_something_came(opened: Session) -> Callable[[], bool]:
    """Give a fence that says yes as soon as the server spoke or left, which a busy machine may delay."""

    def fence() -> bool:
        return bool(select.select([opened._dialogue.stream._socket], [], [], 10)[0])

    return fence


BIG = mail(mime=b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n" + b"line\r\n" * 500_000)


@pytest.mark.parametrize(("line", "code"), [("552 5.3.4 too big", 552), ("451 4.3.0 disk full", 451)])
def test_a_refusal_amid_the_content_is_a_refusal_without_a_dot(line: str, code: int) -> None:
    script = [*Script.until_data(), Say("354 go"), ReadBlock(), Say(line), Hang()]
    with scripted_server(script) as server, session(server.settings()) as opened:
        delivery = opened.deliver(BIG, before_dot=until_something_came(opened), deadline=time.monotonic() + 10)
        assert (delivery.committed, delivery.fenced, opened.is_usable) == (False, False, False)
    assert [one.reply.code for one in delivery.receivers] == [code]
    assert not server.received.endswith(b"\r\n.\r\n")


@pytest.mark.parametrize(("steps", "fault"), [
    ([Close()], Fault.DISCONNECTED), ([Reset()], Fault.DISCONNECTED), ([Say("250 ok"), Hang()], Fault.PROTOCOL),
    ([Say("421 bye"), Close()], Fault.REPLY), ([Say("xx"), Hang()], Fault.PROTOCOL),
])  # fmt: skip
def test_a_break_amid_the_content_is_certainly_not_a_delivery(steps: list[Step], fault: Fault) -> None:
    script = [*Script.until_data(), Say("354 go"), ReadBlock(), *steps]
    with (
        scripted_server(script) as server,
        session(server.settings()) as opened,
        pytest.raises(SessionError) as caught,
    ):
        opened.deliver(BIG, before_dot=until_something_came(opened), deadline=time.monotonic() + 10)
    assert (caught.value.phase, caught.value.fault) == (Phase.DATA, fault)
    assert not opened.is_usable


def test_a_server_that_stops_reading_runs_into_the_deadline() -> None:
    script = [*Script.until_data(), Say("354 go"), ReadBlock(), _Sleep()]
    with scripted_server(script) as server, session(server.settings()) as opened:
        error = failure_of_delivery(opened, mail(mime=b"line\r\n" * 8_000_000), seconds=3)
    assert (error.phase, error.fault) == (Phase.DATA, Fault.TIMEOUT)


class _Sleep:
    """Neither read nor write until the test is over."""

    def run(self, peer: object) -> None:
        peer.over.wait(20)  # type: ignore[attr-defined]


def test_a_250_sent_before_the_dot_is_no_acceptance() -> None:
    script = [*Script.until_data(), Say(b"354 go\r\n250 queued\r\n"), Content(), Hang()]
    with scripted_server(script) as server, session(server.settings()) as opened:
        error = failure_of_delivery(opened)
    assert (error.phase, error.fault) == (Phase.DATA, Fault.PROTOCOL)


def test_replies_in_advance_end_the_session() -> None:
    script = [*Script.greeting(), Expect("MAIL"), Say(b"250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n"), Hang()]
    with scripted_server(script) as server, session(server.settings()) as opened:
        error = failure_of_delivery(opened)
    assert (error.phase, error.fault) == (Phase.RCPT, Fault.PROTOCOL)


def test_a_kept_session_sees_that_the_server_said_goodbye() -> None:
    script = [*Script.until_dot(), Say("250 ok"), Expect("NOOP"), Say("421 idle"), Close()]
    with scripted_server(script) as server, session(server.settings()) as opened:
        hand_over(opened)
        assert opened.is_usable
        opened._dialogue.stream.send(b"NOOP\r\n", 1)  # any sign of life makes the server take its leave
        opened._dialogue.stream._receive(opened._dialogue.stream.end_of(5))
        assert not opened.is_usable
        error = failure_of_delivery(opened)
    assert (error.phase, error.fault, error.reply) == (Phase.MAIL, Fault.REPLY, Reply(421, "", "idle"))


@pytest.mark.parametrize("answer", [Say("221 bye"), Say("nonsense"), Close(), Reset()])
def test_leaving_never_raises(answer: Step) -> None:
    with scripted_server([*Script.greeting(), Expect("QUIT"), answer]) as server, session(server.settings()) as opened:
        opened.quit()
        opened.quit()
        opened.close()
        assert not opened.is_usable
    assert server.received.count(b"QUIT") == 1


def test_a_mail_without_receivers_is_not_sent() -> None:
    nobody = ComposedMail(Envelope("alice@example.org", ()), "<1@example.org>", b"x\r\n")
    with (
        smtpd.mail_server() as server,
        session(server.settings()) as opened,
        pytest.raises(ValueError, match="receiver"),
    ):
        hand_over(opened, nobody)
    assert server.commands == ["EHLO"]


def test_a_broken_session_delivers_no_more() -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        hand_over(opened, fence=False)
        error = failure_of_delivery(opened)
    assert (error.phase, error.fault) == (Phase.MAIL, Fault.DISCONNECTED)
    assert server.mails == []
