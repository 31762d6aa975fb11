"""One HTTP request to the webhook, over in ten seconds whatever the other side does.

The standard library's client, and not a larger one: what those add (pools, redirects, cookies, retries) is what must
not be used here, their time limits are per read, and the address that was checked must be the one that is dialled.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Self

from delivery.alarms.webhook.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from delivery.alarms.webhook.target import Target
from delivery.exceptions import SessionError
from delivery.smtp.resolve import resolve
from records.alarms.enums import CallFault
from records.enums import Fault

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0


_FAULTS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], CallFault], ...] = (
    ((SessionError, socket.gaierror), CallFault.NAME_NOT_FOUND),
    (ssl.SSLCertVerificationError, CallFault.CERTIFICATE),
    (ssl.SSLError, CallFault.TLS),
    (TimeoutError, CallFault.TIMEOUT),
    (ConnectionRefusedError, CallFault.CONNECTION_REFUSED),
    (OSError, CallFault.DISCONNECTED),
)
"""What an error means: the first that fits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request; nothing of what the receiver wrote, which may be anything."""

    status: int | None = None
    """What the receiver answered; None: nothing."""
    fault: CallFault | None = None
    """Why it failed; None: it was delivered."""

    @property
    def is_delivered(self) -> bool:
        """Tell whether the receiver took it."""
        return self.fault is None


def post(target: Target, body: bytes) -> Answer:
    """Send the body once, and tell what came of it. Never raises for what the network or the receiver does."""
    try:
        with _Deadline(TOTAL_SECONDS) as deadline:
            return _judge(_exchange(target, body, deadline))
    except (SessionError, OSError, http.client.HTTPException, ValueError) as error:
        return Answer(fault=_name(error))


def _judge(status: int) -> Answer:
    if 200 <= status < 300:
        return Answer(status)
    return Answer(status, CallFault.REDIRECT if 300 <= status < 400 else CallFault.STATUS)


def _name(error: Exception) -> CallFault:
    if isinstance(error, SessionError) and error.fault is Fault.ADDRESS_FORBIDDEN:
        return CallFault.ADDRESS_FORBIDDEN
    found = (fault for kinds, fault in _FAULTS if isinstance(error, kinds))
    return next(found, CallFault.NOT_HTTP)


class _Deadline:
    """Breaks the connection off when the time is over: a receiver that drips bytes gains nothing by it."""

    def __init__(self, seconds: float) -> None:
        """Take the time that there is in all."""
        self._end = time.monotonic() + seconds
        self._connection: socket.socket | None = None
        self._is_over = False
        self._timer = threading.Timer(seconds, self._break_off)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Let the time run."""
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the clock; an error that it brought about is a matter of time, whatever it looks like."""
        self._timer.cancel()
        if self._is_over:
            raise TimeoutError

    def left(self) -> float:
        """Tell how many seconds are left.

        Raises:
            TimeoutError: None.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def watch(self, connection: socket.socket) -> None:
        """Break this connection off when the time is over."""
        self._connection = connection
        connection.settimeout(self.left())

    def _break_off(self) -> None:
        self._is_over = True
        if self._connection is not None:
            with suppress(OSError):
                # Not the method of SSLSocket, which takes TLS away under whoever is reading.
                socket.socket.shutdown(self._connection, socket.SHUT_RDWR)


def _exchange(target: Target, body: bytes, deadline: _Deadline) -> int:
    """Send the request and read the status; the rest of the answer is not read."""
    with _connect(target, deadline) as connection:
        deadline.watch(connection)
        with closing(http.client.HTTPConnection(target.host, target.port)) as client:
            client.sock = connection
            client.request("POST", target.path, body, _headers(target, body))
            with client.getresponse() as response:
                return response.status


def _headers(target: Target, body: bytes) -> dict[str, str]:
    timestamp = int(time.time())
    return {
        "Host": target.authority,
        "Content-Type": "application/json",
        "User-Agent": "Mailbox",
        "Connection": "close",
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: sign(target.secret, timestamp, body),
    }


@contextmanager
def _connect(target: Target, deadline: _Deadline) -> Iterator[socket.socket]:
    """Connect to an address that was checked, and secure the connection where the URL says https."""
    plain = _dial(target, deadline)
    try:
        if target.scheme == "http":
            yield plain
            return
        context = ssl.create_default_context()
        with context.wrap_socket(plain, server_hostname=target.host, do_handshake_on_connect=False) as secure:
            deadline.watch(secure)
            secure.do_handshake()
            yield secure
    finally:
        plain.close()


def _dial(target: Target, deadline: _Deadline) -> socket.socket:
    end = time.monotonic() + min(CONNECT_SECONDS, deadline.left())
    failure: OSError = TimeoutError()
    for found in resolve(target.host, target.port, target.policy, limit=end - time.monotonic()):
        left = end - time.monotonic()
        if left <= 0:
            break
        try:
            return socket.create_connection((str(found.address), found.port), timeout=left)
        except OSError as error:
            failure = error
    raise failure
