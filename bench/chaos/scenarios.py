"""What goes wrong. Each scenario hurts a world for a while; afterwards everything must have been sent."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from bench.chaos.proxy import Weather
from bench.chaos.servers import Redis, pause_of
from bench.chaos.world import LEASE, Worker, World

STORM = 120
"""More sessions per minute than this, to a dead server and for all its senders, are a storm."""


@dataclass(frozen=True)
class Scenario:
    """One kind of fault."""

    name: str
    what: str
    hurt: Callable[[World, float], None]
    """Takes the world, and how much of the usual time there is, 1 being all of it."""
    mails: int = 600
    workers: int = 2
    senders: int = 3
    disk_megabytes: int = 0
    can_jump: bool = False


def kill_anything(world: World, scale: float) -> None:
    """Kill a random process every half second, until nothing is left to send: a worker, Redis, a session of postfix.

    Not the parts of postfix behind its sessions: with those killed it says 451 to mail that it has taken, and keeps
    mail that it said 250 to in its queue for minutes.
    """
    end, kills = time.monotonic() + 240, 0
    while world.unsettled() and time.monotonic() < end:
        sessions = world.postfix.children("smtpd")
        world.chance.shuffle(sessions)
        victims: list[Worker | Redis | int] = [*world.workers, world.redis, *sessions[:4]]
        victim = world.chance.choice(victims)
        if isinstance(victim, Worker):
            victim.kill()
            kills += 1
        elif isinstance(victim, Redis):
            victim.end(signal.SIGKILL)
            victim.start()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        world.faults += 1
        world.pause(0.5)
    world.note(f"{kills} of them workers")


def flush_redis(world: World, scale: float) -> None:
    """Forget all wake-ups again and again."""
    with world.accepting(int(400 * scale), 20 * scale):
        for _ in range(int(40 * scale)):
            world.faults += 1
            world.redis.flush()
            world.pause(0.5)


def kill_redis(world: World, scale: float) -> None:
    """Kill it and start it again."""
    with world.accepting(int(400 * scale), 20 * scale):
        for _ in range(max(int(10 * scale), 1)):
            world.faults += 1
            world.redis.end(signal.SIGKILL)
            world.pause(1)
            world.redis.start()
            world.pause(1)


def freeze_redis(world: World, scale: float) -> None:
    """Let it hang, connections open."""
    with world.accepting(int(400 * scale), 20 * scale):
        world.faults += 1
        world.redis.freeze()
        world.pause(20 * scale)
    world.redis.thaw()


def no_redis(world: World, scale: float) -> None:
    """Let it be away for two minutes: everything must go out meanwhile."""
    world.faults += 1
    world.redis.end(signal.SIGKILL)
    with world.accepting(int(800 * scale), 90 * scale):
        world.pause(95 * scale)
    drained = world.wait_until_drained(25)
    world.note("! mail waited for Redis" if drained is None else "all sent while it was away")
    world.redis.start()


def kill_postfix(world: World, scale: float) -> None:
    """Kill the mail server, with a while without any."""
    with world.accepting(int(400 * scale), 40 * scale):
        for _ in range(max(int(6 * scale), 1)):
            world.faults += 1
            world.postfix.end(signal.SIGKILL)
            world.pause(3)
            world.postfix.start()
            world.pause(4)


def _weather(weather: Weather, seconds: float) -> Callable[[World, float], None]:
    def hurt(world: World, scale: float) -> None:
        world.proxy.weather = weather
        world.faults += 1
        with world.accepting(int(300 * scale), seconds * scale):
            world.pause(seconds * scale)
        world.proxy.weather = Weather.FAIR

    return hurt


def dead_server(world: World, scale: float) -> None:
    """Let the server be mute, then closed, for a while: few sessions, no attempt spent, no mail failed."""
    world.faults += 2
    for weather in (Weather.MUTE, Weather.CLOSED):
        world.proxy.weather = weather
        world.pause(5)
        before, begun = len(world.proxy.connected_at), time.monotonic()
        world.pause(40 * scale)
        rate = (len(world.proxy.connected_at) - before) * 60 / (time.monotonic() - begun)
        world.note(f"{'! a storm of ' if rate > STORM else ''}{rate:.0f} sessions a minute while {weather.value}")
    world.proxy.weather = Weather.FAIR


def restart_postgres(world: World, scale: float) -> None:
    """Restart the database at once, ten times."""
    with world.accepting(int(400 * scale), 40 * scale):
        for _ in range(max(int(10 * scale), 2)):
            world.faults += 1
            world.postgres.end(signal.SIGQUIT)
            world.postgres.start()
            world.pause(world.chance.uniform(1.5, 4))


def fill_disk(world: World, scale: float) -> None:
    """Leave the database no room, twice."""
    with world.accepting(int(400 * scale), 40 * scale):
        for _ in range(2):
            world.faults += 1
            world.postgres.fill_the_disk()
            world.pause(10 * scale)
            world.postgres.free_the_disk()
            world.pause(5)


def jump_clock(world: World, scale: float) -> None:
    """Let the wall clocks of database and workers jump by an hour, forward and back, and by a day."""
    with world.accepting(int(400 * scale), 30 * scale):
        for shift in (3600, 0, -3600, 86400 // 4, 0):
            world.faults += 1
            world.clock.shift(shift)
            world.pause(6 * scale)
    world.clock.shift(0)


def freeze_worker(world: World, scale: float) -> None:
    """Stop a worker for longer than its lease; the other one takes over; then the first goes on."""
    world.wait_for_workers()
    with world.accepting(int(400 * scale), 50 * scale):
        for _ in range(max(int(3 * scale), 1)):
            world.faults += 1
            pause_of(world.chance.choice(world.workers).process.pid, LEASE + 8)
            world.pause(2)


def rolling_restarts(world: World, scale: float) -> None:
    """Restart the workers one after the other, twenty times, with mail under way all the time."""
    rounds = max(int(20 * scale), 2)
    world.wait_for_workers()
    with world.accepting(400 * rounds // 2, 3.0 * rounds):
        for number in range(rounds):
            world.faults += 1
            worker = world.workers[number % len(world.workers)]
            world.pause(2.5)
            world.wait_for_workers()
            world.stops.append(worker.restart())
    [(unknown,)] = world.postgres.ask("SELECT count(*) FROM records_sendingrecord WHERE outcome = 'unknown'")
    if unknown:
        world.note(f"! {unknown} unknown though every worker was told to stop")


def turn_months(world: World, scale: float) -> None:
    """Make and drop tables of months without a pause, with mail accepted and sent all the time."""
    from django.db import DatabaseError, connection, transaction

    from records.months.tables import drop_month, hold_months, list_months, make_month

    month, turned, gave_way = date(2001, 1, 1), 0, 0
    end = time.monotonic() + 40 * scale
    with world.accepting(int(4000 * scale), 40 * scale):
        while time.monotonic() < end:
            world.faults += 1
            try:
                with transaction.atomic():
                    if month in list_months():
                        hold_months()
                        drop_month(month)
                    else:
                        make_month(month)
                turned += 1
            except DatabaseError:
                gave_way += 1
            world.pause(0.05)
    connection.close()
    world.note(f"{turned} of them went through, {gave_way} gave way")


SCENARIOS = (
    Scenario("kills", "a random one of workers, Redis and postfix's sessions killed every 0.5 s", kill_anything,
             mails=5000, workers=4),
    Scenario("redis-flushed", "Redis emptied twice a second", flush_redis),
    Scenario("redis-killed", "Redis killed ten times", kill_redis),
    Scenario("redis-hangs", "Redis stopped for 20 s, connections open", freeze_redis),
    Scenario("redis-away", "no Redis for two minutes", no_redis),
    Scenario("smtp-killed", "postfix killed six times, away for 3 s each", kill_postfix),
    Scenario("smtp-silent", "no reply after the dot for 5 % of the mails", _weather(Weather.SILENT_AFTER_DOT, 40)),
    Scenario("smtp-resets", "the connection reset at the dot of 5 % of the mails", _weather(Weather.RESETTING, 30)),
    Scenario("smtp-drips", "replies at 50 bytes a second", _weather(Weather.DRIPPING, 40), mails=200),
    Scenario("smtp-421", "421 to everything for 30 s", _weather(Weather.SHUTTING_DOWN, 30)),
    Scenario("smtp-no-quit", "every QUIT answered by a reset", _weather(Weather.NO_GOODBYE, 20)),
    Scenario("smtp-dead", "a server that is mute, then closed", dead_server),
    Scenario("db-restarts", "PostgreSQL restarted at once ten times", restart_postgres),
    Scenario("db-disk-full", "no room on PostgreSQL's disk for 10 s, twice", fill_disk, disk_megabytes=400),
    Scenario("clock-jumps", "the clocks of PostgreSQL and workers jump by hours", jump_clock, can_jump=True),
    Scenario("worker-frozen", "a worker stopped for longer than its lease, three times", freeze_worker),
    Scenario("months-turn", "tables of a month made and dropped all the time", turn_months, mails=3000),
    Scenario("rolling", "20 rolling restarts of the workers", rolling_restarts, mails=500),
)  # fmt: skip
