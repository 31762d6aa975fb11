"""What an export of the whole record list costs: time, bytes and memory, for both kinds of file and both databases.

    .venv/bin/python -m bench.export [--records 1000000] [--databases postgres,sqlite]

The records are made in the database itself. Each export runs in a process of its own, which reads the response of the
real view piece by piece and throws it away, as a client does that saves it. Memory is what the process has resident:
when the first piece came, and at most until the last one. CPU time is that of the process, without PostgreSQL. Then
the same with a tenth of the records: memory must not differ.

The rows "in the background" are files that a worker writes into the database part by part; "first piece" is the first
part, and MB are those of the file. They read no response: what is stored is checked against the records.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests import services

ROOT = Path(__file__).resolve().parent.parent
ENDINGS = ("csv", "xlsx")
BEHIND = {"csv in the background": "csv", "xlsx in the background": "xlsx", "evidence in the background": "evidence"}
MEGABYTE = 1_000_000


def main() -> None:
    """Make the records and measure, or be one of the processes that do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--databases", default="postgres,sqlite")
    parser.add_argument("--step", choices=("make", *ENDINGS, *BEHIND), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        _be_process(asked.step, asked.records)
    else:
        _measure(asked.databases.split(","), asked.records)


def _measure(databases: list[str], records: int) -> None:
    print(
        "| database | file | records | s | CPU s | records/s | MB | first piece, ms | memory then, MB | at most, MB |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for database in databases:
        for count in (records, records // 10):
            with _database(database) as environment:
                _run("make", count, environment)
                for ending in (*ENDINGS, *BEHIND):
                    print(_row(database, ending, count, json.loads(_run(ending, count, environment))), flush=True)


@contextmanager
def _database(name: str) -> Iterator[dict[str, str]]:
    """Give the environment of processes that work with an empty database of their own."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mailbox-bench-"))
        Path(folder, "static").mkdir()
        own = {
            "MAILBOX_DATA_DIR": folder,
            "SECRET_KEY": "only-for-the-bench-" + "x" * 50,
            "DJANGO_SETTINGS_MODULE": "mailbox_admin.settings",
            "LOG_LEVEL": "WARNING",
        }
        if name == "postgres":
            own["DATABASE_URL"] = stack.enter_context(services.postgres())
        yield {key: value for key, value in os.environ.items() if key != "DATABASE_URL"} | own


def _run(step: str, records: int, environment: dict[str, str]) -> str:
    command = [sys.executable, "-m", "bench.export", "--step", step, "--records", str(records)]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def _row(database: str, ending: str, count: int, found: dict[str, float]) -> str:
    cells = [
        f"{found['seconds']:.1f}",
        f"{found['cpu']:.1f}",
        f"{count / found['seconds']:,.0f}",
        f"{found['bytes'] / MEGABYTE:.1f}",
        f"{found['first'] * 1000:.0f}",
        f"{found['memory_first'] / MEGABYTE:.1f}",
        f"{found['memory_most'] / MEGABYTE:.1f}",
    ]
    return f"| {database} | {ending} | {count:,} | {' | '.join(cells)} |"


def _be_process(step: str, records: int) -> None:
    import django

    django.setup()
    if step == "make":
        _make(records)
    else:
        print(json.dumps(_write_behind(BEHIND[step]) if step in BEHIND else _export(step)))


def _make(records: int) -> None:
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from bench.records.generating import Generator

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("bench")
    Generator(records, lambda _said: None).run()


def _export(ending: str) -> dict[str, float]:
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    from records.models import SendingRecord

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(User.objects.get())
    client.get("/livez")
    began, used = time.monotonic(), time.process_time()
    pieces = iter(client.get(f"/system/setting/mailbox/records/export.{ending}").streaming_content)
    piece = next(pieces)
    size, lines = len(piece), piece.count(b"\r\n")
    first = time.monotonic() - began
    memory_first = _resident()
    memory_most = memory_first
    for number, piece in enumerate(pieces):
        size += len(piece)
        lines += piece.count(b"\r\n")
        if number % 10 == 0:
            memory_most = max(memory_most, _resident())
    if ending == "csv" and lines != SendingRecord.objects.count() + 1:
        raise SystemExit(f"the file has {lines:,} lines, and so not every record")
    return {
        "seconds": time.monotonic() - began,
        "cpu": time.process_time() - used,
        "bytes": size,
        "first": first,
        "memory_first": memory_first,
        "memory_most": max(memory_most, _resident()),
    }


def _write_behind(kind: str) -> dict[str, float]:
    from datetime import date
    from uuid import uuid4

    from django.contrib.auth.models import User

    from records.export import orders
    from records.export.enums import FileKind
    from records.export.models import ExportPiece
    from records.export.writing import write_next
    from records.filters import RecordFilters
    from records.models import SendingRecord

    all_days = RecordFilters(since=date(1970, 1, 1), until=date(2999, 12, 31))
    filters = all_days if kind == FileKind.EVIDENCE else RecordFilters()
    order = orders.give(orders.Asked(ticket=uuid4(), person=User.objects.get(), kind=FileKind(kind), filters=filters))
    began, used = time.monotonic(), time.process_time()
    has_more = write_next(order.pk)
    first = time.monotonic() - began
    memory_most = memory_first = _resident()
    while has_more:
        has_more = write_next(order.pk)
        memory_most = max(memory_most, _resident())
    seconds, cpu = time.monotonic() - began, time.process_time() - used
    order.refresh_from_db()
    if not order.is_ready or order.rows != SendingRecord.objects.count():
        raise SystemExit(f"the file has {order.rows:,} rows, and so not every record")
    ExportPiece.objects.all().delete()
    return {
        "seconds": seconds,
        "cpu": cpu,
        "bytes": order.size,
        "first": first,
        "memory_first": memory_first,
        "memory_most": memory_most,
    }


def _resident() -> int:
    """Read how much memory this process has now, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
