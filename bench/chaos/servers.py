"""The servers that are hurt: PostgreSQL, Redis and postfix, each on a port that it keeps when it comes back."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from bench.chaos.clock import Clock
from tests import postfix_server, services

PATIENCE = 30.0


class Server:
    """A process that can be ended and started again."""

    process: subprocess.Popen[str]

    def start(self) -> None:
        """Start it, and wait until it serves."""
        raise NotImplementedError

    def end(self, by: signal.Signals) -> None:
        """End it by this signal, and wait until it is gone."""
        self.process.send_signal(by)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def freeze(self) -> None:
        """Let it hang: it accepts connections, and never answers."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)


class Postgres(Server):
    """A durable cluster; on a small disk of its own if one is asked for."""

    def __init__(self, folder: Path, clock: Clock, *, disk_megabytes: int = 0) -> None:
        self._account = services._Unprivileged.find()
        self._top = Path(tempfile.mkdtemp(prefix="chaos-pg-"))
        self._is_mounted = False
        self._clock = clock
        self._log = folder / "postgres.log"
        self.port = services.free_port()
        if disk_megabytes:
            self._mount(disk_megabytes)
        self._account.owns(str(self._top))
        binaries = tempfile.mkdtemp(prefix="chaos-bin-")
        self._account.owns(binaries)
        self._copied = binaries
        self._binaries = services._reachable_binaries(services._find_postgres_folder(), self._account, binaries)
        self._env = {"PATH": f"{self._binaries}:/usr/bin:/bin", "LC_ALL": "C", "HOME": str(self._top), "TZ": "UTC"}
        made = self._account.run(
            [f"{self._binaries}/initdb", "-D", self.cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync"], self._env,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(made.stderr)

    @property
    def cluster(self) -> str:
        """Where its files are."""
        return f"{self._top}/cluster"

    @property
    def url(self) -> str:
        """Its URL, as a worker is given it."""
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def _mount(self, megabytes: int) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(self._top)], check=True)
        self._is_mounted = True

    def start(self) -> None:
        settings = (
            "listen_addresses=127.0.0.1", "max_connections=200", "max_wal_size=64MB", "min_wal_size=32MB",
            "shared_buffers=64MB", "log_min_messages=warning",
        )  # fmt: skip
        options = [word for setting in settings for word in ("-c", setting)]
        command = [f"{self._binaries}/postgres", "-D", self.cluster, "-p", str(self.port), "-k", str(self._top)]
        self.process = self._account.start([*command, *options], self._env | self._clock.env, self._log)
        services.wait_until(lambda: services._accepts_queries(self.port), seconds=60, what="PostgreSQL")

    def fill_the_disk(self) -> None:
        """Leave no room on its disk."""
        with contextlib.suppress(OSError), (self._top / "ballast").open("wb") as ballast:
            while True:
                ballast.write(b"\0" * 65536)
                ballast.flush()

    def free_the_disk(self) -> None:
        """Make room again, and start it if it gave up."""
        (self._top / "ballast").unlink()
        if self.process.poll() is not None:
            self.start()

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        """Ask something, with patience while it is away."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
                    cursor = connection.execute(question)
                    return cursor.fetchall() if cursor.description else []
            except psycopg.Error:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def close(self) -> None:
        """End it for good."""
        if self.process.poll() is None:
            self.end(signal.SIGQUIT)
        if self._is_mounted:
            subprocess.run(["umount", "-l", str(self._top)], check=False)
        for folder in (self._top, self._copied):
            shutil.rmtree(folder, ignore_errors=True)


class Redis(Server):
    """A Redis that keeps nothing, like the one in production."""

    def __init__(self, folder: Path) -> None:
        self._log, self.port = folder / "redis.log", services.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [services._find_redis(), *options], stdout=log, stderr=log, text=True, cwd=self._log.parent
            )
        services.wait_until(lambda: services.is_listening(self.port), what="Redis")

    def listeners(self) -> int:
        """Count the workers that wait for orders."""
        import redis

        with redis.Redis.from_url(self.url) as client:
            return sum(other["cmd"] == "brpop" for other in client.client_list())

    def flush(self) -> None:
        """Forget every key."""
        import redis

        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.url, socket_timeout=2) as client:
            client.flushall()

    def close(self) -> None:
        """End it for good."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Postfix(Server):
    """Debian's postfix, which stores what it takes; copies are told apart by the queue id that each was given."""

    def __init__(self) -> None:
        postfix_server._require()
        self._folder = tempfile.TemporaryDirectory(prefix="chaos-postfix-", ignore_cleanup_errors=True)
        ports = {kind: services.free_port() for kind in postfix_server.Port}
        self.running = postfix_server.Postfix(Path(self._folder.name), ports)
        self.port = ports[postfix_server.Port.RELAY]
        postfix_server._furnish(self.running)
        with (self.running.folder / "main.cf").open("a") as main:
            # By default a part that was killed is left alone for a minute, which tells nothing about us.
            main.write("service_throttle_time = 1s\n")

    def start(self) -> None:
        command = [str(postfix_server.DAEMONS / "master"), "-c", self._folder.name, "-d"]
        services.wait_until(self._is_free, what="the end of the postfix before")
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
        services.wait_until(lambda: services.is_listening(self.port), what="postfix")

    def _is_free(self) -> bool:
        return not services.is_listening(self.port)

    def children(self, name: str) -> list[int]:
        """List its processes of that name."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                fields = (entry / "stat").read_text()
                command = fields[fields.index("(") + 1 : fields.rindex(")")]
                if command == name and int(fields.rsplit(")", 1)[1].split()[1]) == self.process.pid:
                    found.append(int(entry.name))
        return found

    def copies(self) -> dict[str, int]:
        """Count the copies that it took and stored, by Message-ID."""
        seen: set[tuple[str, str]] = set()
        for path in (self.running.folder / "mail").glob("*/new/*"):
            head = path.read_bytes().partition(b"\n\n")[0].decode(errors="replace")
            queue_id = re.search(r"E?SMTPS?A?\)?.*?\bid ([0-9A-Za-z]+)", head, re.DOTALL)
            named = re.search(r"^Message-ID:\s*(<[^>]+>)", head, re.MULTILINE | re.IGNORECASE)
            if named:
                seen.add((named[1], queue_id[1] if queue_id else path.name))
        counted: dict[str, int] = {}
        for message_id, _queue_id in seen:
            counted[message_id] = counted.get(message_id, 0) + 1
        return counted

    def close(self) -> None:
        """End it for good."""
        if self.process.poll() is None:
            self.end(signal.SIGTERM)
        self._folder.cleanup()


def pause_of(pid: int, seconds: float) -> None:
    """Stop a process for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
