"""The bench can be run; what it measures is nobody's business here."""

import subprocess
import sys

from tests.setup.processes import ROOT


def test_the_bench_sends_mail_through_a_real_worker_and_prints_its_table() -> None:
    little = ["--quick", "--count", "20", "--databases", "sqlite", "--only", "ours"]
    command = [sys.executable, "-m", "bench.delivery", *little]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    first_words = [line.split(" ")[0] for line in finished.stdout.splitlines() if line.startswith("ours, 1 worker")]
    assert (finished.returncode, first_words) == (0, ["ours,"]), finished.stderr


def test_the_bench_of_exports_reads_every_record() -> None:
    command = [sys.executable, "-m", "bench.export", "--records", "2500", "--databases", "sqlite"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    first_words = [line.split(" | ")[1:3] for line in finished.stdout.splitlines() if line.startswith("| sqlite")]
    files = ("csv", "xlsx", "csv in the background", "xlsx in the background", "evidence in the background")
    expected = [[file, count] for count in ("2,500", "250") for file in files]
    assert (finished.returncode, first_words) == (0, expected), finished.stderr
