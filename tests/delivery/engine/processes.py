"""Real processes on the test's own database, to be killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.db import connection

from tests import services

ROOT = Path(__file__).resolve().parents[3]


def environment(**values: str) -> dict[str, str]:
    """Give the environment in which a process works on the test's database."""
    return os.environ | {
        "DATABASE_URL": _database_url(),
        "MAILBOX_DATA_DIR": str(settings.DATA_DIR),
        "DJANGO_SETTINGS_MODULE": "mailbox_admin.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    } | values  # fmt: skip


def _database_url() -> str:
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    return f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


def start(*module: str, log: Path, **values: str) -> subprocess.Popen[str]:
    """Start a module in a session of its own, so that it can be killed with all it started."""
    return _start("-m", *module, log=log, **values)


def start_worker(*options: str, log: Path, **values: str) -> subprocess.Popen[str]:
    """Start a worker as docs/operations.md says, in a session of its own, too."""
    return _start("manage.py", "worker", *options, log=log, **values)


def _start(*command: str, log: Path, **values: str) -> subprocess.Popen[str]:
    with log.open("a") as output:
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment(**values),
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
        )


@contextmanager
def dying_worker(point: str, sender_id: int, log: Path, *, group: int = 1) -> Iterator[subprocess.Popen[str]]:
    """Run a worker that kills itself at a point of its way; see `tests.delivery.engine.dying_worker`."""
    process = start("tests.delivery.engine.dying_worker", point, str(sender_id), str(group), log=log)
    with services.running(process):
        yield process


def order_sweep() -> None:
    """Do what the scheduler does."""
    current_app.send_task("delivery.tasks.sweep", ignore_result=True)
