"""What removing old records costs PostgreSQL: months that are dropped as a whole, beside the same mail by mail.

    .venv/bin/python -m bench.keeping [--records 400000]

The records are made in the database itself, over 400 days, twice: kept by month, and all in one table. Then a round of
keeping removes what is older than 200 days, each step a transaction, as workers do it. WAL is what PostgreSQL writes
for it, and what is left to do for autovacuum are the dead rows of the records.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

from tests import services

DAYS_KEPT = 200
_POSTGRES = ("shared_buffers=1GB", "max_wal_size=8GB", "autovacuum=off")
WAYS = ("by month", "mail by mail")


def main() -> None:
    """Measure both ways, or be the process that does one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=400_000)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        print(json.dumps(_remove(asked.records, by_month=asked.way == WAYS[0])))
    else:
        _compare(asked.records)


def _compare(records: int) -> None:
    print("| way | records | s for months | s mail by mail | longest step, ms | WAL, MB | dead rows |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    found = {way: _measure(way, records) for way in WAYS}
    for way, did in found.items():
        print(
            f"| {way} | {did['records']:,} | {did['months']:.2f} | {did['mails']:.1f} | {did['longest']:.0f} "
            f"| {did['wal'] / 1e6:.1f} | {did['dead']:,} |"
        )
    month, mail = (found[way] for way in WAYS)
    times = (mail["months"] + mail["mails"]) / (month["months"] + month["mails"])
    print(f"\nMail by mail: {times:.1f} × the time, {mail['wal'] / month['wal']:.1f} × the WAL.")


def _measure(way: str, records: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mailbox-bench-") as folder, services.postgres(_POSTGRES) as url:
        environment = {
            **os.environ, "DJANGO_SETTINGS_MODULE": "mailbox_admin.settings", "SECRET_KEY": "bench" * 12,
            "MAILBOX_DATA_DIR": folder, "DATABASE_URL": url, "MAILBOX_KEYS": "",
        }  # fmt: skip
        command = [sys.executable, "-m", "bench.keeping", "--records", str(records), "--way", way]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    did: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return did


def _remove(records: int, *, by_month: bool) -> dict[str, Any]:
    import django  # only the process that does it is set up

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from bench.records.generating import Generator
    from records.keeping.enums import Stage
    from records.keeping.models import ONLY, KeepingRound, KeepingRules
    from records.keeping.rounds import take_step
    from records.keeping.rules import get_rules
    from records.partitions import tables

    call_command("migrate", verbosity=0)

    class InOneTable(Generator):
        def _make_months(self) -> None:
            """Leave all records where those without a month go."""

    (Generator if by_month else InOneTable)(records, lambda _text: None).run()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    tables.ask("SELECT pg_stat_reset()")
    KeepingRules.objects.create(pk=ONLY, records_days=DAYS_KEPT, contents_days=None, attachments_days=None)
    KeepingRound.objects.create(pk=ONLY)
    spent: dict[str, list[float]] = {stage.value: [] for stage in Stage}
    (before,) = tables.ask("SELECT pg_current_wal_lsn()")
    while (here := KeepingRound.objects.get(pk=ONLY)).ended_at is None and here.stage != Stage.COUNT_HEADS:
        began = time.perf_counter()
        take_step(here, get_rules())
        spent[here.stage].append(time.perf_counter() - began)
    (wal,) = tables.ask("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)", [before])
    (dead,) = tables.ask("SELECT SUM(n_dead_tup) FROM pg_stat_user_tables WHERE relname LIKE 'records_sendingrecord%%'")
    removing = [*spent[Stage.DROP_MONTHS], *spent[Stage.REMOVE_RECORDS]]
    return {
        "records": here.removed_records,
        "months": sum(spent[Stage.DROP_MONTHS]),
        "mails": sum(spent[Stage.REMOVE_RECORDS]),
        "longest": max(removing) * 1000,
        "wal": int(wal),
        "dead": int(dead or 0),
    }


if __name__ == "__main__":
    main()
