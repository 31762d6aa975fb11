"""What survives: real workers, PostgreSQL, Redis and postfix, hurt on purpose. `python -m bench.chaos`."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
