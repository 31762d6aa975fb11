"""The main comparison: everybody in turn, round after round, so that a noisy minute hits all alike."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.delivery import servers
from bench.delivery.contestants import (
    PEER_SETUPS,
    Contestant,
    Ours,
    Peer,
    PlainClient,
    Platform,
    SmtpSource,
    set_up_peers,
)
from bench.delivery.measure import Field, Result, RunFailedError, run
from bench.delivery.stores import PostgresStore, SqliteStore

SQLITE_PEERS = ("post_office", "mailer")
Wanted = Callable[[str], bool]


@dataclass(frozen=True)
class Options:
    """What of the comparison is run."""

    count: int
    rounds: int
    sizes: tuple[int, ...]
    only: str
    databases: tuple[str, ...]
    patience: float = 0.0

    def wants(self, name: str) -> bool:
        """Tell whether a contestant takes part."""
        return self.only in name


@contextlib.contextmanager
def on_postgres(folder: Path, is_wanted: Wanted) -> Iterator[tuple[Field, list[Contestant]]]:
    """Set everybody up on PostgreSQL and Redis."""
    with servers.postgres() as cluster, servers.redis_server() as redis, servers.DebianSink(folder) as sink:
        platform = Platform(folder / "ours", PostgresStore(cluster, "ours"), redis)
        platform.set_up(sink.port)
        contestants: list[Contestant] = [Ours(platform, 1), Ours(platform, 2)]
        setups = [setup for setup in PEER_SETUPS if is_wanted(setup.name)]
        if setups:
            store, python = PostgresStore(cluster, "peers"), servers.peers_python()
            set_up_peers(python, store, redis, sink)
            contestants += [Peer(setup, python, store, redis, sink) for setup in setups]
        contestants += [
            PlainClient(folder, sink.port, pinned_to=sink),
            PlainClient(folder, sink.port),
            PlainClient(folder, sink.port, way="ours", pinned_to=sink),
            SmtpSource(sink, 1),
        ]
        yield Field(sink, cluster, redis), contestants


@contextlib.contextmanager
def on_sqlite(folder: Path, is_wanted: Wanted) -> Iterator[tuple[Field, list[Contestant]]]:
    """Set up who can do without Redis, on SQLite."""
    with servers.DebianSink(folder) as sink:
        platform = Platform(folder / "ours-sqlite", SqliteStore(folder / "ours-sqlite" / "mailbox.sqlite3"), None)
        platform.set_up(sink.port)
        contestants: list[Contestant] = [Ours(platform, 1)]
        setups = [setup for setup in PEER_SETUPS if setup.key in SQLITE_PEERS and is_wanted(setup.name)]
        if setups:
            store, python = SqliteStore(folder / "peers.sqlite3"), servers.peers_python()
            set_up_peers(python, store, None, sink)
            contestants += [Peer(setup, python, store, None, sink) for setup in setups]
        yield Field(sink), contestants


PLACES = {"postgres": on_postgres, "sqlite": on_sqlite}


def compare(options: Options, folder: Path) -> dict[str, list[list[Result]]]:
    """Return the results by database, by round."""
    found: dict[str, list[list[Result]]] = {}
    for database in options.databases:
        with PLACES[database](folder, options.wants) as (field, contestants):
            field = dataclasses.replace(field, patience=options.patience)
            chosen = [one for one in contestants if options.wants(one.name)]
            found[database] = [_round(chosen, field, options, number) for number in range(options.rounds)]
    return found


def _round(contestants: list[Contestant], field: Field, options: Options, number: int) -> list[Result]:
    results = []
    for size in options.sizes:
        for contestant in contestants:
            try:
                result = run(contestant, field, count=options.count, size=size)
            except (RunFailedError, RuntimeError) as error:
                print(f"  {error}", file=sys.stderr)
                continue
            results.append(result)
            print(
                f"  round {number + 1}, {size / 1000:g} KB: {result.name:46}{result.rate:9,.0f}/s"
                f"{result.cpu:8.3f} CPU-ms, others used {result.foreign:.2f} cores",
                file=sys.stderr,
            )
    return results
