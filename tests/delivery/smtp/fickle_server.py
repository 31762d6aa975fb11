"""A server whose every answer is drawn: right or wrong, in any pieces, too early, too often or not at all.

It takes one connection, and keeps all that arrived. What it does with each command or content is the next of its
`Turn`s; when they are used up, it answers as it should.
"""

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from itertools import cycle
from typing import Self

from delivery.values import ServerSettings
from senders.enums import Encryption
from tests.smtpd import HOST


class Whim(Enum):
    """What a server does beside answering."""

    NONE = "none"
    SILENCE = "silence"
    """Leave the answer out."""
    TWICE = "twice"
    """Give the answer two times."""
    CLOSE = "close"
    """End the connection instead of answering."""
    CLOSE_AFTER = "close after"
    """End the connection behind the answer."""
    GARBAGE = "garbage"
    """Say something that is no reply."""
    AHEAD = "ahead"
    """Answer the command that has not come yet, too, with 250."""


@dataclass(frozen=True)
class Turn:
    """One answer; code 0: as it should be."""

    code: int = 0
    whim: Whim = Whim.NONE
    lines: int = 1


@dataclass
class Seen:
    """What the server knows in the end."""

    received: bytearray = field(default_factory=bytearray)
    answers: dict[tuple[str, str], int] = field(default_factory=dict)
    """The code it answered with, by verb (`DOT` included) and what that was about: a receiver, else the sender."""


class FickleServer:
    """Runs until its connection ends; as a context manager."""

    def __init__(self, turns: Sequence[Turn], pieces: Sequence[int], *, pipelining: bool) -> None:
        self.seen = Seen()
        self._turns = iter(turns)
        self._pieces = cycle(pieces or [1_000])
        self._pipelining = pipelining
        self._listening = socket.create_server((HOST, 0))
        self._thread = threading.Thread(target=self._serve, name="fickle server")
        self._connection: socket.socket | None = None
        self._unread = b""
        self._said = b""
        self._accepted = 0
        self._sender = ""
        self._leaves = False

    def settings(self, timeout: float) -> ServerSettings:
        port = self._listening.getsockname()[1]
        return ServerSettings(HOST, port, Encryption.NONE, ehlo_name="client.test", timeout=timeout)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        with suppress(OSError):
            self._connection, _ = self._listening.accept()
            with self._connection:
                self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with suppress(EOFError):
                    self._converse()

    def _converse(self) -> None:
        extension = b"250-PIPELINING\r\n" if self._pipelining else b""
        self._said += b"220 mx\r\n"
        self._line()
        self._said += b"250-mx\r\n" + extension + b"250 HELP\r\n"
        while True:
            line = self._line().decode()
            verb, path = line[:4], line.partition("<")[2].partition(">")[0]
            turn = next(self._turns, Turn())
            code = self._answer(turn, turn.code or self._right(verb))
            self._note(verb, path, code)
            if (verb, code) == ("DATA", 354):
                self._take_content()

    def _right(self, verb: str) -> int:
        """Choose the right answer to a command."""
        match verb:
            case "MAIL" | "RSET":
                return 250
            case "RCPT":
                return 250 if self._sender else 503
            case "DATA":
                return 354 if self._accepted else 554
        return 500

    def _note(self, verb: str, path: str, code: int) -> None:
        """Remember what was answered, and what that began or ended."""
        if verb == "MAIL":
            self.seen.answers[verb, path] = code
            self._sender, self._accepted = path if code == 250 else "", 0
        elif verb == "RCPT":
            self.seen.answers[verb, path] = code
            self._accepted += code in (250, 251)
        elif verb == "DATA":
            self.seen.answers[verb, self._sender] = code
        elif verb == "RSET":
            self._sender, self._accepted = "", 0

    def _take_content(self) -> None:
        while self._line() != b".\r\n":
            pass
        turn = next(self._turns, Turn())
        self.seen.answers["DOT", self._sender] = self._answer(turn, turn.code or 250)
        self._sender, self._accepted = "", 0

    def _answer(self, turn: Turn, code: int) -> int:
        """Say it; returns the code if it was said, else 0."""
        if turn.whim is Whim.CLOSE:
            raise EOFError
        reply = b"%d-more\r\n" % code * (turn.lines - 1) + b"%d 2.0.0 said\r\n" % code
        self._said += {
            Whim.SILENCE: b"", Whim.TWICE: reply * 2, Whim.GARBAGE: b"what?\r\n", Whim.AHEAD: reply + b"250 ok\r\n",
        }.get(turn.whim, reply)  # fmt: skip
        self._leaves = turn.whim is Whim.CLOSE_AFTER
        return 0 if turn.whim in (Whim.SILENCE, Whim.GARBAGE) else code

    def _line(self) -> bytes:
        """Read a line; what was said goes out before there is nothing left to read."""
        if self._leaves:
            self._flush()
            raise EOFError
        while b"\n" not in self._unread:
            self._flush()
            assert self._connection is not None
            chunk = self._connection.recv(65_536)
            if not chunk:
                raise EOFError
            self.seen.received += chunk
            self._unread += chunk
        line, end, self._unread = self._unread.partition(b"\n")
        return line + end

    def _flush(self) -> None:
        assert self._connection is not None
        while self._said:
            size = next(self._pieces)
            self._connection.sendall(self._said[:size])
            self._said = self._said[size:]
