"""One measured run of a contestant: from the word to go until the last mail arrived and the last row is settled."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.delivery.contestants import Contestant
from bench.delivery.meter import Meter, Used, peak_memory_of, wait_for_others
from bench.delivery.servers import DebianSink, Postgres, Redis, WatchedSink

POLL = 0.004
"""Seconds between two looks at the server's counter."""


class RunFailedError(Exception):
    """A run did not come to its end. The message says who and how far it came."""


@dataclass(frozen=True)
class Result:
    """What a run showed."""

    name: str
    size: int
    count: int
    rate: float
    """Mails per second."""
    cpu: float
    """CPU milliseconds per mail: of the sending processes, the database and the broker; not of the mail server."""
    cpu_of_worker: float
    """The part of it that the sending processes used."""
    statements: float | None
    """SQL statements per mail, BEGIN and COMMIT among them."""
    commits: float | None
    memory: float
    """MB at the peak, summed over the sending processes."""
    foreign: float
    """Cores used by others meanwhile."""
    fill_rate: float


@dataclass(frozen=True)
class Field:
    """The servers that runs take place between."""

    sink: DebianSink | WatchedSink
    postgres: Postgres | None = None
    redis: Redis | None = None
    patience: float = 0.0
    """Seconds that are waited before each run for others on the machine to calm down."""

    def meter(self, roots: tuple[int, ...]) -> Meter:
        """Return a meter of everything that takes part."""
        groups = {"sender": roots, "sink": (self.sink.pid,)}
        if self.postgres is not None:
            groups["postgres"] = (self.postgres.pid,)
        if self.redis is not None:
            groups["redis"] = (self.redis.pid,)
        return Meter(**groups)


def run(contestant: Contestant, field: Field, *, count: int, size: int, limit: float = 180.0) -> Result:
    """Fill, start, measure and stop.

    Raises:
        RunFailedError: Not all was sent within the limit.
    """
    contestant.refresh()
    fill_seconds = contestant.fill(count, size)
    try:
        contestant.start()
        if contestant.store is not None:
            contestant.store.settle()
        time.sleep(0.3)
        wait_for_others(field.patience)
        before = contestant.store.counters() if contestant.store else None
        used, memory = _timed(contestant, field, count, limit)
    finally:
        contestant.stop()
    after = contestant.store.counters() if contestant.store else None
    milliseconds = 1000 / count
    return Result(
        name=contestant.name, size=size, count=count, rate=count / used.seconds,
        cpu=sum(used.cpu.get(group, 0.0) for group in ("sender", "postgres", "redis")) * milliseconds,
        cpu_of_worker=used.cpu["sender"] * milliseconds,
        statements=(after.statements - before.statements) / count if before and after else None,
        commits=(after.commits - before.commits) / count if before and after else None,
        memory=memory, foreign=used.foreign, fill_rate=count / fill_seconds if fill_seconds else 0.0,
    )  # fmt: skip


def _timed(contestant: Contestant, field: Field, count: int, limit: float) -> tuple[Used, float]:
    base = field.sink.count()
    meter = field.meter(contestant.roots())
    meter.start()
    contestant.go()
    _await(lambda: field.sink.count() - base >= count, limit, contestant, lambda: field.sink.count() - base)
    _await(contestant.is_settled, limit, contestant, lambda: count)
    ended = time.perf_counter()
    # Those that were started by the word to go are known only now; they had used nothing before.
    return meter.stop(ended, sender=contestant.roots()), peak_memory_of(contestant.roots())


def _await(condition: Callable[[], bool], limit: float, contestant: Contestant, sent: Callable[[], int]) -> None:
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise RunFailedError(f"{contestant.name}: {sent()} mails after {limit:g} s. {contestant.last_words()}")
        time.sleep(POLL)
