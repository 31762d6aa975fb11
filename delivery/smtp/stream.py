"""A socket on which nothing takes longer than its limit and the one deadline over all."""

import math
import select
import socket
import ssl
import struct
import time
from contextlib import suppress

from delivery.smtp.hub import await_ready, current_hub
from delivery.smtp.resolve import Target

READ_SIZE = 16_384
"""Bytes that are read at once, and sent at once under TLS: one record (RFC 8446 §5.1), so that none is kept back."""
BLOCK_SIZE = 65_536
MAX_ARRIVED = 1_048_576
"""Bytes that are taken in while sending; whoever says more must wait until it is read."""
PATIENCE = 1.0
"""Seconds after which a wait looks at the clock."""
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class LineTooLongError(Exception):
    """A line of the server is longer than the caller bears. Not raised for a line that is late."""


class Stream:
    """Reads lines and writes blocks, each within its limit; a peer that drips bytes gains no time by it.

    What arrived and was not read is in a buffer of our own: whether the peer spoke out of turn can be seen, and a
    peer that takes no more before it is listened to is listened to.
    """

    def __init__(self, connection: socket.socket, target: Target, deadline: float) -> None:
        """Take over a connected socket; `deadline` is of time.monotonic()."""
        connection.setblocking(True)
        self._socket = connection
        self._incoming = select.poll()
        self._incoming.register(connection, select.POLLIN)
        self._patience = 0.0
        self._dont_wait = int(socket.MSG_DONTWAIT)
        self._arrived = b""
        self._read_to = 0
        self._ended = False
        self._is_tls = False
        self.target = target
        self.deadline = deadline
        self.unsent = 0
        """Bytes at the end of what was sent last that have certainly not left."""

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The TLS side of the connection, if it is encrypted."""
        return self._socket if isinstance(self._socket, ssl.SSLSocket) else None

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._socket.fileno() < 0

    @property
    def has_unread(self) -> bool:
        """Whether the peer said something more than was read so far."""
        return self._read_to < len(self._arrived)

    @property
    def local_address(self) -> str:
        """The IP address of this end."""
        return str(self._socket.getsockname()[0])

    def end_of(self, limit: float) -> float:
        """Give the time by which something that may take `limit` seconds from now must be done."""
        return min(time.monotonic() + limit, self.deadline)

    def take_line(self, longest: int) -> bytes | None:
        """Take the next line up to and with its LF, if all of it is here; doesn't wait.

        Raises:
            LineTooLongError: It has more than `longest` bytes.
        """
        begin = self._read_to
        at = self._arrived.find(b"\n", begin, begin + longest)
        if at >= 0:
            self._read_to = at + 1
            return self._arrived[begin : at + 1]
        if len(self._arrived) - begin >= longest:
            raise LineTooLongError
        return None

    def read_line(self, end: float, longest: int) -> bytes:
        """Read up to and with the next LF.

        Args:
            end: The time by which the whole line must be here.
            longest: Bytes that the line may have.

        Raises:
            TimeoutError: It wasn't.
            EOFError: The peer ended the connection before.
            LineTooLongError: It has more.
        """
        while (line := self.take_line(longest)) is None:
            self._receive(end)
        return line

    def _receive(self, end: float) -> None:
        """Wait until the peer says something, or leaves."""
        if self._ended:
            raise EOFError
        while not self._take_in(self._wait_until(end)):
            pass

    def _wait_until(self, end: float) -> int:
        """Wait for the peer, or let the kernel do so in the next `recv`: that saves a call to it for every reply.

        Returns:
            The flags for that `recv`.
        """
        if self._is_tls or current_hub() is not None:
            await_ready(self._socket.fileno(), select.POLLIN, end)
            return self._dont_wait
        patience = min(_left(end), PATIENCE)
        if patience != self._patience:
            self._patience = patience
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(patience))
        return 0

    def _take_in(self, flags: int) -> bool:
        """Take in what comes; False: nothing, not even an end of the connection."""
        try:
            chunk = self._socket.recv(READ_SIZE, flags)
        except _WOULD_BLOCK:
            return False
        self._ended = not chunk
        self._arrived = self._arrived[self._read_to :] + chunk
        self._read_to = 0
        return True

    def send(self, content: bytes, limit: float, *, unanswered: int = 0) -> bool:
        """Send all of `content` within `limit` seconds.

        Args:
            content: What to send.
            limit: Seconds.
            unanswered: So many bytes at its beginning the peer must hear out. If it speaks or leaves before and
                this is noticed, sending ends.

        Returns:
            Whether all was sent.

        Raises:
            OSError: It could not be sent; `TimeoutError` if not in time.
        """
        end = 0.0
        sent, size = 0, len(content)
        while sent < size:
            at_once = min(size - sent, READ_SIZE) if self._is_tls else size - sent
            # When OpenSSL fails, any part of what it was given may have left.
            self.unsent = size - sent - (at_once if self._is_tls else 0)
            try:
                piece = content if at_once == size else memoryview(content)[sent : sent + at_once]
                sent += self._socket.send(piece, self._dont_wait)
            except _WOULD_BLOCK:
                end = end or self.end_of(limit)
                self._await_space(end)
                if (self.has_unread or self._ended) and self.unsent > size - unanswered:
                    return False
        self.unsent = 0
        return True

    def _await_space(self, end: float) -> None:
        """Wait until the peer takes more, or until it spoke: some take no more before they are listened to."""
        listens = len(self._arrived) < MAX_ARRIVED and not self._ended
        await_ready(self._socket.fileno(), select.POLLOUT | (select.POLLIN if listens else 0), end)
        if listens:
            self._take_in(self._dont_wait)

    def has_arrived(self) -> bool:
        """Tell whether the peer said something that was not read, or ended the connection; doesn't wait."""
        if self.has_unread or self._ended:
            return True
        if not self._incoming.poll(0):  # cheaper than the exception of a `recv` in vain
            return False
        try:
            return self._take_in(self._dont_wait)
        except OSError:
            self._ended = True
            return True

    def start_tls(self, context: ssl.SSLContext, server_hostname: str, limit: float) -> ssl.SSLSocket:
        """Make the connection a TLS one; the caller has seen to it that nothing unread is left.

        Raises:
            OSError: The handshake failed or took longer than `limit` seconds.
        """
        wrapped = context.wrap_socket(self._socket, server_hostname=server_hostname, do_handshake_on_connect=False)
        self._socket, self._is_tls, self._dont_wait = wrapped, True, 0
        wrapped.settimeout(_left(self.end_of(limit)))
        wrapped.do_handshake()
        wrapped.setblocking(False)
        return wrapped

    def close(self) -> None:
        """End the connection; what is on its way to the peer may be lost."""
        self._ended = True
        with suppress(OSError):
            self._socket.close()


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _timeval(seconds: float) -> bytes:
    """Pack a C `struct timeval`; not zero, which means to wait for ever."""
    return struct.pack("ll", *divmod(math.ceil(seconds * 1_000_000), 1_000_000))
