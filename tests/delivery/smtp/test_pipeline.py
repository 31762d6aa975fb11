"""Many mails over one session: what is said ahead, whose reply is whose, and what is certain when it breaks."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import pytest

from delivery.exceptions import SessionError
from delivery.smtp.session import Session
from delivery.values import ComposedMail, Delivery, ReceiverReply, Reply
from records.enums import Fault, Phase
from senders.enums import Encryption
from tests import smtpd
from tests.delivery.smtp.dialling import SHORT, hand_over, mail, session
from tests.scripted_smtpd import (
    Close,
    Content,
    Expect,
    Hang,
    Peer,
    ReadBlock,
    Reset,
    Say,
    Script,
    StartTls,
    Step,
    scripted_server,
)

AHEAD: list[Step] = [Expect("MAIL"), Expect("RCPT"), Expect("DATA")]
"""The commands of a mail, all of which were sent before any was answered."""
GO = Say(b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n")
QUEUED = Reply(250, "", "queued")
NO = Reply(550, "5.1.1", "no")


def letter(name: str, *receivers: str) -> ComposedMail:
    """Give a mail whose content and receiver tell which it is."""
    return mail(*(receivers or (f"{name}@example.org",)), mime=f"Subject: {name}\r\n\r\nend of {name}\r\n".encode())


def letters(count: int) -> list[ComposedMail]:
    return [letter(f"m{number}") for number in range(1, count + 1)]


def accepted(name: str) -> Delivery:
    receiver = ReceiverReply(f"{name}@example.org", accepted=True, phase=Phase.DATA, reply=QUEUED)
    return Delivery((receiver,), committed=True, final_reply=QUEUED)


def refused(name: str, phase: Phase, reply: Reply, **rest: object) -> Delivery:
    receiver = ReceiverReply(f"{name}@example.org", accepted=False, phase=phase, reply=reply)
    return Delivery((receiver,), **({"committed": False} | rest))  # type: ignore[arg-type]


@dataclass
class Sent:
    """What came of handing many mails to a server."""

    events: list[str] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    error: Exception | None = None
    usable: bool = False
    received: bytes = b""

    def taking(self, mails: Iterable[ComposedMail]) -> Iterator[ComposedMail]:
        for one in mails:
            self.events.append(f"take {one.envelope.forward_paths[0].partition('@')[0]}")
            yield one

    def fence(self, answer: Callable[[str], bool]) -> Callable[[ComposedMail], bool]:
        def ask(one: ComposedMail) -> bool:
            name = one.envelope.forward_paths[0].partition("@")[0]
            self.events.append(f"fence {name}")
            return answer(name)

        return ask

    def dots(self) -> list[str]:
        """Name the mails whose content arrived with its final dot."""
        return [part.rpartition(b"end of ")[2].decode() for part in self.received.split(b"\r\n.\r\n")[:-1]]


def sent(
    script: list[Step],
    mails: Iterable[ComposedMail],
    *,
    fence: Callable[[str], bool] = lambda name: True,
    seconds: float = 5.0,
    encryption: Encryption = Encryption.NONE,
) -> Sent:
    seen = Sent()
    with scripted_server(script, encryption=encryption) as server, session(server.settings()) as opened:
        run(opened, seen, mails, fence, seconds)
    seen.received = bytes(server.received)
    return seen


def run(
    opened: Session, seen: Sent, mails: Iterable[ComposedMail], fence: Callable[[str], bool], seconds: float
) -> None:
    deliveries = opened.deliver_all(seen.taking(mails), before_dot=seen.fence(fence), seconds_per_mail=seconds)
    try:
        for delivery in deliveries:
            seen.events.append("yield")
            seen.deliveries.append(delivery)
    except (SessionError, ValueError, LookupError) as error:
        seen.error = error
    seen.usable = opened.is_usable


def pipelining(*steps: Step) -> list[Step]:
    return [*Script.greeting("PIPELINING"), *steps]


def test_the_next_mail_is_begun_behind_the_dot_and_before_the_reply_to_it() -> None:
    script = pipelining(
        *AHEAD, GO, Content(), *AHEAD, Say("250 queued"), GO, Content(), *AHEAD, Say("250 queued"), GO, Content(),
        Say("250 queued"),
    )  # fmt: skip
    seen = sent(script, letters(3))
    assert seen.deliveries == [accepted("m1"), accepted("m2"), accepted("m3")]
    assert (seen.error, seen.usable) == (None, True)


def test_the_next_mail_is_taken_before_the_fence_is_asked_for_this_one() -> None:
    script = pipelining(*AHEAD, GO, Content(), *AHEAD, Say("250 queued"), GO, Content(), Say("250 queued"))
    assert sent(script, letters(2)).events == [
        "take m1", "take m2", "fence m1", "yield", "fence m2", "yield",
    ]  # fmt: skip


def test_a_server_without_pipelining_hears_one_command_at_a_time() -> None:
    with smtpd.mail_server() as server, session(server.settings()) as opened:
        seen = Sent()
        run(opened, seen, letters(3), lambda name: True, 5)
        assert [one.receivers[0].accepted for one in seen.deliveries] == [True, True, True]
        assert seen.usable
    assert server.commands == ["EHLO", *["MAIL", "RCPT", "DATA", "DOT"] * 3]
    assert seen.events[:4] == ["take m1", "take m2", "fence m1", "yield"]
    silent = sent([*Script.until_dot(), Hang()], letters(2), seconds=SHORT)
    assert silent.deliveries == [Delivery((), committed=True)]
    assert silent.received.endswith(b"end of m1\r\n.\r\n")


@pytest.mark.parametrize("encryption", list(Encryption))
def test_streams_with_refusals_arrive_alike_with_and_without_pipelining(encryption: Encryption) -> None:
    fates: list[list[list[int]]] = []
    for pipelining in (False, True):
        with (
            smtpd.mail_server(encryption, pipelining=pipelining) as server,
            session(server.settings()) as opened,
        ):
            assert ("PIPELINING" in opened.extensions) is pipelining
            server.answer("RCPT", "550 5.1.1 Unknown", about="m2@")
            server.answer("MAIL", "451 4.3.0 later", times=1)
            server.answer("RCPT", "550 5.1.1 Unknown", about="b@")
            server.answer("DOT", "554 5.7.1 Spam", times=1)
            mails = [*letters(4), letter("m5", "b@example.org", "c@example.org"), letter("m6")]
            seen = Sent()
            run(opened, seen, mails, lambda name: True, 5)
            assert seen.usable
        fates.append([[receiver.reply.code for receiver in one.receivers] for one in seen.deliveries])
        assert [one.mime.split()[1] for one in server.mails] == [b"m4", b"m5", b"m6"]
    assert fates == [[[451], [550], [554], [250], [550, 250], [250]]] * 2


def test_pipelining_goes_on_under_tls() -> None:
    script = [
        *Script.greeting("STARTTLS", "PIPELINING"), Expect("STARTTLS"), Say("220 go"), StartTls(), Expect("EHLO"),
        Say("250-mx\r\n250 PIPELINING"), *AHEAD, GO, Content(), *AHEAD, Say("250 queued"), GO, Content(),
        Say("250 queued"),
    ]  # fmt: skip
    assert sent(script, letters(2), encryption=Encryption.TLS).deliveries == [accepted("m1"), accepted("m2")]


def test_pipelining_that_was_only_announced_in_clear_text_is_not_used() -> None:
    script = [
        *Script.greeting("STARTTLS", "PIPELINING"), Expect("STARTTLS"), Say("220 go"), StartTls(), Expect("EHLO"),
        Say("250 mx"), Expect("MAIL"), Hang(),
    ]  # fmt: skip
    assert sent(script, letters(2), encryption=Encryption.TLS, seconds=SHORT).received.endswith(
        b"MAIL FROM:<alice@example.org>\r\n"
    )


@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_replies_may_come_in_any_pieces(size: int) -> None:
    said = b"250 queued\r\n" + b"250-2.1.0 more\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n"
    pieces: list[Step] = [Say(said[begin : begin + size]) for begin in range(0, len(said), size)]
    script = pipelining(*AHEAD, GO, Content(), *AHEAD, *pieces, Content(), Say("250 queued"))
    assert sent(script, letters(2)).deliveries == [accepted("m1"), accepted("m2")]


def test_a_refused_receiver_among_others_does_not_shift_the_replies() -> None:
    script = pipelining(
        Expect("MAIL"), Expect("RCPT"), Expect("RCPT"), Expect("RCPT"), Expect("DATA"),
        Say(b"250 ok\r\n250 ok\r\n550 5.1.1 no\r\n552 many\r\n354 go\r\n"), Content(), Say("250 queued"),
    )  # fmt: skip
    (delivery,) = sent(script, [letter("m1", "a@example.org", "b@example.org", "c@example.org")]).deliveries
    assert [(one.forward_path[0], one.accepted, one.reply.code) for one in delivery.receivers] == [
        ("b", False, 550), ("c", False, 452), ("a", True, 250),
    ]  # fmt: skip


def test_a_lone_dot_ends_data_that_was_taken_with_all_receivers_refused() -> None:
    script = pipelining(
        *AHEAD, Say(b"250 ok\r\n550 5.1.1 no\r\n354 go\r\n"), Expect(".\r\n"), Say("554 5.5.1 nobody"),
        Expect("RSET"), *AHEAD, Say("250 reset"), GO, Content(), Say("250 queued"),
    )  # fmt: skip
    seen = sent(script, letters(2))
    assert seen.deliveries == [refused("m1", Phase.RCPT, NO), accepted("m2")]
    assert (seen.dots()[1:], seen.usable) == (["m2"], True)
    assert "fence m1" not in seen.events


def test_a_mail_without_receivers_left_is_reset_together_with_the_next() -> None:
    script = pipelining(
        *AHEAD, Say(b"250 ok\r\n550 5.1.1 no\r\n554 5.5.1 nobody\r\n"), Expect("RSET"), *AHEAD, Say("250 reset"), GO,
        Content(), Say("250 queued"),
    )  # fmt: skip
    assert sent(script, letters(2)).deliveries == [refused("m1", Phase.RCPT, NO), accepted("m2")]


def test_a_transaction_left_open_by_the_last_mail_is_ended() -> None:
    script = pipelining(
        *AHEAD, Say(b"250 ok\r\n550 5.1.1 no\r\n554 5.5.1 nobody\r\n"), Expect("RSET"), Say("250 reset")
    )
    seen = sent(script, letters(1))
    assert (seen.deliveries, seen.usable) == ([refused("m1", Phase.RCPT, NO)], True)


@pytest.mark.parametrize("answer", [Say("500 what?"), Say("421 bye"), Say("nonsense"), Close(), Reset()])
def test_a_server_that_cannot_reset_costs_the_session_and_not_the_next_mail(answer: Step) -> None:
    script = pipelining(*AHEAD, Say(b"250 ok\r\n550 5.1.1 no\r\n554 5.5.1 nobody\r\n"), Expect("RSET"), answer)
    seen = sent(script, letters(2))
    assert (seen.deliveries, seen.error, seen.usable) == ([refused("m1", Phase.RCPT, NO)], None, False)
    assert seen.events[-1] == "take m2"


def test_the_replies_behind_a_refused_sender_are_not_taken_for_others() -> None:
    script = pipelining(
        *AHEAD, Say(b"550 5.1.1 no\r\n503 first MAIL\r\n503 first RCPT\r\n"), *AHEAD, GO, Content(), Say("250 queued")
    )
    assert sent(script, letters(2)).deliveries == [refused("m1", Phase.MAIL, NO), accepted("m2")]


def test_a_server_that_refuses_the_sender_and_takes_the_receiver_gets_no_dot() -> None:
    seen = sent(pipelining(*AHEAD, Say(b"550 5.1.1 no\r\n250 ok\r\n354 go\r\n"), Hang()), letters(2))
    assert (seen.deliveries, seen.error, seen.usable) == ([refused("m1", Phase.MAIL, NO)], None, False)
    assert seen.received.endswith(b"DATA\r\n")


def test_refused_data_leaves_the_way_free_for_the_next() -> None:
    script = pipelining(
        *AHEAD, Say(b"250 ok\r\n250 ok\r\n550 5.1.1 no\r\n"), Expect("RSET"), *AHEAD, Say("250 reset"), GO, Content(),
        Say("250 queued"),
    )  # fmt: skip
    assert sent(script, letters(2)).deliveries == [refused("m1", Phase.DATA, NO, final_reply=NO), accepted("m2")]


@pytest.mark.parametrize("code", [450, 454, 550, 554])
def test_a_refused_dot_does_not_touch_the_mail_that_was_begun_behind_it(code: int) -> None:
    reply = Reply(code, "", "x")
    script = pipelining(*AHEAD, GO, Content(), *AHEAD, Say(f"{code} x"), GO, Content(), Say("250 queued"))
    seen = sent(script, letters(2))
    assert seen.deliveries == [refused("m1", Phase.DATA, reply, committed=True, final_reply=reply), accepted("m2")]


ENDS: list[tuple[Step, Fault]] = [
    (Say("421 bye"), Fault.REPLY), (Say("530 sign in"), Fault.REPLY), (Say("535 no"), Fault.REPLY),
    (Say("538 encrypt"), Fault.AUTH_CLEARTEXT), (Close(), Fault.DISCONNECTED), (Reset(), Fault.DISCONNECTED),
    (Say("nonsense"), Fault.PROTOCOL), (Say("250-ok\r\n550 no"), Fault.PROTOCOL), (Hang(), Fault.TIMEOUT),
]  # fmt: skip


@pytest.mark.parametrize(("end", "fault"), ENDS)
@pytest.mark.parametrize(("said", "phase"), [
    (b"", Phase.MAIL), (b"250 ok\r\n", Phase.RCPT), (b"250 ok\r\n250 ok\r\n", Phase.DATA),
])  # fmt: skip
def test_a_session_that_ends_behind_an_accepted_mail_leaves_that_accepted_and_the_next_unsent(
    said: bytes, phase: Phase, end: Step, fault: Fault
) -> None:
    script = pipelining(*AHEAD, GO, Content(), *AHEAD, Say(b"250 queued\r\n" + said), end)
    seen = sent(script, letters(3), seconds=SHORT)
    assert seen.deliveries == [accepted("m1")]
    assert isinstance(seen.error, SessionError)
    assert (seen.error.phase, seen.error.fault, seen.usable) == (phase, fault, False)
    assert seen.dots() == ["m1"]
    assert seen.events == ["take m1", "take m2", "fence m1", "yield"]


def test_a_454_to_a_receiver_is_about_that_receiver() -> None:
    script = pipelining(
        *AHEAD, Say(b"250 ok\r\n454 4.7.1 Relay access denied\r\n554 nobody\r\n"), Expect("RSET"), Say("250 reset")
    )
    (delivery,) = sent(script, letters(1)).deliveries
    assert delivery.receivers[0].reply == Reply(454, "4.7.1", "Relay access denied")


def test_a_421_to_the_dot_is_the_last_delivery() -> None:
    bye = Reply(421, "", "bye")
    seen = sent(pipelining(*AHEAD, GO, Content(), *AHEAD, Say("421 bye"), Close()), letters(3))
    assert seen.deliveries == [refused("m1", Phase.DATA, bye, committed=True, final_reply=bye)]
    assert (seen.error, seen.usable, seen.dots()) == (None, False, ["m1"])


@pytest.mark.parametrize("end", [Close(), Reset(), Hang(), Say("354 go"), Say("nonsense"), Say("251 ok")])
def test_a_mail_with_an_unknown_fate_is_the_last_delivery(end: Step) -> None:
    seen = sent(pipelining(*AHEAD, GO, Content(), *AHEAD, end), letters(3), seconds=SHORT)
    assert (seen.deliveries, seen.error, seen.usable) == ([Delivery((), committed=True)], None, False)
    assert seen.dots() == ["m1"]


def test_a_fence_that_says_no_ends_the_stream_with_nothing_of_the_next_mail_sent() -> None:
    script = pipelining(*AHEAD, GO, Content(), *AHEAD, Say("250 queued"), GO, Hang())
    seen = sent(script, letters(4), fence=lambda name: name != "m2")
    assert seen.deliveries == [accepted("m1"), Delivery((), committed=False, fenced=True)]
    assert (seen.error, seen.usable, seen.dots()) == (None, False, ["m1"])
    assert b"m3" not in seen.received


def test_a_fence_that_raises_withholds_the_dot() -> None:
    def broken(name: str) -> bool:
        raise LookupError(name)

    seen = sent(pipelining(*AHEAD, GO, Hang()), letters(2), fence=broken)
    assert (str(seen.error), seen.usable, seen.received[-6:]) == ("m1", False, b"DATA\r\n")


def test_mails_that_cannot_be_fetched_keep_the_dot_of_the_mail_in_hand_back() -> None:
    def mails() -> Iterator[ComposedMail]:
        yield letter("m1")
        raise LookupError

    seen = sent(pipelining(*AHEAD, GO, Hang()), mails())
    assert isinstance(seen.error, LookupError)
    assert (seen.deliveries, seen.usable, seen.received[-6:]) == ([], False, b"DATA\r\n")


def test_a_mail_that_could_smuggle_commands_is_refused_at_its_turn_and_the_session_goes_on() -> None:
    script = pipelining(*AHEAD, GO, Content(), Say("250 queued"), Expect("MAIL"), Say("550 no"))
    seen = Sent()
    with scripted_server(script) as server, session(server.settings()) as opened:
        run(opened, seen, [letter("m1"), mail(mime=b"a\nb\r\n"), letter("m3")], lambda name: True, 5)
        assert seen.deliveries == [accepted("m1")]
        assert isinstance(seen.error, ValueError)
        assert seen.usable
        assert hand_over(opened, letter("m3")).receivers[0].reply.code == 550


def test_a_mail_that_the_server_cannot_take_is_refused_by_us_at_its_turn() -> None:
    script = [
        *Script.greeting("PIPELINING", "SIZE 100"), *AHEAD, GO, Content(), Say("250 queued"), *AHEAD, GO, Content(),
        Say("250 queued"),
    ]  # fmt: skip
    seen = sent(script, [letter("m1"), mail(mime=b"x" * 101), mail("jürgen@example.org"), letter("m4")])
    faults = [delivery.receivers[0].fault for delivery in seen.deliveries]
    assert faults == [Fault.REPLY, Fault.TOO_LARGE, Fault.SMTPUTF8_MISSING, Fault.REPLY]
    assert [delivery.committed for delivery in seen.deliveries] == [True, False, False, True]


def test_replies_that_come_before_they_were_asked_for_never_let_a_mail_pass() -> None:
    script = pipelining(Say(b"250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n"), Hang())
    seen = sent(script, letters(2))
    assert isinstance(seen.error, SessionError)
    assert (seen.error.fault, seen.deliveries, seen.dots()) == (Fault.PROTOCOL, [], [])


def test_one_reply_too_many_ends_the_session_before_the_next_dot() -> None:
    script = pipelining(*AHEAD, GO, Content(), *AHEAD, Say(b"250 queued\r\n250 again\r\n"), GO, Hang())
    seen = sent(script, letters(2))
    assert seen.deliveries == [accepted("m1")]
    assert isinstance(seen.error, SessionError)
    assert (seen.error.phase, seen.error.fault, seen.dots()) == (Phase.DATA, Fault.PROTOCOL, ["m1"])


def test_replies_too_many_behind_a_refused_mail_end_the_session() -> None:
    script = pipelining(*AHEAD, Say(b"550 5.1.1 no\r\n550 5.1.1 no\r\n503 what\r\n503 what\r\n"), Hang())
    seen = sent(script, letters(2))
    assert seen.deliveries == [refused("m1", Phase.MAIL, NO)]
    assert isinstance(seen.error, SessionError)
    assert (seen.error.phase, seen.error.fault, seen.usable) == (Phase.MAIL, Fault.PROTOCOL, False)


def test_a_hundred_receivers_with_long_replies_do_not_block_a_server_that_answers_one_by_one() -> None:
    many = [f"receiver{number}@example.org" for number in range(100)]
    long = b"".join(b"250-%s\r\n" % (b"x" * 500) for _ in range(40)) + b"250 ok\r\n"
    answered: list[Step] = [step for _ in many for step in (Expect("RCPT"), Say(long))]
    script = pipelining(
        Expect("MAIL"), Say("250 ok"), *answered, Expect("DATA"), Say("354 go"), Content(), Say("250 queued"),
    )  # fmt: skip
    (delivery,) = sent(script, [letter("m1", *many)], seconds=20).deliveries
    assert [one.accepted for one in delivery.receivers] == [True] * 100


class Deaf(Step):
    """Read nothing until the test is over."""

    def run(self, peer: Peer) -> None:
        peer.over.wait(20)


def sent_through_small_buffers(script: list[Step], mails: list[ComposedMail], *, seconds: float = 5.0) -> Sent:
    """Hand mails to a server with a connection that holds a few kilobytes only."""
    seen = Sent()
    with scripted_server(script) as server:
        server._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        with session(server.settings()) as opened:
            opened._dialogue.stream._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
            run(opened, seen, mails, lambda name: True, seconds)
    seen.received = bytes(server.received)
    return seen


ONE_BLOCK = mail("m1@example.org", mime=b"Subject: m1\r\n\r\n" + b"line\r\n" * 10_000 + b"end of m1\r\n")
MANY = letter("m2", *(f"receiver-with-a-long-name-{number}@example.org" for number in range(1_000)))


@pytest.mark.parametrize(("end", "fault"), [
    (Close(), Fault.DISCONNECTED), (Reset(), Fault.DISCONNECTED), (Deaf(), Fault.TIMEOUT),
    (Say("421 bye"), Fault.REPLY), (Say("250 ok"), Fault.PROTOCOL),
])  # fmt: skip
def test_a_break_amid_the_block_with_the_dot_is_certainly_not_a_delivery(end: Step, fault: Fault) -> None:
    script = pipelining(*AHEAD, GO, ReadBlock(), end, Deaf())
    seen = sent_through_small_buffers(script, [ONE_BLOCK, letter("m2")], seconds=SHORT)
    assert isinstance(seen.error, SessionError)
    assert (seen.error.phase, seen.error.fault, seen.deliveries, seen.usable) == (Phase.DATA, fault, [], False)


def test_a_refusal_amid_the_block_with_the_dot_is_a_refusal_without_a_dot() -> None:
    script = pipelining(*AHEAD, GO, ReadBlock(), Say("552 5.3.4 too big"), Deaf())
    seen = sent_through_small_buffers(script, [ONE_BLOCK, letter("m2")])
    reply = Reply(552, "5.3.4", "too big")
    assert seen.deliveries == [refused("m1", Phase.DATA, reply, final_reply=reply)]
    assert (seen.error, seen.usable, seen.dots()) == (None, False, [])


def test_a_server_that_takes_the_dot_and_not_what_is_behind_it_leaves_an_unknown_fate() -> None:
    seen = sent_through_small_buffers(pipelining(*AHEAD, GO, Content(), Deaf()), [letter("m1"), MANY], seconds=SHORT)
    assert (seen.deliveries, seen.error, seen.usable) == ([Delivery((), committed=True)], None, False)
    assert seen.dots() == ["m1"]


@pytest.mark.parametrize("end", [Deaf(), Close()])
def test_an_answer_to_the_dot_counts_even_if_what_is_behind_it_was_not_taken(end: Step) -> None:
    script = pipelining(*AHEAD, GO, Content(), Say("250 queued"), end)
    seen = sent_through_small_buffers(script, [letter("m1"), MANY, letter("m3")], seconds=SHORT)
    assert (seen.deliveries, seen.error, seen.usable) == ([accepted("m1")], None, False)
    assert seen.events[-1] == "yield"


def test_whoever_leaves_the_stream_with_a_mail_begun_leaves_the_session() -> None:
    script = pipelining(*AHEAD, GO, Content(), *AHEAD, Say("250 queued"), GO, Hang())
    with scripted_server(script) as server, session(server.settings()) as opened:
        deliveries = opened.deliver_all(letters(2), before_dot=lambda one: True, seconds_per_mail=5)
        assert next(deliveries) == accepted("m1")
        deliveries.close()  # type: ignore[attr-defined]
        assert not opened.is_usable
    assert server.received.count(b"\r\n.\r\n") == 1


def test_the_time_of_a_mail_does_not_run_while_the_caller_writes_down_the_one_before() -> None:
    script = pipelining(*AHEAD, GO, Content(), *AHEAD, Say("250 queued"), GO, Content(), Say("250 queued"))
    with scripted_server(script) as server, session(server.settings()) as opened:
        deliveries = opened.deliver_all(letters(2), before_dot=lambda one: True, seconds_per_mail=SHORT)
        assert next(deliveries) == accepted("m1")
        threading.Event().wait(SHORT * 1.2)
        assert next(deliveries) == accepted("m2")


def test_a_session_takes_several_streams_and_single_mails() -> None:
    once: list[Step] = [*AHEAD, GO, Content(), Say("250 queued")]
    alone: list[Step] = [Expect("MAIL"), Say("250 ok"), Expect("RCPT"), Say("250 ok"), Expect("DATA"), Say("354 go")]
    script = pipelining(*once, *alone, Content(), Say("250 queued"), *once)
    with scripted_server(script) as server, session(server.settings()) as opened:
        for _ in range(2):
            for delivery in opened.deliver_all(letters(1), before_dot=lambda one: True, seconds_per_mail=5):
                assert delivery == accepted("m1")
            if opened.is_usable and server.received.count(b"MAIL") == 1:
                assert hand_over(opened, letter("m2")) == accepted("m2")
        assert opened.is_usable
        assert list(opened.deliver_all([], before_dot=lambda one: True, seconds_per_mail=5)) == []
        assert opened.is_usable
