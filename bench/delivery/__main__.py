"""How fast mail goes out, beside what a Django team could pick instead; see bench/README.md."""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.delivery import accepting, comparison, far, peers_run, profile, scale, waiting
from bench.delivery.processes import set_niceness
from bench.delivery.report import Bar, Table, bars_table, put_into

Part = Callable[[argparse.Namespace, Path], tuple[list[Table], list[Bar]]]


def _peers(options: argparse.Namespace, folder: Path) -> tuple[list[Table], list[Bar]]:
    sizes = tuple(map(int, options.sizes.split(",")))
    databases = tuple(options.databases.split(","))
    chosen = peers_run.Options(options.count, options.rounds, sizes, options.only, databases, options.patience)
    found = peers_run.compare(chosen, folder)
    if options.json:
        rounds = {name: [list(map(dataclasses.asdict, one)) for one in results] for name, results in found.items()}
        options.json.write_text(json.dumps(rounds, indent=1))
    return comparison.tables(found), comparison.bars(found)


def _profile(options: argparse.Namespace, folder: Path) -> tuple[list[Table], list[Bar]]:
    profile.near(folder, options.count, int(options.sizes.split(",")[0]))
    profile.far(folder, options.count)
    return [], []


PARTS: dict[str, Part] = {
    "peers": _peers,
    "far": lambda options, folder: far.far(folder, options.rounds, scale=0.1 if options.quick else 1.0),
    "curve": lambda options, folder: scale.curve(folder, options.rounds, most=options.most),
    "accept": lambda options, folder: accepting.accept(folder, options.rounds, count=1000 if options.quick else 10_000),
    "latency": lambda options, folder: waiting.latency(folder, count=20 if options.quick else 200),
    "idle": lambda options, folder: waiting.idle(folder, seconds=10 if options.quick else 60),
    "memory": lambda options, folder: scale.memory(folder, count=5000 if options.quick else 100_000),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.delivery", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART",
        help=f"{', '.join(PARTS)} (without any: peers), all of them, or profile",
    )  # fmt: skip
    parser.add_argument("--count", type=int, default=5000, help="mails per run of the comparison (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (%(default)s)")
    parser.add_argument("--sizes", default="2000,20000", help="bytes of a mail, comma-separated (%(default)s)")
    parser.add_argument("--databases", default="postgres,sqlite", help="of the comparison (%(default)s)")
    parser.add_argument("--only", default="", help="of the comparison, those whose name has this in it")
    parser.add_argument(
        "--most", type=int, default=1_000_000, help="mails waiting at the end of the curve (%(default)s)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="only see whether it runs: little of everything, one round"
    )
    parser.add_argument(
        "--patience", type=float, default=0,
        help="seconds to wait before each run of the comparison until others use less than 0.3 cores (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--nice", type=int, default=0, help="niceness of all sessions of the bench, such as -10, as root"
    )
    parser.add_argument("--into", type=Path, help="also write the tables into that document, between its marks")
    parser.add_argument("--markdown", type=Path, help="also write the tables there")
    parser.add_argument("--json", type=Path, help="also write every run of the comparison there")
    return parser


def _options() -> argparse.Namespace:
    options = _parser().parse_args()
    if options.quick:
        options.count, options.rounds, options.sizes, options.most = min(options.count, 500), 1, "2000", 10_000
    options.parts = list(PARTS) if options.parts == ["all"] else options.parts or ["peers"]
    unknown = [part for part in options.parts if part not in {*PARTS, "profile"}]
    if unknown:
        _parser().error(f"there is no part {unknown[0]!r}")
    return options


def main() -> None:
    """Run what was asked for; the tables come at the end, and every run as it happens."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every server of ours is ended on the way
    set_niceness(options.nice)
    tables: list[Table] = []
    bars: list[Bar] = []
    for part in options.parts:
        print(f"{part} …", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="mailbox-bench-") as name:
            more_tables, more_bars = {**PARTS, "profile": _profile}[part](options, Path(name))
        tables += more_tables
        bars += more_bars
    if bars:
        tables.append(bars_table(bars))
    print("\n" + "\n".join(table.as_text() for table in tables))
    if options.into:
        put_into(options.into, tables)
    if options.markdown:
        options.markdown.write_text("\n".join(table.as_markdown() for table in tables))


if __name__ == "__main__":
    main()
