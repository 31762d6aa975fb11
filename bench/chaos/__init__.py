"""What survives: real workers, PostgreSQL, Redis and postfix, hurt on purpose. `python -m bench.chaos`; see __main__.py."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
