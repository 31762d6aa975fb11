"""Where the further parts take place: PostgreSQL, Redis and platforms, each with an account of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench.delivery import servers
from bench.delivery.contestants import Platform
from bench.delivery.stores import PostgresStore

Server = TypeVar("Server", servers.DebianSink, servers.WatchedSink, servers.FarLine)


@dataclass
class Place:
    """The shared servers, and whatever else is to be stopped at the end."""

    folder: Path
    postgres: servers.Postgres
    redis: servers.Redis
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def sink(self, *options: str) -> servers.DebianSink:
        """Start an smtp-sink."""
        return self._kept(servers.DebianSink(self.folder, *options))

    def watched_sink(self, authority: servers.Authority | None = None) -> servers.WatchedSink:
        """Start a sink that notes times."""
        return self._kept(servers.WatchedSink(self.folder, authority=authority))

    def far_line(self, port: int) -> servers.FarLine:
        """Start a line of 25 ms each way to a port."""
        return self._kept(servers.FarLine(self.folder, port))

    def platform(self, name: str, port: int, ca_file: Path | None = None) -> Platform:
        """Set up a platform that sends to a port."""
        platform = Platform(self.folder / name, PostgresStore(self.postgres, name), self.redis)
        platform.set_up(port, ca_file)
        return platform

    def _kept(self, server: Server) -> Server:
        self._stack.callback(server.stop)
        return server


@contextlib.contextmanager
def place(folder: Path) -> Iterator[Place]:
    """Run the shared servers."""
    with servers.postgres() as cluster, servers.redis_server() as redis, contextlib.ExitStack() as stack:
        yield Place(folder, cluster, redis, stack)
