"""Accepting many mails in one call, beside post_office's send_many."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.delivery.contestants import PEERS, peer_env, set_up_peers
from bench.delivery.places import place
from bench.delivery.processes import run
from bench.delivery.report import Bar, Table, spread
from bench.delivery.servers import peers_python
from bench.delivery.stores import PostgresStore

SIZE = 2000


def accept(folder: Path, rounds: int, *, count: int = 10_000) -> tuple[list[Table], list[Bar]]:
    """Measure both in turn, each into an empty database on PostgreSQL."""
    ours, theirs = [], []
    with place(folder) as here:
        sink, python = here.sink(), peers_python()
        platform = here.platform("accepting", sink.port)
        store = PostgresStore(here.postgres, "peers")
        set_up_peers(python, store, here.redis, sink)
        for _ in range(rounds):
            platform.store.refresh()
            ours.append(count / float(platform.do("accept", str(count), str(SIZE))))
            store.refresh()
            words = [str(python), "drive.py", "fill in one call", "post_office", str(count), str(SIZE)]
            theirs.append(count / float(run(words, env=peer_env(store, here.redis, sink), cwd=PEERS)))
            print(f"  ours {ours[-1]:,.0f}/s, send_many {theirs[-1]:,.0f}/s", file=sys.stderr)
    rows = (("ours", spread(ours)), ("post_office, send_many", spread(theirs)))
    table = Table(f"Accepting {count:,} mails of 2 KB in one call", ("", "mails/s"), rows)
    ratios = tuple(mine / other for mine, other in zip(ours, theirs))
    return [table], [Bar("accepting, to post_office's send_many", ratios, 1.5)]
