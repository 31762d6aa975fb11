"""Who takes part, and how each is filled, started, told to go, and asked whether it is done."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.delivery import ROOT
from bench.delivery.meter import wait_until_quiet
from bench.delivery.processes import Child, run
from bench.delivery.servers import Authority, DebianSink, Redis
from bench.delivery.stores import Store

PEERS = ROOT / "bench" / "delivery" / "peers"
LOOPBACK_ONLY = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class Contestant:
    """One way of sending queued mail. Subclasses say how."""

    name: str
    store: Store | None = None

    def refresh(self) -> None:
        """Forget everything of the run before."""

    def fill(self, count: int, size: int) -> float:
        """Queue mails; returns the seconds it took."""
        return 0.0

    def start(self) -> None:
        """Start what will send, which then waits."""

    def go(self) -> None:
        """Begin to send."""

    def is_settled(self) -> bool:
        """Tell whether every row is settled, given that the server has all mails."""
        return True

    def roots(self) -> tuple[int, ...]:
        """Return the processes that send."""
        return ()

    def last_words(self) -> str:
        """Return the end of what the sending processes logged."""
        return ""

    def stop(self) -> None:
        """End what was started."""


class Platform:
    """An installation of the product with data of its own."""

    def __init__(self, folder: Path, store: Store, redis: Redis | None, extra: dict[str, str] | None = None) -> None:
        """Name what it works with; nothing is set up yet."""
        self.store, self.redis, self.folder = store, redis, folder
        folder.mkdir(mode=0o700, exist_ok=True)
        self.env = {
            **LOOPBACK_ONLY, "MAILBOX_DATA_DIR": str(folder), "SECRET_KEY": "bench-" + "s" * 50,
            "DATABASE_URL": store.url, "DJANGO_SETTINGS_MODULE": "mailbox_admin.settings", **(extra or {}),
        }  # fmt: skip
        if redis is not None:
            self.env["REDIS_URL"] = redis.url

    def set_up(self, port: int, ca_file: Path | None = None) -> None:
        """Make the tables, the keys and the sender account, and keep them as what every run starts from."""
        manage = [sys.executable, "manage.py"]
        run([*manage, "migrate", "-v", "0"], env=self.env)
        self.env["MAILBOX_KEYS"] = run([*manage, "rotate_keys", "--new-key"], env=self.env).split()[-1]
        self.do("sender", str(port), *([str(ca_file)] if ca_file else []))
        self.store.keep_as_fresh()

    def do(self, *words: str) -> str:
        """Have something done inside the product's settings."""
        return run([sys.executable, "-m", "bench.delivery.ours", *words], env=self.env)

    def talk(self, *words: str) -> Child:
        """Start something inside the product's settings that talks, and wait until it is ready."""
        command = [sys.executable, "-m", "bench.delivery.ours", *words]
        child = Child(command, env=self.env, output=self.folder / f"{words[0]}.log", talks=True)
        assert child.says() == "ready"
        return child

    def forget_wakes(self) -> None:
        """Drop every wake-up that is on its way."""
        if self.redis is not None:
            self.redis.client().flushall()
        for message in self.folder.glob("broker/**/*.message"):
            message.unlink(missing_ok=True)

    def worker(self, name: str = "worker") -> Child:
        """Start a worker as docs/operations.md says, and wait until it waits for work."""
        command = [sys.executable, "manage.py", "worker", "--name", f"{name}@bench"]
        return Child(command, env=self.env, output=self.folder / f"{name}.log")

    def beat(self) -> Child:
        """Start the scheduler."""
        command = [sys.executable, "-m", "celery", "-A", "mailbox_admin", "-q", "beat"]
        return Child(command, env=self.env, output=self.folder / "beat.log")

    def waiting(self) -> int:
        """Count the mails that are not settled."""
        return self.store.ask("SELECT count(*) FROM records_mail WHERE finished_at IS NULL")


class Ours(Contestant):
    """The product: one or more worker processes, everything as it is by default."""

    def __init__(self, platform: Platform, workers: int = 1, connections: int = 0) -> None:
        """Take a platform that is set up; `connections` are the account's at once, 0: as many as by default."""
        several = "s" if workers > 1 else ""
        self.name = f"ours, {connections} connections" if connections else f"ours, {workers} worker{several}"
        self._connections = connections
        self.platform, self.store, self._count = platform, platform.store, workers
        self._workers: list[Child] = []
        self._waker: Child | None = None

    def refresh(self) -> None:
        """Take a fresh database."""
        self.platform.store.refresh()
        if self._connections:
            self.platform.do("connections", str(self._connections))

    def fill(self, count: int, size: int) -> float:
        """Have the mails accepted, and forget the wake-up: it comes when the clock starts."""
        seconds = float(self.platform.do("fill", str(count), str(size)))
        self.platform.forget_wakes()
        return seconds

    def start(self) -> None:
        """Start the workers, and a process that will wake them."""
        self._workers = [self.platform.worker(f"worker{number}") for number in range(self._count)]
        self._waker = self.platform.talk("wake")
        wait_until_quiet(self.roots(), at_least=3.0)

    def go(self) -> None:
        """Release the mail and wake, as accepting mail does after its commit."""
        assert self._waker is not None
        self._waker.hears("1" if self._count == 1 else str(4 * self._count))

    def is_settled(self) -> bool:
        """Every mail has ended."""
        return self.platform.waiting() == 0

    def roots(self) -> tuple[int, ...]:
        """The workers."""
        return tuple(worker.pid for worker in self._workers)

    def last_words(self) -> str:
        """Return the end of the workers' logs."""
        return "\n".join(worker.last_words() for worker in self._workers)

    def stop(self) -> None:
        """Stop them as an operator would."""
        for child in [*self._workers, *([self._waker] if self._waker else [])]:
            child.stop()
        self._workers, self._waker = [], None


@dataclass(frozen=True)
class PeerSetup:
    """A peer and what its settings read."""

    name: str
    key: str
    is_celery: bool = False
    left: str | None = None
    """Asks how many mails are not settled."""
    processes: int = 1
    batch: int = 100


POST_OFFICE_LEFT = "SELECT count(*) FROM post_office_email WHERE status IN (2, 3)"
RECORDS_LEFT = "SELECT count(*) FROM one_task_record WHERE ended_at IS NULL"
PEER_SETUPS = (
    PeerSetup("post_office, 1 process", "post_office", left=POST_OFFICE_LEFT),
    PeerSetup("post_office, 2 processes", "post_office", left=POST_OFFICE_LEFT, processes=2),
    PeerSetup("post_office, 1 process, batches of 1,000", "post_office", left=POST_OFFICE_LEFT, batch=1000),
    PeerSetup(
        "post_office, 2 processes, batches of 1,000", "post_office", left=POST_OFFICE_LEFT, processes=2, batch=1000
    ),
    PeerSetup("post_office, Celery", "post_office celery", is_celery=True, left=POST_OFFICE_LEFT),
    PeerSetup("django-mailer", "mailer", left="SELECT count(*) FROM mailer_message"),
    PeerSetup("celery-email, chunks of 10", "celery_email", is_celery=True),
    PeerSetup("a Celery task per mail, no record", "one_task", is_celery=True),
    PeerSetup("a Celery task per mail", "recorded_task", is_celery=True, left=RECORDS_LEFT),
)  # fmt: skip


class Peer(Contestant):
    """A peer, in its own environment."""

    def __init__(self, setup: PeerSetup, python: Path, store: Store, redis: Redis | None, sink: DebianSink) -> None:
        """Take a store that was set up by `set_up_peers`."""
        self.name, self.setup, self.store = setup.name, setup, store
        self._python, self._redis, self._sink = python, redis, sink
        self._folder = Path(sink.folder)
        self._child: Child | None = None

    @property
    def env(self) -> dict[str, str]:
        """What its settings read."""
        return peer_env(self.store, self._redis, self._sink) | {
            "PEER": self.setup.key,
            "PEER_BATCH": str(self.setup.batch),
            "PEER_PROCESSES": str(self.setup.processes),
        }

    def refresh(self) -> None:
        """Take a fresh database and an empty broker."""
        self.store.refresh()
        if self._redis is not None:
            self._redis.client().flushall()

    def fill(self, count: int, size: int) -> float:
        """Queue the mails its own way."""
        words = ["fill", self.setup.key, str(count), str(size)]
        return float(run([str(self._python), "drive.py", *words], env=self.env, cwd=PEERS))

    def start(self) -> None:
        """Start its worker, with the tasks put aside until the clock starts; or its process."""
        output = self._folder / "peer.log"
        if not self.setup.is_celery:
            command = [str(self._python), "drive.py", "deliver", self.setup.key]
            self._child = Child(command, env=self.env, cwd=PEERS, output=output, talks=True)
            assert self._child.says() == "ready"
            return
        assert self._redis is not None
        self._redis.client().rename("celery", "held")
        command = [str(self._python), "-m", "celery", "-A", "worker", "-q", "worker", "-c", "2", "-l", "WARNING"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        self._child = Child([*command, *quiet], env=self.env, cwd=PEERS, output=output)
        wait_until_quiet(self.roots(), at_least=3.0)

    def go(self) -> None:
        """Put the tasks back, or tell the process."""
        assert self._child is not None
        if self.setup.is_celery:
            assert self._redis is not None
            self._redis.client().rename("held", "celery")
        else:
            self._child.hears("go")

    def is_settled(self) -> bool:
        """Its queue is empty."""
        return self.setup.left is None or self.store.ask(self.setup.left) == 0

    def roots(self) -> tuple[int, ...]:
        """Its process or worker, with children."""
        return (self._child.pid,) if self._child else ()

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        return self._child.last_words() if self._child else ""

    def stop(self) -> None:
        """End it."""
        if self._child:
            self._child.stop(patience=10)
        self._child = None


def peer_env(store: Store, redis: Redis | None, sink: DebianSink) -> dict[str, str]:
    """Return the environment of the peers' processes."""
    env = {
        **LOOPBACK_ONLY, "PYTHONPATH": str(PEERS), "DJANGO_SETTINGS_MODULE": "settings", "DATABASE_URL": store.url,
        "SMTP_PORT": str(sink.port), "PEER_FOLDER": str(sink.folder),
    }  # fmt: skip
    return env | ({"REDIS_URL": redis.url} if redis else {})


def set_up_peers(python: Path, store: Store, redis: Redis | None, sink: DebianSink) -> None:
    """Make the peers' tables."""
    run([str(python), "drive.py", "migrate", "all"], env=peer_env(store, redis, sink), cwd=PEERS)
    store.keep_as_fresh()


class PlainClient(Contestant):
    """A client without rows over one connection; pinned, it shares one core with the server."""

    def __init__(
        self, folder: Path, port: int, *, way: str = "smtplib",
        pinned_to: DebianSink | None = None, authority: Authority | None = None,
    ) -> None:  # fmt: skip
        """Name it; `port` is where it dials, with an authority it speaks TLS and signs in, `way` is plain.py's."""
        who = {"smtplib": "smtplib, one connection", "ours": "our SMTP session alone"}[way]
        self.name, self._way = f"{who}{', pinned' if pinned_to else ''}", way
        self._folder, self._port, self._sink = folder, port, pinned_to
        self._rest = [str(authority.certificate)] if authority else []
        self._words: list[str] = []
        self._child: Child | None = None

    def fill(self, count: int, size: int) -> float:
        """Remember what to send."""
        self._words = [str(self._port), str(count), str(size), *self._rest]
        return 0.0

    def start(self) -> None:
        """Start the client."""
        pin = ["taskset", "-c", "1"] if self._sink else []
        command = [*pin, sys.executable, "-m", "bench.delivery.plain", self._way, *self._words]
        env = {**LOOPBACK_ONLY, "SECRET_KEY": "bench", "MAILBOX_DATA_DIR": str(self._folder)}
        self._child = Child(command, env=env, output=self._folder / "plain.log", talks=True)
        assert self._child.says() == "ready"
        if self._sink:
            self._sink.pin({1})

    def go(self) -> None:
        """Tell it."""
        assert self._child is not None
        self._child.hears("go")

    def roots(self) -> tuple[int, ...]:
        """The client."""
        return (self._child.pid,) if self._child else ()

    def stop(self) -> None:
        """End it."""
        if self._sink:
            self._sink.pin(set(range(os.cpu_count() or 1)))
        if self._child:
            self._child.stop()
        self._child = None


class SmtpSource(Contestant):
    """Postfix's own load generator: the ceiling."""

    def __init__(self, sink: DebianSink, sessions: int) -> None:
        """Name it."""
        self.name = f"smtp-source, {sessions} session{'s' if sessions > 1 else ''}"
        self._sink, self._sessions = sink, sessions
        self._command: list[str] = []
        self._child: Child | None = None

    def fill(self, count: int, size: int) -> float:
        """Remember what to send."""
        self._command = [
            "smtp-source", "-d", "-s", str(self._sessions), "-m", str(count), "-l", str(size),
            "-f", "platform@example.com", "-t", "user@example.org", f"127.0.0.1:{self._sink.port}",
        ]  # fmt: skip
        return 0.0

    def go(self) -> None:
        """Start it: it sends at once."""
        self._child = Child(self._command, output=Path(self._sink.folder) / "source.log")

    def roots(self) -> tuple[int, ...]:
        """Nobody before it began; its CPU time is read as the bench's child."""
        return (self._child.pid,) if self._child else ()

    def stop(self) -> None:
        """End it."""
        if self._child:
            self._child.stop()
        self._child = None
