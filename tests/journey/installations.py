"""Mailbox as it is run: by one command on the embedded broker, or as separate processes on Redis."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services import free_port, is_listening, running, wait_until
from tests.setup.processes import ROOT, environment, served

ADMIN_PASSWORD = "a-long-first-password"
_SETTINGS = {"MAILBOX_ADMIN_PASSWORD": ADMIN_PASSWORD, "SWEEP_SECONDS": "1"}


@dataclass(frozen=True)
class Place:
    """A running installation."""

    url: str
    env: Mapping[str, str]

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py beside it, as a task of the data platform does."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def send_mail(self, *arguments: str) -> int:
        """Accept a mail by command; returns its id."""
        return int(json.loads(self.manage("send_mail", "--json", *arguments))["id"])

    def ask_about(self, mail_id: int, field: str) -> str:
        """Read a field of a mail."""
        question = f"from records.models import Mail; print(Mail.objects.get(pk={mail_id}).{field})"
        return self.manage("shell", "-v", "0", "-c", question).strip()


@contextmanager
def one_command(folder: Path) -> Iterator[Place]:
    """Run `./run`: web, worker and scheduler under one parent, no broker service."""
    with environment(folder, **_SETTINGS) as env, served(env) as mailbox:
        yield Place(mailbox.url, env)


@contextmanager
def separate_processes(folder: Path, redis_url: str) -> Iterator[Place]:
    """Run web, worker and scheduler each for itself, with Redis between them, as on several machines."""
    with environment(folder, **_SETTINGS, REDIS_URL=redis_url, SECRET_KEY="for-tests-" + "s" * 50) as env:
        folder.mkdir(mode=0o700)
        place, port = Place("", env), free_port()
        place.manage("prepare")
        commands = (
            ("-m", "gunicorn", "-c", "python:mailbox_admin.gunicorn_config", "--bind", f"127.0.0.1:{port}",
             "mailbox_admin.wsgi:application"),
            ("manage.py", "worker"),
            ("-m", "celery", "-A", "mailbox_admin", "-q", "beat"),
        )  # fmt: skip
        with ExitStack() as stack:
            for command in commands:
                stack.enter_context(_process(command, env, folder / f"{command[-1]}.log"))
            wait_until(lambda: is_listening(port), what="the web")
            yield Place(f"http://127.0.0.1:{port}", env)


@contextmanager
def _process(command: tuple[str, ...], env: Mapping[str, str], log: Path) -> Iterator[None]:
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=env, stdout=output, stderr=output, text=True
        )
    with running(process):
        yield
