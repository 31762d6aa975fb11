"""`./run` as a user starts it: a real parent with real children."""

import contextlib
import os
import queue
import re
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.services import wait_until

ROOT = Path(__file__).resolve().parents[2]
_OWN_SETTINGS = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "MAILBOX_ADMIN_PASSWORD")


@contextlib.contextmanager
def environment(data_dir: Path, **settings: str) -> Iterator[dict[str, str]]:
    """The environment of a new installation; on PostgreSQL it gets a database of its own."""
    env = {name: value for name, value in os.environ.items() if name not in _OWN_SETTINGS}
    env |= {"MAILBOX_DATA_DIR": str(data_dir), "LOG_FORMAT": "json"} | settings
    server = os.environ.get("DATABASE_URL")
    if server is None:
        yield env
        return
    name = f"run_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield env | {"DATABASE_URL": urlunsplit(urlsplit(server)._replace(path=f"/{name}"))}
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def children_of(pid: int) -> dict[int, str]:
    """The processes that this one started, by id, with their command lines."""
    with contextlib.suppress(FileNotFoundError):
        ids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {int(child): _command_line(int(child)) for child in ids}
    return {}


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def descendants_of(pid: int) -> set[int]:
    """Children, their children, and so on."""
    found = set(children_of(pid))
    return found.union(*(descendants_of(child) for child in found))


def is_alive(pid: int) -> bool:
    """Tell whether the process runs: a zombie, which only waits to be reaped, does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@dataclass
class Installation:
    """A running `./run`."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    _lines: "queue.Queue[str | None]" = field(default_factory=queue.Queue)

    def listen(self) -> None:
        """Gather what it says, as it is said."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self.process.stdout.close()
        self._lines.put(None)

    def wait_for_line(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        """Wait until it says something that matches."""
        end = time.monotonic() + seconds
        while True:
            line = self._lines.get(timeout=max(end - time.monotonic(), 0.01))
            if line is None:
                raise AssertionError("\n".join([f"it ended without saying {pattern!r}:", *self.said]))
            self.said.append(line)
            if found := re.search(pattern, line):
                return found

    @property
    def url(self) -> str:
        """Where it is served."""
        text = next(line for line in self.said if line.startswith("Mailbox: "))
        return text.split()[1].rstrip("/")

    def child(self, part_of_command: str) -> int:
        """The id of the child whose command line has this in it, once it runs."""

        def find() -> list[int]:
            return [pid for pid, line in children_of(self.process.pid).items() if part_of_command in line]

        wait_until(lambda: bool(find()), what=f"a child with {part_of_command!r}")
        return find()[0]

    def wait(self) -> int:
        """Wait for its end; returns the exit status."""
        return self.process.wait(60)


WEB, WORKER, BEAT = "gunicorn", " worker ", " beat"


@contextlib.contextmanager
def started(env: dict[str, str], *arguments: str, port: int = 0) -> Iterator[Installation]:
    """Start `./run`, without waiting for anything."""
    command = [str(ROOT / "run"), "--port", str(port), *arguments]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    installation = Installation(process)
    listener = threading.Thread(target=installation.listen, daemon=True)
    listener.start()
    family = set()
    try:
        yield installation
    finally:
        family = descendants_of(process.pid) | {process.pid}
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        for pid in filter(is_alive, family):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(10)
        listener.join(10)


@contextlib.contextmanager
def served(env: dict[str, str], *arguments: str) -> Iterator[Installation]:
    """Start `./run` and wait until it has said its address."""
    with started(env, *arguments) as installation:
        installation.wait_for_line("^Mailbox: http")
        yield installation
