"""Hurt an installation and see that nothing is lost.

    python -m bench.chaos                      # every scenario, each in a world of its own; about half an hour
    python -m bench.chaos kills smtp-silent    # some of them
    python -m bench.chaos --quick              # a fifth of everything, to see that it runs
    python -m bench.chaos --markdown docs/reliability.md   # puts the table between the marks in that file
    python -m bench.chaos --results rows.json kills        # keeps the rows of other scenarios from runs before

Real worker processes, a durable PostgreSQL, Redis and Debian's postfix, all on loopback, all started and ended by this
command; needs root for postfix, a C compiler for the clocks. The seed decides what is hit, not when.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from bench.chaos import ROOT
from bench.chaos.report import Row, as_markdown, as_text, merge, put_between_marks
from bench.chaos.scenarios import SCENARIOS


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(names))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a fifth of everything")
    parser.add_argument("--markdown", type=Path, help="a file with the marks that the table goes between")
    parser.add_argument("--results", type=Path, help="a file that keeps the rows of all runs, the latest of each")
    parser.add_argument("--keep", type=Path, help="a folder for the logs of what failed")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that one scenario may take (%(default)s)")
    parser.add_argument("--play", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [name for name in options.scenarios if name not in names]
    if unknown:
        parser.error(f"there is no scenario {unknown[0]!r}")
    return options


def main() -> int:
    """Play each scenario in a process of its own, and show the table."""
    options = _options()
    if options.play:
        from bench.chaos.play import play

        print(json.dumps(play(options.play, options.seed, 0.2 if options.quick else 1.0, options.keep)))
        return 0
    rows = []
    for scenario in SCENARIOS:
        if not options.scenarios or scenario.name in options.scenarios:
            print(f"{scenario.name}: {scenario.what} …", file=sys.stderr, flush=True)
            rows.append(_play_apart(scenario.name, options))
            print(as_text(rows[-1:]), file=sys.stderr, flush=True)
    if options.results:
        rows = merge(options.results, rows, [scenario.name for scenario in SCENARIOS])
    print(as_text(rows))
    if options.markdown:
        put_between_marks(options.markdown, as_markdown(rows))
    return 0 if all(row.holds for row in rows) else 1


def _play_apart(name: str, options: argparse.Namespace) -> Row:
    command = [sys.executable, "-m", "bench.chaos", "--play", name, "--seed", str(options.seed)]
    command += ["--quick"] if options.quick else []
    command += ["--keep", str(options.keep)] if options.keep else []
    begun = time.monotonic()
    try:
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=options.limit)
    except subprocess.TimeoutExpired:
        return Row.broken(name, "took too long", time.monotonic() - begun)
    if finished.returncode:
        return Row.broken(name, finished.stderr.strip()[-1500:], time.monotonic() - begun)
    return Row(**json.loads(finished.stdout.splitlines()[-1]))


if __name__ == "__main__":
    sys.exit(main())
