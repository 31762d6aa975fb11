"""A mail server that says when it took each mail: over TLS, with a sign-in, as one likes.

    python -m bench.delivery.watched_sink PORT [CERTIFICATE KEY]

Offers PIPELINING. With a certificate it speaks TLS from the start and lets nobody send who has not signed in. Every 250
to a mail is a line "accepted <seconds of the monotonic clock>"; asyncio writes one reply per command, as servers do.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import time

GREETING = b"220 sink ESMTP\r\n"


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, needs_sign_in: bool) -> None:
        self._needs_sign_in, self._has_signed_in = needs_sign_in, False
        self._buffer = bytearray()
        self._is_in_data = False
        self._challenges = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(GREETING)

    def data_received(self, chunk: bytes) -> None:
        self._buffer += chunk
        replies: list[bytes] = []
        while (reply := self._next()) is not None:
            replies.append(reply)
        if replies:
            self._transport.write(b"".join(replies))

    def _next(self) -> bytes | None:
        """Take a command, or a mail, off the buffer; returns the reply to it."""
        end, length = (b"\r\n.\r\n", 5) if self._is_in_data else (b"\r\n", 2)
        at = self._buffer.find(end)
        if at < 0:
            return None
        taken = bytes(self._buffer[:at])
        del self._buffer[: at + length]
        if self._is_in_data:
            self._is_in_data = False
            sys.stdout.write(f"accepted {time.monotonic()}\n")
            sys.stdout.flush()
            return b"250 2.0.0 Ok: queued\r\n"
        return self._answer(taken)

    def _answer(self, command: bytes) -> bytes:
        if self._challenges:
            self._challenges -= 1
            if self._challenges:
                return b"334 UGFzc3dvcmQ6\r\n"
            self._has_signed_in = True
            return b"235 2.7.0 Welcome\r\n"
        word = command[:4].upper()
        if word == b"EHLO":
            auth = b"250-AUTH PLAIN LOGIN\r\n" if self._needs_sign_in else b""
            return (
                b"250-sink\r\n"
                + auth
                + b"250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n"
            )
        if word == b"AUTH":
            return self._sign_in(command.upper().split())
        if self._needs_sign_in and not self._has_signed_in and word in (b"MAIL", b"RCPT", b"DATA"):
            return b"530 5.7.0 Authentication required\r\n"
        if word == b"DATA":
            self._is_in_data = True
            return b"354 Go on\r\n"
        if word == b"QUIT":
            asyncio.get_running_loop().call_soon(self._transport.close)  # after the reply was written
            return b"221 2.0.0 Bye\r\n"
        return b"250 2.1.0 Ok\r\n"

    def _sign_in(self, words: list[bytes]) -> bytes:
        if words[1:2] == [b"PLAIN"] and len(words) > 2:
            self._has_signed_in = True
            return b"235 2.7.0 Welcome\r\n"
        self._challenges = {b"PLAIN": 1, b"LOGIN": 2}.get(words[1], 1) - (len(words) > 2)
        return b"334 \r\n" if words[1] == b"PLAIN" else b"334 VXNlcm5hbWU6\r\n"


async def _serve(port: int, context: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(context is not None), "127.0.0.1", port, ssl=context, backlog=256)
    await server.serve_forever()


def main() -> None:
    port, *files = sys.argv[1:]
    context = None
    if files:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*files)
    asyncio.run(_serve(int(port), context))


if __name__ == "__main__":
    main()
