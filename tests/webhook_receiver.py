"""A real HTTP server on loopback that receives webhook calls, answers as it is told, and keeps what it got."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.services import AT_ONCE

HOST = "127.0.0.1"


class Misbehaviour(Enum):
    """What the receiver may do instead of answering."""

    HANG = "hang"
    """Say nothing until the caller leaves."""
    DRIP = "drip"
    """Send header fields without end, a byte at a time."""
    DROP = "drop"
    """Close the connection without a word."""
    GARBAGE = "garbage"
    """Answer something that is no HTTP."""


@dataclass(frozen=True)
class ReceivedCall:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def contents(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Receiver:
    """What a running receiver got, and how it answers."""

    def __init__(self) -> None:
        """Begin by answering 204."""
        self.calls: list[ReceivedCall] = []
        self.answers: list[int | Misbehaviour] = []
        """Answers of the next calls; after them, and without any, 204."""
        self.location = ""
        """Where redirects lead."""
        self.answer_body = b""
        self.port = 0
        self.scheme = "http"
        self.ended = threading.Event()
        self.changed = threading.Condition()

    @property
    def url(self) -> str:
        """Where it is called, with a token in the query."""
        return f"{self.scheme}://{HOST}:{self.port}/hooks/mailbox?key=canary-of-the-url"

    def note(self, call: ReceivedCall) -> int | Misbehaviour:
        """Keep a call; returns how to answer it."""
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()
            return self.answers.pop(0) if self.answers else 204

    def wait_for(self, count: int, timeout: float = AT_ONCE) -> list[ReceivedCall]:
        """Wait until so many calls have come in."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.calls) >= count, timeout), f"{len(self.calls)} calls"
            return list(self.calls)


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        answer = self.receiver.note(ReceivedCall(self.path, dict(self.headers.items()), body))
        if isinstance(answer, Misbehaviour):
            self._misbehave(answer)
            return
        self.send_response(answer)
        if 300 <= answer < 400:
            self.send_header("Location", self.receiver.location)
        self.send_header("Content-Length", str(len(self.receiver.answer_body)))
        self.end_headers()
        self.wfile.write(self.receiver.answer_body)

    def _misbehave(self, how: Misbehaviour) -> None:
        self.close_connection = True
        if how is Misbehaviour.HANG:
            self.receiver.ended.wait(AT_ONCE * 2)
        elif how is Misbehaviour.GARBAGE:
            self.wfile.write(b"220 mail.example.com ESMTP\r\n")
        elif how is Misbehaviour.DRIP:
            self.wfile.write(b"HTTP/1.1 ")
            while not self.receiver.ended.wait(0.05):
                self.wfile.write(b"2")

    def log_message(self, *_: Any) -> None:
        """Keep the test's output free of it."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Callers that leave in the midst of an answer are what is tested."""


@contextmanager
def webhook_receiver(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver; with TLS where a context is given."""
    receiver = Receiver()
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    with _Server((HOST, 0), handler) as server:
        receiver.port = server.server_address[1]
        if context:
            receiver.scheme = "https"
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.ended.set()
            server.shutdown()
            thread.join()
