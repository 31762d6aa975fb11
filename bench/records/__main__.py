"""How fast the record list is on a large history; see bench/README.md."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.delivery.report import Table
from tests import services

_POSTGRES = ("shared_buffers=1GB", "max_wal_size=8GB", "synchronous_commit=off", "autovacuum=off")
"""Made for loading rows; what is measured only reads. The bench vacuums itself, so that nothing else does meanwhile."""


def _measure(options: argparse.Namespace, database: str, folder: Path) -> dict[str, Any]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "bench.records.settings", "SECRET_KEY": "bench" * 12}
    environment["MAILBOX_DATA_DIR"] = str(folder)
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "-m", "bench.records.measuring", str(options.rows), str(options.rounds)]
    if database == "sqlite":
        return _run(command, environment)
    with services.postgres(_POSTGRES) as url:
        return _run(command, {**environment, "DATABASE_URL": url})


def _run(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _tables(found: dict[str, Any]) -> list[Table]:
    where = f"{'SQLite' if found['database'] == 'sqlite' else 'PostgreSQL'}, {found['count']:,} records"
    stock = {row["name"]: row["p50"] for row in found["stock"]}
    header = ("ms", "page, p50", "p95", "of it the search, p50", "p95", "scans of records")
    tables = [
        Table(
            f"{where}: each filter alone", (*header, "stock admin, p50", "ratio"),
            tuple((*_cells(row), *_ratio(row, stock)) for row in found["single"]),
        ),
        Table(f"{where}: pairs", header, tuple(map(_cells, found["pairs"]))),
        Table(f"{where}: the worst", header, tuple(map(_cells, found["worst"]))),
    ]  # fmt: skip
    return [*tables, _costs(where, found)]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    times = (row["p50"], row["p95"], row["search"]["p50"], row["search"]["p95"])
    return row["name"], *(f"{milliseconds:.1f}" for milliseconds in times), str(len(row["scans"]))


def _ratio(row: dict[str, Any], stock: dict[str, float]) -> tuple[str, str]:
    theirs = stock.get(row["name"])
    return (f"{theirs:.0f}", f"{theirs / row['p50']:.1f} ×") if theirs else ("–", "–")


def _costs(where: str, found: dict[str, Any]) -> Table:
    write = found["write"]
    rows = [(f"{name}, MB", f"{size / 1e6:.1f}") for name, size in found["sizes"].items()]
    rows.append(("µs to write a record, in bulk", f"{write['with']:.1f}"))
    rows.append(("the same without the index of receivers", f"{write['without']:.1f}"))
    rows.append(("seconds to note the addresses of all records", f"{found['filled']:.1f}"))
    return Table(f"{where}: what it costs", ("", ""), tuple(rows))


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.records", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="records (%(default)s)")
    parser.add_argument("--rounds", type=int, default=20, help="times that each page is asked for (%(default)s)")
    parser.add_argument("--database", choices=("postgres", "sqlite", "both"), default="both", help="%(default)s")
    parser.add_argument("--markdown", type=Path, help="also write the tables there")
    options = parser.parse_args()
    tables: list[Table] = []
    for database in ("postgres", "sqlite") if options.database == "both" else (options.database,):
        with tempfile.TemporaryDirectory(prefix="mailbox-bench-") as name:
            found = _measure(options, database, Path(name))
        for row in (*found["single"], *found["pairs"], *found["worst"]):
            for statement in row["scans"]:
                print(f"scans: {row['name']}: {statement}", file=sys.stderr)
        tables += _tables(found)
        print("\n" + "\n".join(table.as_text() for table in tables[-4:]))
    if options.markdown:
        options.markdown.write_text("\n".join(table.as_markdown() for table in tables))


if __name__ == "__main__":
    main()
