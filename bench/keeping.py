"""What removing a month of contents costs: as a whole, where it has tables of its own, beside row by row.

    .venv/bin/python -m bench.keeping [--mails 200000]

PostgreSQL only. Each way has a database of its own, durable as it is by default, in which a month that is over holds
the contents of so many mails, 3 KB each, made in the database itself; nothing of it need stay. Then `run_whole` does
one round of keeping, as `manage.py prune_records` does it. Time is that of the round, counting included; "log" is what
PostgreSQL wrote ahead (WAL) for it; the size is that of the database on the disk, before and after.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests import services

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1_000_000
WAYS = ("as a whole", "row by row")
DAYS = 100
"""So long ago the mails were accepted and sent: kept as records, and no longer as contents."""


def main() -> None:
    """Measure both ways, or be one of the processes that do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=200_000)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        print(json.dumps(_be_process(asked.way, asked.mails)))
    else:
        _measure(asked.mails)


def _measure(mails: int) -> None:
    print("| a month goes | mails | s | log, MB | disk before, MB | disk after, MB |")
    print("|---|--:|--:|--:|--:|--:|")
    found = {way: _run(way, mails) for way in WAYS}
    for way, one in found.items():
        sizes = " | ".join(f"{one[name] / MEGABYTE:,.0f}" for name in ("log", "before", "after"))
        print(f"| {way} | {mails:,} | {one['seconds']:.2f} | {sizes} |")
    whole, rows = (found[way] for way in WAYS)
    print(f"\nRow by row takes {rows['seconds'] / whole['seconds']:,.0f} times as long.")


def _run(way: str, mails: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="mailbox-bench-") as folder, services.postgres(()) as url:
        Path(folder, "static").mkdir()
        environment = os.environ | {
            "DATABASE_URL": url,
            "MAILBOX_DATA_DIR": folder,
            "SECRET_KEY": "only-for-the-bench-" + "x" * 50,
            "DJANGO_SETTINGS_MODULE": "mailbox_admin.settings",
            "LOG_LEVEL": "WARNING",
        }
        command = [sys.executable, "-m", "bench.keeping", "--way", way, "--mails", str(mails)]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        return dict(json.loads(done.stdout))


def _be_process(way: str, mails: int) -> dict[str, float]:
    import django

    django.setup()
    from django.core.management import call_command

    from records.keeping.rounds import run_whole

    call_command("migrate", verbosity=0)
    _make(mails, has_tables=way == WAYS[0])
    before, log = _ask("SELECT pg_database_size(current_database())"), _ask("SELECT pg_current_wal_lsn() - '0/0'")
    _ask("SET enable_seqscan TO off")  # as the command and the workers do
    began = time.monotonic()
    did = run_whole()
    seconds = time.monotonic() - began
    if did.removed_contents != mails:
        raise SystemExit(f"{did.removed_contents} contents went instead of {mails}")
    log = _ask("SELECT pg_current_wal_lsn() - '0/0'") - log
    _ask("CHECKPOINT")  # files that were dropped go by then at the latest
    after = _ask("SELECT pg_database_size(current_database())")
    return {"seconds": seconds, "log": float(log), "before": float(before), "after": float(after)}


def _make(mails: int, *, has_tables: bool) -> None:
    """Make the mails of one month; with tables of its own, or among those of all other months."""
    from datetime import timedelta

    from django.db import transaction

    from records.clock import database_now
    from records.models import Content, Mail
    from records.months.calendar import month_of
    from records.months.tables import make_month

    at = database_now() - timedelta(days=DAYS)
    month = month_of(at)
    with transaction.atomic():
        if has_tables:
            make_month(month)
        first = Mail.objects.create(state="sent", accepted_at=at, due_at=at, expires_at=at, finished_at=at)
        names = [field.column for field in Mail._meta.concrete_fields if field.column != "id"]
        columns = ", ".join(names)
        _ask(
            f"INSERT INTO records_mail ({columns}) SELECT {columns} FROM records_mail, generate_series(2, %s)"
            " WHERE id = %s",
            [mails, first.pk],
        )
        _ask(
            "INSERT INTO records_body (id, octets, month) SELECT id, (SELECT string_agg(decode(md5(id || ' ' || part),"
            " 'hex'), '') FROM generate_series(1, 190) part), %s FROM records_mail",
            [month],
        )
        _ask(
            "INSERT INTO records_content (mail_id, head, body_id, month)"
            " SELECT id, decode(repeat(md5(id::text), 15), 'hex'), id, %s FROM records_mail",
            [month],
        )
    _ask("VACUUM ANALYZE")
    assert Content.objects.count() == mails


def _ask(statement: str, values: Sequence[Any] = ()) -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


if __name__ == "__main__":
    main()
