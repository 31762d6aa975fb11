"""`manage.py worker` as it is started: how it ends, and what it does not load."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services import free_port, running, wait_until
from tests.setup.processes import ROOT, environment


@contextmanager
def worker(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a worker without any broker, and wait until it listens to signals."""
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    with environment(folder / "data", REDIS_URL=nowhere, SECRET_KEY="for-tests-" + "s" * 50) as env:
        (folder / "data").mkdir(mode=0o700)
        subprocess.run([sys.executable, "manage.py", "prepare"], cwd=ROOT, env=env, check=True, capture_output=True)
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "worker"], cwd=ROOT, env=env, stdout=log, stderr=log, text=True
            )
        with running(process):
            wait_until(lambda: catches_signals(process.pid), what="the start of the worker")
            yield process


def catches_signals(pid: int) -> bool:
    """Tell whether the worker has taken SIGQUIT, which Python leaves alone."""
    return bool(int(status(pid, "SigCgt"), 16) >> (signal.SIGQUIT - 1) & 1)


def status(pid: int, name: str) -> str:
    found = re.search(rf"^{name}:\s+(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 0), (signal.SIGQUIT, 0), (signal.SIGINT, 1)])
def test_a_worker_that_is_told_to_stop_ends_with_the_status_of_celerys(
    number: signal.Signals, expected: int, tmp_path: Path
) -> None:
    with worker(tmp_path) as process:
        process.send_signal(number)
        assert process.wait(30) == expected


def test_a_worker_takes_less_than_100_mb(tmp_path: Path) -> None:
    with worker(tmp_path) as process:
        assert int(status(process.pid, "VmHWM")) < 100_000


def test_a_worker_loads_no_page_of_the_web_and_nothing_for_terminals() -> None:
    source = (
        "import sys, django; django.setup()\n"
        "from mailbox_admin.management.commands import worker\n"
        "worker.app.loader.import_default_modules()\n"
        "print(*{'celery.bin', 'prompt_toolkit', 'pygments', 'mailbox_admin.urls', 'delivery.views'} & {*sys.modules})"
    )
    env = os.environ | {"CELERY_SKIP_CHECKS": "1", "DJANGO_SETTINGS_MODULE": "mailbox_admin.settings"}
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
