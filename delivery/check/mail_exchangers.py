"""Which provider hosts a domain, told by its mail exchangers; the table is data."""

import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from senders.presets import Preset, find_preset

EXCHANGERS_FILE = Path(__file__).parent.parent / "data" / "mail_exchangers.toml"


def _read_table() -> tuple[tuple[tuple[str, ...], str], ...]:
    tables = tomllib.loads(EXCHANGERS_FILE.read_text(encoding="utf-8"))["mail_exchangers"]
    return tuple((tuple(table["patterns"]), str(table["preset"])) for table in tables)


_TABLE = _read_table()


def find_preset_by_exchangers(hosts: Iterable[str]) -> Preset | None:
    """Return the preset of the provider that runs one of these hosts, the first that is known."""
    return next(filter(None, map(_find_by_host, hosts)), None)


def _find_by_host(host: str) -> Preset | None:
    key = next((key for patterns, key in _TABLE if any(fnmatchcase(host, one) for one in patterns)), None)
    return find_preset(key) if key else None
