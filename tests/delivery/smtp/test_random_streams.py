"""Many mails to servers that answer anything: no mail passes by mistake, none is sent unasked, nothing hangs."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.exceptions import SessionError
from delivery.smtp.session import open_session
from delivery.values import ComposedMail, Delivery
from records.enums import Phase
from tests.delivery.smtp.dialling import LOOPBACK, mail
from tests.delivery.smtp.fickle_server import FickleServer, Turn, Whim
from tests.services import AT_ONCE

LIMIT = 0.3
MAILS = 4
CODES = [250, 251, 354, 421, 450, 452, 454, 503, 530, 535, 538, 550, 552, 554]
pieces = st.lists(st.integers(1, 60), max_size=5)
turns = st.lists(
    st.builds(
        Turn,
        st.one_of(st.just(0), st.sampled_from(CODES)),
        st.one_of(st.just(Whim.NONE), st.sampled_from(Whim)),
        st.integers(1, 3),
    ),
    max_size=16,
)
honest_turns = st.lists(
    st.builds(
        Turn,
        st.one_of(st.just(0), st.sampled_from([0, 421, 450, 451, 454, 550, 552, 554])),
        st.sampled_from([*[Whim.NONE] * 9, Whim.CLOSE, Whim.CLOSE_AFTER]),
        st.integers(1, 3),
    ),
    max_size=20,
)
fast = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass
class Run:
    """What a client did and heard."""

    taken: int = 0
    asked: list[int] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)


def content_of(number: int) -> bytes:
    return f"Subject: {number}\r\n\r\nend of {number}\r\n".encode()


def hand_over_all(server: FickleServer, receivers: int, forbidden: int, limit: float) -> Run:
    """Hand over `MAILS` mails, of which the fence forbids one; each reply to them has so many seconds."""
    run = Run()

    def mails() -> Iterator[ComposedMail]:
        for number in range(MAILS):
            run.taken = number + 1
            paths = (f"r{index}@m{number}.example" for index in range(receivers))
            yield mail(*paths, sender=f"s@m{number}.example", mime=content_of(number))

    def fence(one: ComposedMail) -> bool:
        run.asked.append(int(one.mime.split()[1]))
        return run.asked[-1] != forbidden

    opened = open_session(server.settings(AT_ONCE), policy=LOOPBACK, deadline=time.monotonic() + AT_ONCE)
    opened._dialogue.limit = limit
    try:
        run.deliveries.extend(opened.deliver_all(mails(), before_dot=fence, seconds_per_mail=limit))
    except SessionError:
        assert not opened.is_usable
    else:
        all_went = len(run.deliveries) == MAILS and not ended_the_session(run.deliveries[-1])
        assert all_went or not opened.is_usable
    finally:
        opened.close()
    return run


def ended_the_session(delivery: Delivery) -> bool:
    reply = delivery.final_reply
    return delivery.fenced or (delivery.committed and reply is None) or (reply is not None and reply.code == 421)


def check_promises(run: Run, received: bytes, forbidden: int) -> None:
    """Check what holds whatever a server does."""
    assert len(run.deliveries) <= run.taken <= len(run.deliveries) + 2
    for number in range(MAILS):
        delivery = run.deliveries[number] if number < len(run.deliveries) else Delivery((), committed=False)
        if b"end of %d\r\n.\r\n" % number in received:
            assert delivery.committed
        if delivery.committed:
            assert number in run.asked
            assert number != forbidden
        for receiver in delivery.receivers:
            final = delivery.final_reply
            assert not receiver.accepted or (delivery.committed and final is not None and final.code == 250)
    assert sorted(set(run.asked)) == run.asked
    assert not any(map(ended_the_session, run.deliveries[:-1]))


@given(turns, pieces, st.booleans(), st.integers(1, 3), st.integers(0, 2 * MAILS))
@fast
def test_promises_hold_whatever_a_server_answers(
    answers: list[Turn], cuts: list[int], pipelining: bool, receivers: int, forbidden: int
) -> None:
    begun = time.monotonic()
    with FickleServer(answers, cuts, pipelining=pipelining) as server:
        run = hand_over_all(server, receivers, forbidden, LIMIT)
    check_promises(run, bytes(server.seen.received), forbidden)
    assert time.monotonic() - begun < (MAILS + 1) * LIMIT + AT_ONCE


@given(honest_turns, pieces, st.booleans(), st.integers(1, 3))
@fast
def test_every_reply_of_an_honest_server_is_told_of_the_mail_that_it_was_for(
    answers: list[Turn], cuts: list[int], pipelining: bool, receivers: int
) -> None:
    with FickleServer(answers, cuts, pipelining=pipelining) as server:
        run = hand_over_all(server, receivers, forbidden=-1, limit=AT_ONCE)
    check_promises(run, bytes(server.seen.received), -1)
    for number, delivery in enumerate(run.deliveries):
        for receiver in delivery.receivers:
            verb = "DOT" if delivery.committed and receiver.phase is Phase.DATA else receiver.phase.value.upper()
            about = receiver.forward_path if verb == "RCPT" else f"s@m{number}.example"
            said = server.seen.answers[verb, about]
            assert receiver.reply.code == (452 if (verb, said) == ("RCPT", 552) else said)
