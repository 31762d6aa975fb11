import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from records.models import Heartbeat
from tests.services import free_port
from tests.setup.processes import ROOT, environment

ASK = """
import json, django
django.setup()
from django.test import Client
for path in ("/livez", "/readyz"):
    answer = Client().get(path)
    print(json.dumps([answer.status_code, answer.json()]))
"""


def ask_elsewhere(folder: Path, **settings: str) -> list[tuple[int, dict[str, object]]]:
    """Ask both addresses in a process with other settings."""
    with environment(folder, **settings) as env:
        own = env | settings | {"SECRET_KEY": "x" * 50, "DJANGO_SETTINGS_MODULE": "mailbox_admin.settings"}
        ran = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", ASK], env=own, cwd=ROOT, capture_output=True, text=True, check=True
        )
    return [(status, body) for status, body in map(json.loads, ran.stdout.splitlines())]


@pytest.mark.django_db
def test_a_migrated_database_is_ready_under_any_host_name(client: Client) -> None:
    answer = client.get("/readyz", headers={"host": "10.9.8.7"})
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "database": "ok",
        "pending_migrations": 0,
        "worker_seen_seconds_ago": None,
        "broker": "ok",
    }


def test_a_living_process_says_so_without_a_database(client: Client) -> None:
    answer = client.get("/livez", headers={"host": "10.9.8.7"})
    assert (answer.status_code, answer.json()) == (200, {"alive": True})


@pytest.mark.django_db
def test_a_pending_migration_is_not_ready(client: Client) -> None:
    MigrationRecorder(connection).record_unapplied("records", "0001_mails_and_records")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert answer.json()["pending_migrations"] == 1


@pytest.mark.django_db
def test_it_tells_when_a_worker_was_last_seen(client: Client) -> None:
    Heartbeat.objects.create(name="worker", seen_at=timezone.now() - timedelta(seconds=90))
    assert 90 <= client.get("/readyz").json()["worker_seen_seconds_ago"] < 100


def test_a_failing_database_is_not_ready_but_alive(tmp_path: Path) -> None:
    live, ready = ask_elsewhere(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/missing/mailbox.sqlite3")
    assert live == (200, {"alive": True})
    assert (ready[0], ready[1]["database"]) == (503, "failing")


def test_an_empty_database_is_not_ready(tmp_path: Path) -> None:
    _live, ready = ask_elsewhere(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3")
    assert ready[0] == 503
    assert ready[1]["worker_seen_seconds_ago"] is None


@pytest.mark.django_db
def test_a_dead_broker_is_told_and_not_fatal(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/empty.sqlite3"
    live, ready = ask_elsewhere(tmp_path, DATABASE_URL=database, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert live[0] == 200
    assert ready[1]["broker"] == "unreachable"
