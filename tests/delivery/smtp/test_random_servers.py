"""Servers that say anything at any time: nothing hangs, nothing else comes out, nothing is accepted by mistake."""

import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.exceptions import SessionError
from delivery.smtp.session import open_session
from delivery.values import Credentials
from tests.delivery.smtp.dialling import LOOPBACK, mail
from tests.scripted_smtpd import Close, Content, Expect, Hang, Reset, Say, Step, scripted_server
from tests.services import AT_ONCE

CANARY = "canary-password"
LIMIT = 0.25
RIGHT: list[list[Step]] = [
    [Say("220 mx")],
    [Expect(""), Say("250-mx\r\n250-SIZE 1000\r\n250 AUTH PLAIN LOGIN")],
    [Expect(""), Say("235 ok")],
    [Expect(""), Say("250 ok")],
    [Expect(""), Say("250 ok")],
    [Expect(""), Say("354 go")],
    [Content(), Say("250 queued as ABC")],
]
WORDS = st.one_of(
    st.builds(
        lambda code, text: Say(f"{code} {text}"), st.integers(150, 650), st.sampled_from(["ok", CANARY, "5.1.1 x"])
    ),
    st.sampled_from(
        [Say("250 ok"), Say("354 go"), Say("235 ok"), Say("421 bye"), Say(b"250-half"), Say(b"250 ok\r\n250 ok\r\n")]
    ),
    st.builds(Say, st.binary(max_size=40)),
    st.sampled_from([Close(), Reset(), Hang()]),
)
DIALOGUES = st.tuples(st.integers(0, len(RIGHT)), st.lists(st.one_of(WORDS, st.just(Expect(""))), max_size=6))


@given(DIALOGUES)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_random_server_leads_to_a_session_error_or_a_delivery_in_time(dialogue: tuple[int, list[Step]]) -> None:
    well, then = dialogue
    script = [step for steps in RIGHT[:well] for step in steps] + then
    told: list[object] = []
    was_asked = False

    def fence() -> bool:
        nonlocal was_asked
        was_asked = True
        return True

    with scripted_server(script) as server:
        wanted = server.settings(timeout=LIMIT, credentials=Credentials("alice", CANARY))
        begun = time.monotonic()
        try:
            opened = open_session(wanted, policy=LOOPBACK, deadline=begun + 2 * LIMIT, watcher=told.append)
            try:
                delivery = opened.deliver(mail(), before_dot=fence, deadline=time.monotonic() + LIMIT)
            finally:
                opened.close()
        except SessionError as error:
            assert b"hello\r\n.\r\n" not in server.received
            told.append((error, error.reply, error.detail))
        else:
            told.append(delivery)
            assert was_asked or not delivery.committed
            for receiver in delivery.receivers:
                assert not receiver.accepted or (
                    delivery.committed and delivery.final_reply is not None and delivery.final_reply.code == 250
                )
        assert time.monotonic() - begun < 3 * LIMIT + AT_ONCE
    assert CANARY not in repr(told)
