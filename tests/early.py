"""Loaded by `-p tests.early`: pytest-django sets Django up before it reads conftest.py.

So whatever the settings need (secrets, a data folder, a private PostgreSQL) must be in the environment here.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests import network_guard, services


def _prepare_environment() -> None:
    folder = tempfile.mkdtemp(prefix="mailbox-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Path(folder, "static").mkdir()  # WhiteNoise warns where it is missing, and warnings are errors
    for name in ("DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "MAILBOX_ADMIN_PASSWORD"):
        os.environ.pop(name, None)
    # Compiling everything anew took a third of the time in which each of the hundreds of processes starts.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.update(
        MAILBOX_DATA_DIR=folder,
        SECRET_KEY="only-for-tests-" + "t" * 50,
        MAILBOX_DIAL_ONLY="127.0.0.0/8,::1",
        # Playwright's synchronous API keeps an event loop running in the test's thread.
        DJANGO_ALLOW_ASYNC_UNSAFE="1",
        DJANGO_LIVE_TEST_SERVER_ADDRESS="127.0.0.1",
    )


def _start_postgres() -> None:
    server = services.postgres()
    try:
        os.environ["DATABASE_URL"] = server.__enter__()
    except services.MissingServerError as error:
        raise pytest.UsageError(f"TEST_DB=postgres needs {error}") from error
    atexit.register(server.__exit__, None, None, None)


def pytest_report_header() -> str:
    """Say which database the run is on."""
    return f"database: {'PostgreSQL' if os.environ.get('DATABASE_URL') else 'SQLite'}"


_prepare_environment()
network_guard.install()
if os.environ.get("TEST_DB") == "postgres":
    _start_postgres()
