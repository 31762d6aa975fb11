"""Mail servers that misbehave as told: a script of steps, run byte for byte on each connection.

    from tests.scripted_smtpd import Close, Expect, Say, Script, scripted_server

    script = Script.greeting("250-mx", "250 SIZE 100") + [Expect("MAIL"), Say("250 ok"), Close()]
    with scripted_server(script) as server:
        settings = server.settings()            # host, port, no encryption
        ...
    assert server.received == b"..."            # all that clients sent, every connection

A step that sees something else than it expects fails the test at the end of the block. Several scripts are for the
first, second … connection; the last is for all later ones.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from delivery.values import ServerSettings
from senders.enums import Encryption
from tests.smtpd import HOST, authority_pem, server_context


class Step(Protocol):
    """One thing that the server does."""

    def run(self, peer: "Peer") -> None:
        """Do it."""


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket, over: threading.Event, received: bytearray) -> None:
        self.connection = connection
        self.over = over
        self.received = received
        self.unread = b""

    def read_until(self, end: bytes) -> bytes:
        while end not in self.unread:
            chunk = self.connection.recv(65_536)
            if not chunk:
                raise EOFError
            self.received += chunk
            self.unread += chunk
        taken, _, self.unread = self.unread.partition(end)
        return taken + end


@dataclass(frozen=True)
class Say:
    """Send lines, or bytes as they are."""

    text: str | bytes

    def run(self, peer: Peer) -> None:
        peer.connection.sendall(self.text if isinstance(self.text, bytes) else self.text.encode() + b"\r\n")


@dataclass(frozen=True)
class Drip:
    """Send one byte at a time, `pause` seconds apart."""

    text: bytes
    pause: float

    def run(self, peer: Peer) -> None:
        for byte in self.text:
            peer.connection.sendall(bytes([byte]))
            if peer.over.wait(self.pause):
                return


@dataclass(frozen=True)
class Endless:
    """Send the same bytes until the client leaves."""

    text: bytes

    def run(self, peer: Peer) -> None:
        while not peer.over.is_set():
            peer.connection.sendall(self.text * 100)


@dataclass(frozen=True)
class Expect:
    """Read a line, which must begin with `command`."""

    command: str

    def run(self, peer: Peer) -> None:
        line = peer.read_until(b"\r\n")
        assert line.upper().startswith(self.command.upper().encode()), f"expected {self.command}, got {line!r}"


@dataclass(frozen=True)
class Content:
    """Read up to the final dot."""

    def run(self, peer: Peer) -> None:
        if not peer.unread.startswith(b".\r\n"):
            peer.read_until(b"\r\n.\r\n")


@dataclass(frozen=True)
class ReadBlock:
    """Read whatever comes first."""

    def run(self, peer: Peer) -> None:
        peer.received += peer.connection.recv(65_536)


@dataclass(frozen=True)
class StartTls:
    """Go on under TLS."""

    context: ssl.SSLContext | None = None

    def run(self, peer: Peer) -> None:
        peer.connection = (self.context or server_context()).wrap_socket(peer.connection, server_side=True)
        peer.unread = b""


@dataclass(frozen=True)
class Hang:
    """Say nothing until the client leaves or the test is over."""

    def run(self, peer: Peer) -> None:
        with suppress(EOFError):
            peer.read_until(b"\0never\0")


@dataclass(frozen=True)
class Close:
    """End the connection."""

    def run(self, peer: Peer) -> None:
        raise EOFError


@dataclass(frozen=True)
class Reset:
    """End the connection with a TCP reset."""

    def run(self, peer: Peer) -> None:
        peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise EOFError


class Script:
    """Beginnings that many scripts have."""

    @staticmethod
    def greeting(*extensions: str) -> list[Step]:
        """Greet, and answer EHLO with these extensions."""
        lines = ["mx.test", *extensions]
        ehlo = [f"250{' ' if number == len(lines) else '-'}{line}" for number, line in enumerate(lines, start=1)]
        return [Say("220 mx.test ESMTP"), Expect("EHLO"), Say("\r\n".join(ehlo))]

    @staticmethod
    def until_data(*extensions: str) -> list[Step]:
        """Greet, and take one sender and one receiver; DATA was said and not answered."""
        steps: list[Step] = [Expect("MAIL"), Say("250 ok"), Expect("RCPT"), Say("250 ok"), Expect("DATA")]
        return Script.greeting(*extensions) + steps

    @staticmethod
    def until_dot(*extensions: str) -> list[Step]:
        """As above, and the content and the final dot were received."""
        return [*Script.until_data(*extensions), Say("354 go on"), Content()]


class ScriptedServer:
    """What a test sees of the running server."""

    def __init__(self, listening: socket.socket, scripts: Sequence[Sequence[Step]], encryption: Encryption) -> None:
        self.host = HOST
        self.port: int = listening.getsockname()[1]
        self.encryption = encryption
        self.received = bytearray()
        self.connections = 0
        self.errors: list[Exception] = []
        self._listening = listening
        self._scripts = scripts
        self._over = threading.Event()
        self._peer: Peer | None = None
        self._thread = threading.Thread(target=self._serve, name="scripted server")

    def settings(self, **changes: Any) -> ServerSettings:
        """Give the settings that reach it, with `changes`."""
        right: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "encryption": self.encryption,
            "trusted_certificates": "" if self.encryption is Encryption.NONE else authority_pem(),
            "ehlo_name": "client.test",
            "timeout": 5.0,
        }
        return ServerSettings(**(right | changes))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        if self._peer:
            with suppress(OSError):
                self._peer.connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            peer = self._peer = Peer(connection, self._over, self.received)
            try:
                self._follow(script, peer)
            except AssertionError as error:
                self.errors.append(error)
            finally:
                with suppress(OSError):
                    peer.connection.close()
                connection.close()

    def _follow(self, script: Sequence[Step], peer: Peer) -> None:
        """Run the steps; the client may leave at any time, and what it sent last is kept."""
        with suppress(OSError, EOFError):
            for step in script:
                step.run(peer)
            Hang().run(peer)


@contextmanager
def scripted_server(*scripts: Sequence[Step], encryption: Encryption = Encryption.NONE) -> Iterator[ScriptedServer]:
    """Run a server that follows the scripts, until the block ends."""
    with socket.create_server((HOST, 0)) as listening:
        server = ScriptedServer(listening, scripts, encryption)
        server.start()
        try:
            yield server
        finally:
            server.stop()
        for error in server.errors:
            raise error
