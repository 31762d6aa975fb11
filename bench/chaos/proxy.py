"""The way to the mail server, on which things go wrong as ordered: silence, resets, drips, 421, no goodbye."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from enum import Enum

from tests import services


class Weather(Enum):
    """What happens to sessions."""

    FAIR = "fair"
    SILENT_AFTER_DOT = "silent after the dot"
    """Now and then the server takes a mail, and its reply never comes."""
    RESETTING = "resetting"
    """Now and then the connection breaks, just before or just after the dot."""
    DRIPPING = "dripping"
    """Every reply comes a byte at a time."""
    SHUTTING_DOWN = "421"
    """421 to whatever the client says."""
    MUTE = "mute"
    """Connections are taken, and nothing is ever said."""
    CLOSED = "closed"
    """Connections are ended at once."""
    NO_GOODBYE = "no goodbye"
    """QUIT is answered by a reset."""


class Proxy:
    """Stands before the mail server; a thread of its own."""

    def __init__(self, target: int, chance: random.Random, *, share: float = 0.05) -> None:
        self.port = services.free_port()
        self.weather = Weather.FAIR
        self.share = share
        """How often "now and then" is, of all mails."""
        self.connected_at: list[float] = []
        self._target, self._chance = target, chance
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread.start()
        self._started.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=512)
        )
        self._started.set()
        self._loop.run_forever()

    def close(self) -> None:
        """Stop serving."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected_at.append(time.monotonic())
        if self.weather is Weather.CLOSED:
            writer.transport.abort()
        elif self.weather is Weather.MUTE:
            while self.weather is Weather.MUTE and await reader.read(65536):
                pass
            writer.transport.abort()
        elif self.weather is Weather.SHUTTING_DOWN:
            writer.write(b"421 4.3.2 mail.acme.test shutting down\r\n")
            writer.close()
        else:
            with contextlib.suppress(OSError):
                await _Session(self, reader, writer).run()

    def strikes(self) -> bool:
        """Draw whether it happens to this mail."""
        return self._chance.random() < self.share

    def flips(self) -> bool:
        """Toss a coin."""
        return self._chance.random() < 0.5


class _Session:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy, self._reader, self._writer = proxy, reader, writer
        self._is_silent = False
        self._breaks = False
        """The next reply never arrives: the connection breaks instead."""

    async def run(self) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._proxy._target)
        except OSError:
            self._writer.transport.abort()
            return
        ways = [
            asyncio.create_task(self._to_server(server_writer)),
            asyncio.create_task(self._to_client(server_reader)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._writer.transport.abort()
            server_writer.transport.abort()

    async def _to_server(self, server: asyncio.StreamWriter) -> None:
        tail = b""
        while chunk := await self._reader.read(65536):
            weather = self._proxy.weather
            has_dot = b"\r\n.\r\n" in tail + chunk
            tail = (tail + chunk)[-4:]
            if weather is Weather.SHUTTING_DOWN:
                self._writer.write(b"421 4.3.2 mail.acme.test shutting down\r\n")
                await self._writer.drain()
                return
            if weather is Weather.NO_GOODBYE and chunk.upper().rstrip().endswith(b"QUIT"):
                return
            if has_dot and weather is Weather.RESETTING and self._proxy.strikes():
                if not self._proxy.flips():
                    return
                self._breaks = True
            if has_dot and weather is Weather.SILENT_AFTER_DOT and self._proxy.strikes():
                self._is_silent = True
            server.write(chunk)
            await server.drain()

    async def _to_client(self, server: asyncio.StreamReader) -> None:
        while chunk := await server.read(65536):
            if self._breaks:
                return
            if self._is_silent:
                continue
            if self._proxy.weather is Weather.DRIPPING:
                for at in range(len(chunk)):
                    self._writer.write(chunk[at : at + 1])
                    await self._writer.drain()
                    await asyncio.sleep(0.02)
            else:
                self._writer.write(chunk)
                await self._writer.drain()
        while self._is_silent:  # the server has left; the client is not told
            await asyncio.sleep(0.5)
