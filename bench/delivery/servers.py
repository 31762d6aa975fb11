"""The servers of a run: a durable PostgreSQL, Redis, mail servers and a far line to them, private and on loopback."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

import psycopg
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.delivery import ROOT
from bench.delivery.processes import Child, run
from tests import services

COUNTED = ("shared_preload_libraries=pg_stat_statements", "pg_stat_statements.max=10000")
"""Durable, as PostgreSQL is by default; its own counter of statements is on, for everybody alike."""
ROLE = "platform"
"""Whom everybody works as: the bench's own questions, asked by another role, are not counted."""


@dataclass(frozen=True)
class Postgres:
    """A cluster: each contestant has a database of its own in it."""

    admin_url: str
    pid: int

    def url_of(self, database: str) -> str:
        """Return the URL that a contestant is given."""
        return self.admin_url.replace("postgres@", f"{ROLE}@").rsplit("/", 1)[0] + f"/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple]:
        """Connect as the bench itself."""
        return psycopg.connect(self.admin_url.rsplit("/", 1)[0] + f"/{database}", autocommit=True)

    def create_database(self, name: str) -> None:
        """Create an empty database."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" OWNER {ROLE}')


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """Run the cluster."""
    with services.postgres(COUNTED) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB")
            server = _parent_of(connection.info.backend_pid)
        yield Postgres(url, server)


@dataclass(frozen=True)
class Redis:
    """A Redis server."""

    url: str
    pid: int

    def client(self) -> redis.Redis:
        """Return a client for the bench's own use."""
        return redis.Redis.from_url(self.url)


@contextlib.contextmanager
def redis_server() -> Iterator[Redis]:
    """Run the server."""
    with services.redis() as url:
        yield Redis(url, int(redis.Redis.from_url(url).info("server")["process_id"]))


def _parent_of(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[1])


class _Stoppable:
    """Ends with a `with` block."""

    _child: Child

    @property
    def pid(self) -> int:
        """Its process."""
        return self._child.pid

    def stop(self) -> None:
        """End it."""
        self._child.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class DebianSink(_Stoppable):
    """Debian's smtp-sink, which counts the mails it took."""

    def __init__(self, folder: Path, *options: str) -> None:
        """Start it; `options` are its own."""
        self.folder, self.port = folder, services.free_port()
        self._output = folder / f"sink-{self.port}.out"
        as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses root
        command = ["smtp-sink", *as_nobody, "-c", *options, f"127.0.0.1:{self.port}", "512"]
        self._child = Child(command, output=self._output)
        services.wait_until(lambda: services.is_listening(self.port), what="smtp-sink")

    def count(self) -> int:
        """Return how many mails it took since its start."""
        with self._output.open("rb") as output:
            output.seek(max(0, self._output.stat().st_size - 200))
            tail = output.read()
        at = tail.rfind(b"mesg=")
        if at < 0:
            return 0
        return int(tail[at + 5 :].split()[0])

    def pin(self, cores: set[int]) -> None:
        """Let it run on these cores only."""
        os.sched_setaffinity(self.pid, cores)


class WatchedSink(_Stoppable):
    """Our own mail server, which says when it took each mail; see watched_sink.py."""

    def __init__(self, folder: Path, *, authority: Authority | None = None) -> None:
        """Start it, with TLS and sign-in if an authority is given."""
        self.port = services.free_port()
        self._output = folder / f"sink-{self.port}.out"
        files = [str(authority.certificate), str(authority.key)] if authority else []
        command = [sys.executable, "-m", "bench.delivery.watched_sink", str(self.port), *files]
        self._child = Child(command, output=self._output)
        services.wait_until(lambda: services.is_listening(self.port), what="the sink")

    def count(self) -> int:
        """Return how many mails it took since its start."""
        return self._output.read_bytes().count(b"\n")

    def accepted_at(self) -> list[float]:
        """Return when it took each, in seconds of the monotonic clock."""
        return [float(line.split()[1]) for line in self._output.read_text().splitlines()]


@dataclass(frozen=True)
class Authority:
    """A certificate made for this run, which signs itself, for 127.0.0.1."""

    certificate: Path
    key: Path

    @property
    def pem(self) -> str:
        """The certificate as text."""
        return self.certificate.read_text()


def make_authority(folder: Path) -> Authority:
    """Make a certificate and its key in that folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    builder = builder.add_extension(usage, critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = builder.add_extension(identifier, critical=False).sign(key, hashes.SHA256())
    made = Authority(folder / "authority.pem", folder / "authority.key")
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    made.key.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    return made


class FarLine(_Stoppable):
    """A way to a server that is so many milliseconds away, each way."""

    def __init__(self, folder: Path, target: int, milliseconds: float = 25.0) -> None:
        """Start the proxy."""
        self.port = services.free_port()
        command = [sys.executable, "-m", "bench.delivery.delay_proxy", str(self.port), str(target), str(milliseconds)]
        self._child = Child(command, output=folder / f"line-{self.port}.out")
        services.wait_until(lambda: services.is_listening(self.port), what="the far line")

    def round_trips(self, count: int = 100) -> list[float]:
        """Measure round trips of a NOOP, in milliseconds."""
        import smtplib

        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="bench") as client:
            client.ehlo()
            found = []
            for _ in range(count):
                started = time.perf_counter()
                client.noop()
                found.append((time.perf_counter() - started) * 1000)
        return found


def peers_python() -> Path:
    """Return the Python of the peers' environment, which is made on first use."""
    folder = ROOT / "bench" / ".venv"
    wanted = ROOT / "bench" / "delivery" / "peers" / "requirements.txt"
    mark = folder / "installed"
    if not mark.exists() or mark.read_text() != wanted.read_text():
        print("making the peers' environment in bench/.venv …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", "-r", str(wanted)]
        run(pip, env=os.environ)
        mark.write_text(wanted.read_text())
    return folder / "bin" / "python"
