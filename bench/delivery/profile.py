"""Where the time goes: by function of the worker, by statement of PostgreSQL; near a server, and far from one."""

from __future__ import annotations

from pathlib import Path

from bench.delivery.contestants import Ours
from bench.delivery.measure import Field, run
from bench.delivery.places import place
from bench.delivery.stores import PostgresStore

FAR_CONNECTIONS = 20


def near(folder: Path, count: int, size: int) -> None:
    """Send on loopback, in a process of its own under a profiler, over one line."""
    with place(folder) as here:
        platform = here.platform("near", here.sink().port)
        platform.store.refresh()
        platform.do("fill", str(count), str(size))
        platform.forget_wakes()
        platform.store.settle()
        store = _store_of(platform.store)
        store.forget_counters()
        print(platform.do("profile"))
        _print_statements(store, count)


def far(folder: Path, count: int) -> None:
    """Send to a server 25 ms away with a real worker, over many lines."""
    with place(folder) as here:
        sink = here.sink()
        platform = here.platform("far", here.far_line(sink.port).port)
        store = _store_of(platform.store)
        store.forget_counters()
        result = run(
            Ours(platform, connections=FAR_CONNECTIONS), Field(sink, here.postgres, here.redis), count=count, size=2000
        )
        print(
            f"\n25 ms each way, {FAR_CONNECTIONS} connections: {result.rate:.0f}/s, {result.cpu:.2f} CPU-ms per mail, "
            f"{result.cpu_of_worker:.2f} of it the worker's; {result.statements:.2f} statements and "
            f"{result.commits:.2f} commits per mail; others used {result.foreign:.2f} cores"
        )
        _print_statements(store, count)


def _store_of(store: object) -> PostgresStore:
    assert isinstance(store, PostgresStore)
    return store


def _print_statements(store: PostgresStore, count: int) -> None:
    print(f"the dearest statements, of {count:,} mails:")
    for calls, milliseconds, query in store.dearest():
        print(f"{calls:7,} ×{milliseconds:9.1f} ms  {query[:150]}")
    for table, updated, hot in store.updates():
        print(f"{table}: {updated:,} updates, {hot:,} of them HOT")
