"""A far server: a proxy on loopback that holds every byte for a while, in each direction.

    python -m bench.delivery.delay_proxy LISTEN_PORT TARGET_PORT MILLISECONDS

The target is dialled three delays after a connection came in, so that its greeting is seen two round trips after the
client's connect, as over a real link. One thread around `select`, whose timeout is kept to well below a millisecond
(epoll's is not).
"""

from __future__ import annotations

import heapq
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable

CHUNK = 1 << 16
HELD_AT_MOST = 4 << 20
"""Bytes on the way in one direction, after which nothing more is read: a window, far above what these runs need."""


class Direction:
    """What is on its way from one socket to another."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source, self.target = source, target
        self.chunks: deque[tuple[float, bytes]] = deque()
        self.held = 0
        self.is_read_out = self.is_blocked = self.is_over = False

    def read(self, due_after: float) -> None:
        try:
            chunk = self.source.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        self.is_read_out = not chunk
        self.held += len(chunk)
        self.chunks.append((time.monotonic() + due_after, chunk))

    def write_what_is_due(self, now: float) -> None:
        while self.chunks and self.chunks[0][0] <= now and not self.is_over:
            due, chunk = self.chunks.popleft()
            if not chunk:
                self.is_over = True
                self._end()
                return
            try:
                sent = self.target.send(chunk)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.is_over = True
                return
            self.held -= sent
            self.is_blocked = sent < len(chunk)
            if self.is_blocked:
                self.chunks.appendleft((due, chunk[sent:]))
                return

    def _end(self) -> None:
        try:
            self.target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Proxy:
    """The listener, its connections, and what is due when."""

    def __init__(self, port: int, target: int, delay: float) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self._listener.setblocking(False)
        self._target, self._delay = target, delay
        self._directions: list[Direction] = []
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def run(self) -> None:
        """Serve for ever."""
        while True:
            self._wait()
            now = time.monotonic()
            while self._timers and self._timers[0][0] <= now:
                heapq.heappop(self._timers)[2]()
            for direction in self._directions:
                direction.write_what_is_due(now)
            self._forget_the_ended()

    def _wait(self) -> None:
        readable = {one.source: one for one in self._directions if not one.is_read_out and one.held < HELD_AT_MOST}
        blocked = [one.target for one in self._directions if one.is_blocked]
        dues = [one.chunks[0][0] for one in self._directions if one.chunks and not one.is_blocked]
        dues += [timer[0] for timer in self._timers[:1]]
        timeout = max(0.0, min(dues) - time.monotonic()) if dues else None
        ready, _, _ = select.select([self._listener, *readable], blocked, [], timeout)
        for one in ready:
            if one is self._listener:
                self._accept()
            else:
                readable[one].read(self._delay)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        self._number += 1
        heapq.heappush(self._timers, (time.monotonic() + 3 * self._delay, self._number, lambda: self._dial(client)))

    def _dial(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._target))
        for one in (client, server):
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._directions += [Direction(client, server), Direction(server, client)]

    def _forget_the_ended(self) -> None:
        over = [one for one in self._directions if one.is_over]
        for one in over:
            opposite = next((other for other in self._directions if other.source is one.target), None)
            if opposite is None or opposite.is_over:
                self._directions = [other for other in self._directions if other not in (one, opposite)]
                one.source.close()
                one.target.close()


def main() -> None:
    port, target, milliseconds = sys.argv[1:]
    Proxy(int(port), int(target), float(milliseconds) / 1000).run()


if __name__ == "__main__":
    main()
