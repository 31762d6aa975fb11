"""How fast mail goes out, beside what a Django team could pick instead: `python -m bench.delivery`."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
