"""Accepting many mails in one call, beside post_office's send_many."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.delivery.contestants import PEERS, peer_env, set_up_peers
from bench.delivery.places import place
from bench.delivery.processes import run
from bench.delivery.report import Bar, Table, spread
from bench.delivery.servers import peers_python
from bench.delivery.stores import PostgresStore

SIZE = 2000
BEFORE = 2000
"""Mails that are there already: PostgreSQL plans for empty tables are plans of nobody's."""


class Accepted(NamedTuple):
    """How fast a call was."""

    rate: float
    """Mails per second."""
    cpu: float
    """CPU microseconds of the calling process per mail."""


def accept(folder: Path, rounds: int, *, count: int = 10_000) -> tuple[list[Table], list[Bar]]:
    """Measure both in turn, on PostgreSQL."""
    ours: list[Accepted] = []
    theirs: list[Accepted] = []
    with place(folder) as here:
        sink, python = here.sink(), peers_python()
        platform = here.platform("accepting", sink.port)
        store = PostgresStore(here.postgres, "peers")
        set_up_peers(python, store, here.redis, sink)
        env = peer_env(store, here.redis, sink)
        for _ in range(rounds):
            platform.store.refresh()
            platform.do("fill", str(BEFORE), str(SIZE))
            platform.store.settle()
            ours.append(_read(platform.do("accept", str(count), str(SIZE)), count))
            store.refresh()
            run([str(python), "drive.py", "fill", "post_office", str(BEFORE), str(SIZE)], env=env, cwd=PEERS)
            store.settle()
            words = [str(python), "drive.py", "fill in one call", "post_office", str(count), str(SIZE)]
            theirs.append(_read(run(words, env=env, cwd=PEERS), count))
            print(f"  ours {ours[-1].rate:,.0f}/s, send_many {theirs[-1].rate:,.0f}/s", file=sys.stderr)
    rows = (_row("ours", ours), _row("post_office, send_many", theirs))
    header = ("", "mails/s", "CPU-µs per mail of the caller")
    ratios = tuple(mine.rate / other.rate for mine, other in zip(ours, theirs))
    bar = Bar("accepting, to post_office's send_many", ratios, 1.5)
    return [Table(f"Accepting {count:,} mails of 2 KB in one call", header, rows)], [bar]


def _read(printed: str, count: int) -> Accepted:
    seconds, cpu = map(float, printed.split())
    return Accepted(count / seconds, cpu * 1e6 / count)


def _row(name: str, measured: Sequence[Accepted]) -> tuple[str, ...]:
    return (name, spread([one.rate for one in measured]), spread([one.cpu for one in measured]))
