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

from bench.delivery.report import bars_table, put_into
from bench.delivery.servers import peers_python
from bench.records import tables
from tests import services

MARKS = ("<!-- figures: written by bench.records -->", "<!-- end of figures of bench.records -->")
MAX_ON_SQLITE = 1_000_000
"""Larger histories are for PostgreSQL."""
_POSTGRES = (
    "shared_buffers=4GB", "effective_cache_size=16GB", "work_mem=64MB", "max_wal_size=16GB", "checkpoint_timeout=1h",
    "synchronous_commit=off", "autovacuum=off", "max_parallel_maintenance_workers=2",
)  # fmt: skip
"""Made for loading rows; what is measured only reads. The bench vacuums itself, so that nothing else does meanwhile."""


def _measure(options: argparse.Namespace, database: str, rows: int, folder: Path) -> dict[str, Any]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "bench.records.settings", "SECRET_KEY": "bench" * 12}
    environment["MAILBOX_DATA_DIR"] = str(folder)
    environment.pop("DATABASE_URL", None)
    post_office = "" if options.alone else str(peers_python())
    command = [sys.executable, "-m", "bench.records.measuring", str(rows), str(options.rounds), post_office]
    if database == "sqlite":
        return _run(command, environment)
    if options.prepared:
        return _run(command, {**environment, "DATABASE_URL": options.prepared[options.rows.index(rows)]})
    with services.postgres(_POSTGRES) as url:
        return _run(command, {**environment, "DATABASE_URL": url})


def _run(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measure_all(options: argparse.Namespace) -> list[dict[str, Any]]:
    everything = []
    for database in ("postgres", "sqlite") if options.database == "both" else (options.database,):
        for rows in options.rows:
            if database == "sqlite" and rows > MAX_ON_SQLITE:
                continue
            with tempfile.TemporaryDirectory(prefix="mailbox-bench-") as name:
                found = _measure(options, database, rows, Path(name))
            everything.append(found)
            if options.json:
                options.json.write_text(json.dumps(everything, indent=1))
            print("\n" + "\n".join(table.as_text() for table in tables.tables(found)), flush=True)
            for row in tables.pages(found):
                for statement in row["scans"]:
                    print(f"scans: {row['name']}: {statement[:300]}", file=sys.stderr)
    return everything


def _sizes(text: str) -> list[int]:
    return sorted(int(size) for size in text.split(","))


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.records", description=__doc__)
    parser.add_argument(
        "--rows", type=_sizes, default=[1_000_000], help="records; several sizes, with commas, show growth (1000000)"
    )
    parser.add_argument("--rounds", type=int, default=50, help="times that each page is asked for (%(default)s)")
    parser.add_argument("--database", choices=("postgres", "sqlite", "both"), default="both", help="%(default)s")
    parser.add_argument("--alone", action="store_true", help="leave post_office's admin out")
    parser.add_argument(
        "--prepared",
        metavar="URL",
        nargs="+",
        help="PostgreSQL databases of your own, one for each size; rows of an earlier run are used again",
    )
    parser.add_argument("--markdown", type=Path, help="also write the tables there")
    parser.add_argument("--into", type=Path, help="also write them between the marks of this document")
    parser.add_argument("--json", type=Path, help="also write what was measured there")
    options = parser.parse_args()
    if options.prepared and len(options.prepared) != len(options.rows):
        parser.error("--prepared takes one database for each size of --rows")
    made, limits = tables.all_tables(_measure_all(options))
    made.append(bars_table(limits))
    print(
        "\n" + "\n".join(table.as_text() for table in made if table.title == "Bars" or table.title.startswith("From"))
    )
    if options.markdown:
        options.markdown.write_text("\n".join(table.as_markdown() for table in made))
    if options.into:
        put_into(options.into, made, MARKS)


if __name__ == "__main__":
    main()
