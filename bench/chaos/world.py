"""An installation that things happen to: servers, a proxy before the mail server, workers that are started again."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.chaos import ROOT
from bench.chaos.clock import Clock
from bench.chaos.proxy import Proxy
from bench.chaos.servers import Postfix, Postgres, Redis
from tests import services

LEASE, MARGIN = 10.0, 5.0
"""The lease of a claim, and what it outlives the longest wait for a reply by, seconds."""
DEADLINE = 20.0
"""The limit of one mail's dialogue, seconds; RFC 5321's ten minutes would only make the bench long."""
HURRIED = {
    "SWEEP_SECONDS": "3", "MAILBOX_CLAIM_LEASE": f"{LEASE}", "MAILBOX_LEASE_MARGIN": f"{MARGIN}",
    "MAILBOX_MAIL_DEADLINE": f"{DEADLINE}", "MAILBOX_RETRY_BASE": "2", "MAILBOX_RETRY_CAP": "10",
    "MAILBOX_PROBE_BASE": "2", "MAILBOX_PROBE_CAP": "8",
}  # fmt: skip
"""Shorter times than by default, so that a run of minutes shows what else took hours."""
DRAIN_LIMIT = DEADLINE + MARGIN + 60
"""So long after the last fault everything must be sent: the longest lease, and a minute."""


@dataclass
class Stop:
    """How a worker that was told to stop went."""

    seconds: float
    status: int


class Worker:
    """A worker that is started again whenever it ends, until that is no longer wanted."""

    def __init__(self, number: int, env: dict[str, str], folder: Path) -> None:
        self._number, self._env, self._log = number, env, folder / f"worker-{number}.log"
        self._lock = threading.Lock()
        self._is_wanted = True
        self.starts = 0
        self.process: subprocess.Popen[bytes]
        self._start()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _start(self) -> None:
        command = [sys.executable, "manage.py", "worker", "--name", f"w{self._number}@%h"]
        self.starts += 1
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _keep(self) -> None:
        while self._is_wanted:
            self.process.wait()
            with self._lock:
                if self._is_wanted and self.process.poll() is not None:
                    self._start()
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill it without a warning; it is started again."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)

    def restart(self) -> Stop:
        """Tell it to stop, and wait until it has; it is started again."""
        begun, process = time.monotonic(), self.process
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
        return Stop(time.monotonic() - begun, status)

    def close(self) -> None:
        """End it for good."""
        with self._lock:
            self._is_wanted = False
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self._keeper.join(10)
        self.process.wait()


@dataclass
class World:
    """What a scenario has to play with."""

    chance: random.Random
    folder: Path
    clock: Clock
    postgres: Postgres
    redis: Redis
    postfix: Postfix
    proxy: Proxy
    workers: list[Worker] = field(default_factory=list)
    senders: list[Any] = field(default_factory=list)
    faults: int = 0
    notes: list[str] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    refused: int = 0
    """Mails that could not be accepted: their callers were told."""

    def note(self, sentence: str) -> None:
        """Add something to the row of the table."""
        self.notes.append(sentence)

    def start_workers(self, count: int) -> None:
        """Start so many workers."""
        env = dict(os.environ) | self.clock.env
        self.workers += [Worker(number, env, self.folder) for number in range(len(self.workers), count)]

    def wait_for_workers(self) -> None:
        """Wait until every worker waits for orders."""
        services.wait_until(
            lambda: self.redis.listeners() == len(self.workers), seconds=60, what="the start of the workers"
        )

    def accept(self, count: int, *, each: int = 100) -> None:
        """Accept mails, a batch at a time; what a server that is away refuses is counted."""
        from django.db import DatabaseError, InterfaceError, connection

        from delivery.acceptance import accept_mails
        from delivery.request import MailRequest

        for begin in range(0, count, each):
            size = min(each, count - begin)
            requests = [
                MailRequest(
                    to=["me@acme.test"], subject=f"Load {begin + number}", text="Done.\n" * 20,
                    sender=self.chance.choice(self.senders),
                )
                for number in range(size)
            ]  # fmt: skip
            try:
                accept_mails(requests)
            except (DatabaseError, InterfaceError):
                self.refused += size
                connection.close()

    @contextlib.contextmanager
    def accepting(self, count: int, seconds: float) -> Iterator[None]:
        """Go on accepting mails in the background, spread over so many seconds."""
        ended = threading.Event()

        def work() -> None:
            from django.db import connection

            for _ in range(count // 20):
                self.accept(20, each=20)
                if ended.wait(seconds * 20 / count):
                    break
            connection.close()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(60)

    def unsettled(self) -> int:
        """Count the mails that are not finished."""
        [(count,)] = self.postgres.ask("SELECT count(*) FROM records_mail WHERE finished_at IS NULL")
        return int(count)

    def wait_until_drained(self, limit: float) -> float | None:
        """Wait until every mail is finished; returns the seconds it took, or None if it was too long."""
        begun = time.monotonic()
        while time.monotonic() - begun < limit:
            if not self.unsettled():
                return time.monotonic() - begun
            time.sleep(0.2)
        return None

    def pause(self, seconds: float) -> None:
        """Let things go their way for a while."""
        time.sleep(seconds)

    def settle_postfix(self, expected: int, limit: float = 60.0) -> None:
        """Wait until postfix has stored what it took."""
        end = time.monotonic() + limit
        while time.monotonic() < end and len(self.postfix.copies()) < expected:
            time.sleep(0.5)
        time.sleep(1)

    def close(self) -> None:
        """End everything."""
        from django.db import connections

        for worker in self.workers:
            worker.close()
        connections.close_all()
        self.proxy.close()
        for server in (self.postfix, self.redis, self.postgres):
            server.close()
        self.clock.close()


def make_world(seed: int, folder: Path, *, senders: int, disk_megabytes: int = 0, can_jump: bool = False) -> World:
    """Start the servers and an installation without workers, in this process's environment."""
    chance, clock = random.Random(seed), Clock(can_jump=can_jump)
    postgres = Postgres(folder, clock, disk_megabytes=disk_megabytes)
    redis, postfix = Redis(folder), Postfix()
    for server in (postgres, redis, postfix):
        server.start()
    proxy = Proxy(postfix.port, random.Random(seed + 1))
    world = World(chance, folder, clock, postgres, redis, postfix, proxy)
    _prepare(world, senders)
    return world


def environment(folder: Path, postgres_url: str, redis_url: str) -> dict[str, str]:
    """Give the variables of the installation."""
    return HURRIED | {
        "DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "SECRET_KEY": "chaos" * 12,
        "MAILBOX_DATA_DIR": str(folder / "var"), "DJANGO_SETTINGS_MODULE": "mailbox_admin.settings",
        "MAILBOX_DIAL_ONLY": "127.0.0.0/8", "LOG_LEVEL": "WARNING", "LOG_FORMAT": "text",
        "MAILBOX_ADMIN_PASSWORD": "correct horse battery",
    }  # fmt: skip


def _prepare(world: World, senders: int) -> None:
    """Make the tables and the accounts."""
    os.environ.update(environment(world.folder, world.postgres.url, world.redis.url))
    (world.folder / "var" / "static").mkdir(mode=0o700, parents=True)
    (world.folder / "var").chmod(0o700)
    import django

    django.setup()
    from django.core.management import call_command

    from delivery import wake
    from senders.models import Sender
    from senders.services import save_sender

    call_command("migrate", interactive=False, verbosity=0)
    wake.LOG_INTERVAL = 3600.0
    for number in range(senders):
        address = f"s{number}@acme.test"
        sender = Sender(
            address=address, display_name=f"S{number}", host="127.0.0.1", port=world.proxy.port, encryption="none",
            login_method="none", timeout=10, max_connections=20,
        )  # fmt: skip
        world.senders.append(save_sender(sender, password=None))


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Make the folder of one scenario."""
    return tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True)
