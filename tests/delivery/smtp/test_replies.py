"""Reading replies: whatever arrives, in whatever pieces, it is one clean reply or a refusal to read it."""

import socket
import threading
import time
from ipaddress import ip_address
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.smtp.replies import (
    MAX_LINES,
    MAX_TEXT,
    NotAReplyError,
    RawReply,
    clean,
    find_queue_id,
    read_reply,
    reply_of,
)
from delivery.smtp.resolve import Target
from delivery.smtp.scrub import Scrubber
from delivery.smtp.stream import Stream
from delivery.values import Reply


def read(wire: bytes, *, cuts: tuple[int, ...] = ()) -> RawReply:
    """Read one reply from `wire`, sent in pieces, after which the server leaves."""
    ours, theirs = socket.socketpair()
    edges = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})

    def send() -> None:
        with theirs:
            for begin, end in pairwise(edges):
                theirs.sendall(wire[begin:end])

    thread = threading.Thread(target=send)
    thread.start()
    stream = Stream(ours, Target(ip_address("127.0.0.1"), 25), time.monotonic() + 5)
    try:
        return read_reply(stream, time.monotonic() + 5)
    finally:
        thread.join()
        stream.close()


def kept(raw: RawReply) -> Reply:
    return reply_of(raw, Scrubber())


@settings(deadline=None)
@given(st.binary(max_size=3_000), st.lists(st.integers(0, 3_000), max_size=5))
def test_any_bytes_are_a_reply_or_refused(wire: bytes, cuts: list[int]) -> None:
    try:
        reply = kept(read(wire, cuts=tuple(cuts)))
    except (NotAReplyError, EOFError):
        return
    assert 200 <= reply.code < 600
    assert len(reply.text) <= MAX_TEXT
    assert reply.text.isprintable()


LINES = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=60),
    min_size=1,
    max_size=MAX_LINES,
)


@settings(deadline=None)
@given(st.integers(200, 599), LINES, st.lists(st.integers(0, 5_000), max_size=5))
def test_every_reply_is_read_whole_however_it_is_cut(code: int, lines: list[str], cuts: list[int]) -> None:
    wire = b"".join(
        f"{code}{' ' if number == len(lines) else '-'}{line}\r\n".encode() for number, line in enumerate(lines, start=1)
    )
    raw = read(wire, cuts=tuple(cuts))
    assert (raw.code, len(raw.lines)) == (code, len(lines))
    assert [one.strip() for one in raw.lines] == [line.encode().strip() for line in lines]


@pytest.mark.parametrize(("wire", "reply"), [
    (b"250\r\n", Reply(250)),
    (b"250 \r\n", Reply(250)),
    (b"250-\r\n250\r\n", Reply(250)),
    (b"250 ok\n", Reply(250, "", "ok")),
    (b"550 5.1.1 <bob>: unknown\r\n", Reply(550, "5.1.1", "<bob>: unknown")),
    (b"550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 user\r\n", Reply(550, "5.1.1", "no such user")),
    (b"550 4.1.1 mixed up\r\n", Reply(550, "", "4.1.1 mixed up")),
    (b"250 2.0.0\r\n", Reply(250, "2.0.0")),
    (b"550 5.1.1234 long\r\n", Reply(550, "", "5.1.1234 long")),
    (b"571 odd second digit\r\n", Reply(571, "", "odd second digit")),
    (b"550 a\x00b\x1b[31mc\xe2\x80\xaed\xff\r\n", Reply(550, "", "a b [31mc d\N{REPLACEMENT CHARACTER}")),
    ("550 5.7.1 发件人被拒绝\r\n".encode(), Reply(550, "5.7.1", "发件人被拒绝")),
])  # fmt: skip
def test_replies_are_read_as_meant(wire: bytes, reply: Reply) -> None:
    assert kept(read(wire)) == reply


@pytest.mark.parametrize("wire", [
    b"25 ok\r\n", b"2500 ok\r\n", b"250ok\r\n", b"650 ok\r\n", b"150 ok\r\n", b" 250 ok\r\n", b"\r\n", b"250_ok\r\n",
    b"250-a\r\n251 b\r\n", b"250-a\r\n\r\n", b"250-" + b"x" * 3_000 + b"\r\n", b"250-x\r\n" * (MAX_LINES + 1),
])  # fmt: skip
def test_what_is_no_reply_is_refused(wire: bytes) -> None:
    with pytest.raises(NotAReplyError):
        read(wire)


@pytest.mark.parametrize("wire", [b"", b"250", b"250-a\r\n", b"250-a\r\n250"])
def test_an_unfinished_reply_is_an_early_end(wire: bytes) -> None:
    with pytest.raises(EOFError):
        read(wire)


@settings(deadline=None)
@given(st.text())
def test_cleaned_text_is_one_printable_line(text: str) -> None:
    assert clean(text).isprintable()


@pytest.mark.parametrize(("text", "queue_id"), [
    ("Ok: queued as 4F1B32C0A1", "4F1B32C0A1"),
    ("OK id=1rABCD-0001Zz-2X", "1rABCD-0001Zz-2X"),
    ("<1@x> [InternalId=1234567890, Hostname=a.test] 8 bytes in 0.1, Queued mail for delivery", "1234567890"),
    ("OK: queued as.", ""),
    ("Mail OK queued as zwqz-smtp-mta-g2-1,_____wDnXx2", "zwqz-smtp-mta-g2-1"),
    ("OK 1700000000 a1-20020a05600c.5 - gsmtp", "a1-20020a05600c.5"),
    ("41KAbcde012345 Message accepted for delivery", "41KAbcde012345"),
    ("Ok 0100018c1234abcd-12345678-1234-000000", "0100018c1234abcd-12345678-1234-000000"),
    ("Ok", ""), ("", ""),
])  # fmt: skip
def test_the_servers_name_for_the_mail_is_found_in_usual_replies(text: str, queue_id: str) -> None:
    assert find_queue_id(text) == queue_id
