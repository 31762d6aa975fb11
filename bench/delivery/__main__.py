"""The command: `python -m bench.delivery [PART …]`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path

from bench.delivery import comparison, peers_run
from bench.delivery.report import bars_table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.delivery", description=__doc__)
    parser.add_argument("parts", nargs="*", default=["peers"], help="peers (the default)")
    parser.add_argument("--count", type=int, default=5000, help="mails per run (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (%(default)s)")
    parser.add_argument("--sizes", default="2000,20000", help="bytes of a mail, comma-separated (%(default)s)")
    parser.add_argument("--databases", default="postgres,sqlite", help="of the comparison (%(default)s)")
    parser.add_argument("--only", default="", help="contestants whose name has this in it")
    parser.add_argument("--quick", action="store_true", help="500 mails of 2 KB, one round")
    parser.add_argument("--markdown", type=Path, help="also write the tables there")
    parser.add_argument("--json", type=Path, help="also write every single run there")
    return parser


def main() -> None:
    """Run what was asked for and print its tables."""
    options = _parser().parse_args()
    if options.quick:
        options.count, options.rounds, options.sizes = 500, 1, "2000"
    with tempfile.TemporaryDirectory(prefix="mailbox-bench-") as name:
        chosen = peers_run.Options(
            options.count, options.rounds, tuple(map(int, options.sizes.split(","))), options.only,
            tuple(options.databases.split(",")),
        )  # fmt: skip
        found = peers_run.compare(chosen, Path(name))
    tables = [*comparison.tables(found), bars_table(comparison.bars(found))]
    print("\n" + "\n".join(table.as_text() for table in tables))
    if options.markdown:
        options.markdown.write_text("\n".join(table.as_markdown() for table in tables))
    if options.json:
        rounds = {name: [list(map(dataclasses.asdict, one)) for one in results] for name, results in found.items()}
        options.json.write_text(json.dumps(rounds, indent=1))


if __name__ == "__main__":
    main()
