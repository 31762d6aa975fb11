"""A worker with little to do: what it costs to wait, and how soon a single mail is with the server."""

from __future__ import annotations

import random
import statistics
import sys
import time
from pathlib import Path

from bench.delivery.meter import Meter, wait_until_quiet
from bench.delivery.places import place
from bench.delivery.processes import Child
from bench.delivery.report import Bar, Table
from bench.delivery.servers import WatchedSink

SIZE = 2000


def idle(folder: Path, *, seconds: float = 60.0) -> tuple[list[Table], list[Bar]]:
    """Measure the CPU time of a worker, the scheduler and the servers while nothing is to be sent."""
    with place(folder) as here:
        platform = here.platform("idle", here.sink().port)
        platform.store.refresh()
        worker, beat = platform.worker(), platform.beat()
        try:
            wait_until_quiet((worker.pid, beat.pid), at_least=10)
            groups = {
                "worker": worker.pid,
                "scheduler": beat.pid,
                "PostgreSQL": here.postgres.pid,
                "Redis": here.redis.pid,
            }
            meter = Meter(**{name: (pid,) for name, pid in groups.items()})
            meter.start()
            time.sleep(seconds)
            used = meter.stop()
        finally:
            worker.stop()
            beat.stop()
    shares = {name: 100 * used.cpu[name] / used.seconds for name in groups}
    rows = tuple((name, f"{share:.2f} %") for name, share in shares.items())
    table = Table(f"Idle for {seconds:g} s, with a sweep every 15 s", ("", "of a core"), rows)
    return [table], [Bar("an idle worker", (shares["worker"],), 0.5, is_least=False, unit="% of a core")]


def latency(folder: Path, *, count: int = 200) -> tuple[list[Table], list[Bar]]:
    """Measure single mails from the call that accepts them to the server's 250."""
    with place(folder) as here:
        sink = here.watched_sink()
        platform = here.platform("latency", sink.port)
        platform.store.refresh()
        worker, caller = platform.worker(), platform.talk("one-by-one", str(SIZE))
        try:
            wait_until_quiet((worker.pid,), at_least=5)
            milliseconds = _send_one_by_one(caller, sink, count)
        finally:
            caller.stop()
            worker.stop()
    whole, after = zip(*milliseconds)
    rows = (_row("from the call to the server's 250", whole), _row("of it after the call had returned", after))
    table = Table(f"A single mail on an idle system, {count} of them", ("", "p50", "p90", "p99", "the slowest"), rows)
    cuts = statistics.quantiles(whole, n=100)
    bars = [
        Bar("latency of a single mail, p50", (statistics.median(whole),), 60, is_least=False, unit="ms", form=".0f"),
        Bar("latency of a single mail, p99", (cuts[98],), 250, is_least=False, unit="ms", form=".0f"),
    ]
    return [table], bars


def _send_one_by_one(caller: Child, sink: WatchedSink, count: int) -> list[tuple[float, float]]:
    """Return, per mail, the milliseconds from the beginning and from the end of the call to the 250."""
    rhythm = random.Random(7)
    found = []
    for number in range(count + 3):
        time.sleep(rhythm.uniform(0.05, 0.3))
        caller.hears("next")
        began, returned = map(float, caller.says().split())
        end = time.monotonic() + 40
        while sink.count() <= number and time.monotonic() < end:
            time.sleep(0.002)
        accepted = sink.accepted_at()[number]
        found.append(((accepted - began) * 1000, (accepted - returned) * 1000))
    print(f"  the first three, not counted: {', '.join(f'{whole:.0f} ms' for whole, _ in found[:3])}", file=sys.stderr)
    return found[3:]


def _row(name: str, milliseconds: tuple[float, ...]) -> tuple[str, ...]:
    cuts = statistics.quantiles(milliseconds, n=100)
    middle = statistics.median(milliseconds)
    return (name, f"{middle:.1f} ms", f"{cuts[89]:.1f} ms", f"{cuts[98]:.1f} ms", f"{max(milliseconds):.1f} ms")
