"""A socket on which nothing takes longer than its limit and the one deadline over all."""

import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress

from delivery.smtp.resolve import Target

READ_SIZE = 16_384
BLOCK_SIZE = 65_536


class LineTooLongError(Exception):
    """A line of the server is longer than the caller bears. Not raised for a line that is late."""


class Stream:
    """Reads lines and writes blocks, each within its limit; a peer that drips bytes gains no time by it.

    What arrived and was not read is in a buffer of our own: whether the peer spoke out of turn can be seen.
    """

    def __init__(self, connection: socket.socket, target: Target, deadline: float) -> None:
        """Take over a connected socket; `deadline` is of time.monotonic()."""
        self._socket = connection
        self._arrived = bytearray()
        self._ended = False
        self.target = target
        self.deadline = deadline

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
        return bool(self._arrived)

    @property
    def local_address(self) -> str:
        """The IP address of this end."""
        return str(self._socket.getsockname()[0])

    def end_of(self, limit: float) -> float:
        """Give the time by which something that may take `limit` seconds from now must be done."""
        return min(time.monotonic() + limit, self.deadline)

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
        while (at := self._arrived.find(b"\n", 0, longest)) < 0:
            if len(self._arrived) >= longest:
                raise LineTooLongError
            self._receive(end)
        line = bytes(self._arrived[: at + 1])
        del self._arrived[: at + 1]
        return line

    def _receive(self, end: float) -> None:
        if self._ended:
            raise EOFError
        self._allow_until(end)
        chunk = self._socket.recv(READ_SIZE)
        self._ended = not chunk
        self._arrived += chunk

    def send(self, content: bytes, limit: float) -> None:
        """Send all of `content` within `limit` seconds.

        Raises:
            OSError: It could not be sent; `TimeoutError` if not in time.
        """
        end = self.end_of(limit)
        rest = memoryview(content)
        while rest:
            self._allow_until(end)
            rest = rest[self._socket.send(rest) :]

    def has_arrived(self) -> bool:
        """Tell whether the peer said something that was not read, or ended the connection; doesn't wait."""
        if not self._arrived and not self._ended:
            self._socket.settimeout(0)
            try:
                chunk = self._socket.recv(READ_SIZE)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            except OSError:
                chunk = b""
            self._ended = not chunk
            self._arrived += chunk
        return True

    def start_tls(self, context: ssl.SSLContext, server_hostname: str, limit: float) -> ssl.SSLSocket:
        """Make the connection a TLS one; the caller has seen to it that nothing unread is left.

        Raises:
            OSError: The handshake failed or took longer than `limit` seconds.
        """
        wrapped = context.wrap_socket(self._socket, server_hostname=server_hostname, do_handshake_on_connect=False)
        self._socket = wrapped
        self._allow_until(self.end_of(limit))
        wrapped.do_handshake()
        return wrapped

    def close(self) -> None:
        """End the connection; what is on its way to the peer may be lost."""
        self._ended = True
        with suppress(OSError):
            self._socket.close()

    def _allow_until(self, end: float) -> None:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)


def dial(targets: Sequence[Target], *, limit: float, deadline: float) -> Stream:
    """Connect to the first of `targets` that answers, all within `limit` seconds and the deadline.

    Each gets its fair share of the time that is left, so that one that is silent leaves time for the next.

    Raises:
        OSError: None answered; the error that says most: refused, then silent, then unreachable.
    """
    end = min(time.monotonic() + limit, deadline)
    failures: list[OSError] = []
    for number, target in enumerate(targets):
        share = (end - time.monotonic()) / (len(targets) - number)
        try:
            return Stream(_connect(target, share), target, deadline)
        except OSError as error:
            failures.append(error)
    raise min(failures, key=_says_least)


def _connect(target: Target, limit: float) -> socket.socket:
    if limit <= 0:
        raise TimeoutError
    family = socket.AF_INET6 if target.address.version == 6 else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(limit)
        connection.connect((str(target.address), target.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def _says_least(error: OSError) -> int:
    if isinstance(error, ConnectionRefusedError):
        return 0
    return 1 if isinstance(error, TimeoutError) else 2
