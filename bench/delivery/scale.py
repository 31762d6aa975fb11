"""Much mail waiting: what a mail costs then, and what memory a worker takes over many of them. On PostgreSQL."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.delivery.contestants import Ours
from bench.delivery.measure import Field
from bench.delivery.meter import memory_of
from bench.delivery.places import place
from bench.delivery.report import Bar, Table, spread

SIZE = 1000
POINTS = (1_000, 10_000, 100_000, 1_000_000)
SENT_PER_RUN = 5_000


@dataclass(frozen=True)
class Point:
    """A run with so many mails waiting."""

    waiting: int
    rate: float
    cpu: float


def curve(folder: Path, rounds: int, *, most: int = POINTS[-1]) -> tuple[list[Table], list[Bar]]:
    """Measure the cost per mail while more and more mails wait."""
    points: list[Point] = []
    with place(folder) as here:
        sink = here.sink()
        platform = here.platform("curve", sink.port)
        platform.store.refresh()
        ours, field = Ours(platform), Field(sink, here.postgres, here.redis)
        for waiting in [point for point in POINTS if point <= most]:
            for _ in range(rounds):
                platform.do("multiply", str(waiting - platform.waiting()), str(SIZE))
                platform.forget_wakes()
                platform.store.settle()
                points.append(_send_some(ours, field, waiting))
                print(f"  {waiting:9,} waiting: {points[-1].rate:8,.0f}/s {points[-1].cpu:.3f} ms", file=sys.stderr)
    return [_table(points)], [_bar(points)]


def _send_some(ours: Ours, field: Field, waiting: int) -> Point:
    """Send some of what waits, and stop in the midst of it."""
    wanted = min(SENT_PER_RUN, waiting)
    ours.start()
    try:
        base = field.sink.count()
        meter = field.meter(ours.roots())
        meter.start()
        ours.go()
        end = time.monotonic() + 120
        while field.sink.count() - base < wanted and time.monotonic() < end:
            time.sleep(0.004)
        sent, used = field.sink.count() - base, meter.stop()
    finally:
        ours.stop()
    cpu = sum(used.cpu[group] for group in ("sender", "postgres", "redis"))
    return Point(waiting, sent / used.seconds, cpu * 1000 / sent)


def _table(points: Sequence[Point]) -> Table:
    rows = []
    for waiting in dict.fromkeys(point.waiting for point in points):
        here = [point for point in points if point.waiting == waiting]
        rates, cpus = [point.rate for point in here], [point.cpu for point in here]
        rows.append((f"{waiting:,}", spread(rates), spread(cpus, ".3f")))
    note = f"Mails of 1 KB; of those that wait, {SENT_PER_RUN:,} are sent (all 1,000 of the first row)."
    return Table("Cost per mail by mails waiting", ("mails waiting", "mails/s", "CPU-ms per mail"), tuple(rows), note)


def _bar(points: Sequence[Point]) -> Bar:
    fewest, most = min(point.waiting for point in points), max(point.waiting for point in points)
    # The first thousand is over before the worker is warm: the next point is the fairer beginning.
    first = min((point.waiting for point in points if point.waiting > fewest), default=fewest)
    before = statistics.median(point.cpu for point in points if point.waiting == first)
    values = tuple(point.cpu / before for point in points if point.waiting == most)
    return Bar(f"CPU per mail with {most:,} waiting to that with {first:,}", values, 1.15, is_least=False)


def memory(folder: Path, *, count: int = 100_000) -> tuple[list[Table], list[Bar]]:
    """Watch a worker's memory while it sends many mails."""
    seen: list[tuple[int, float]] = []
    with place(folder) as here:
        sink = here.sink()
        platform = here.platform("memory", sink.port)
        platform.store.refresh()
        platform.do("multiply", str(count), str(SIZE))
        platform.forget_wakes()
        ours = Ours(platform)
        ours.start()
        try:
            seen.append((0, memory_of(ours.roots())))
            ours.go()
            end = time.monotonic() + 600
            while seen[-1][0] < count and time.monotonic() < end:
                time.sleep(0.02)
                sent = sink.count()
                if sent >= min(count, (len(seen)) * count // 10):
                    seen.append((sent, memory_of(ours.roots())))
        finally:
            ours.stop()
    rows = tuple((f"{sent:,}", f"{resident:.1f}") for sent, resident in seen)
    table = Table("Memory of a worker", ("mails sent", "MB resident"), rows)
    growth = seen[-1][1] / seen[min(1, len(seen) - 1)][1]
    return [table], [Bar(f"memory after {count:,} mails to that after a tenth", (growth,), 1.05, is_least=False)]
