"""Sending to a peer that does not read: it is listened to, and the time holds."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address

import pytest

from delivery.smtp.resolve import Target
from delivery.smtp.stream import MAX_ARRIVED, Stream

MUCH = b"x" * 3_000_000
"""More than the buffers of a socket take."""


@contextmanager
def stream_to(peer: Callable[[socket.socket], None], *, seconds: float = 10.0) -> Iterator[Stream]:
    """Give a stream whose other end `peer` holds, in a thread."""
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=peer, args=(theirs,))
    stream = Stream(ours, Target(ip_address("127.0.0.1"), 25), time.monotonic() + seconds)
    thread.start()
    try:
        yield stream
    finally:
        stream.close()
        thread.join(10)
        theirs.close()
        assert not thread.is_alive()


def read_all(connection: socket.socket) -> None:
    with suppress(ConnectionResetError):  # what is unread when the stream closes
        while connection.recv(1_000_000):
            pass


def test_a_peer_that_reads_only_when_it_was_listened_to_does_not_stop_both() -> None:
    def talkative(connection: socket.socket) -> None:
        connection.sendall(b"250 a long reply\r\n" * 50_000)
        read_all(connection)

    with stream_to(talkative) as stream:
        assert stream.send(MUCH, 10)
        assert stream.read_line(time.monotonic() + 10, 100) == b"250 a long reply\r\n"


def test_a_peer_that_never_stops_talking_fills_no_memory_and_runs_into_the_limit() -> None:
    def endless(connection: socket.socket) -> None:
        with pytest.raises(OSError):
            while True:
                connection.sendall(b"250 a long reply\r\n" * 10_000)

    with stream_to(endless) as stream:
        with pytest.raises(TimeoutError):
            stream.send(MUCH, 0.5)
        assert len(stream._arrived) <= MAX_ARRIVED + 100_000


def test_a_peer_that_speaks_before_it_heard_all_ends_the_sending() -> None:
    def impatient(connection: socket.socket) -> None:
        connection.sendall(b"552 too much\r\n")
        connection.recv(1)
        stopped.wait(10)

    stopped = threading.Event()
    with stream_to(impatient) as stream:
        assert not stream.send(MUCH, 10, unanswered=len(MUCH))
        assert stream.unsent > 0
        assert stream.read_line(time.monotonic() + 10, 100) == b"552 too much\r\n"
        stopped.set()


def test_a_peer_that_leaves_before_it_heard_all_ends_the_sending() -> None:
    def leaving(connection: socket.socket) -> None:
        connection.recv(1)
        connection.shutdown(socket.SHUT_WR)
        stopped.wait(10)

    stopped = threading.Event()
    with stream_to(leaving) as stream:
        assert not stream.send(MUCH, 10, unanswered=len(MUCH))
        assert stream.has_arrived()
        stopped.set()


def test_what_was_not_sent_is_known() -> None:
    def deaf(connection: socket.socket) -> None:
        stopped.wait(10)

    stopped = threading.Event()
    with stream_to(deaf) as stream:
        with pytest.raises(TimeoutError):
            stream.send(MUCH, 0.2)
        assert 0 < stream.unsent < len(MUCH)
        stopped.set()


def test_the_deadline_over_all_is_earlier_than_any_limit() -> None:
    def silent(connection: socket.socket) -> None:
        stopped.wait(10)

    stopped = threading.Event()
    with stream_to(silent, seconds=0.2) as stream:
        with pytest.raises(TimeoutError):
            stream.read_line(stream.end_of(60), 100)
        stopped.set()
