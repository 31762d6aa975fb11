"""From the results of the main comparison to its tables and bars: ratios within a round, then their median."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.delivery.measure import Result
from bench.delivery.report import Bar, Table, spread

TITLES = {"postgres": "PostgreSQL and Redis", "sqlite": "SQLite, no Redis"}
OURS, OURS_TWO = "ours, 1 worker", "ours, 2 workers"
PINNED, ONE_TASK = "smtplib, one connection, pinned", "a Celery task per mail"

Rounds = Sequence[Sequence[Result]]


def tables(found: dict[str, list[list[Result]]]) -> list[Table]:
    """Make a table per database and size."""
    made = []
    for database, rounds in found.items():
        for size in sorted({result.size for results in rounds for result in results}):
            made.append(_table(f"{TITLES[database]}, mails of {size / 1000:g} KB", rounds, size))
    return made


def _table(title: str, rounds: Rounds, size: int) -> Table:
    names = list(dict.fromkeys(result.name for results in rounds for result in results))
    header = (
        "", "mails/s", "ours is", "CPU-ms per mail", "of it the worker's", "SQL statements", "commits", "peak MB",
        "others' cores",
    )  # fmt: skip
    rows = []
    for name in names:
        mine = [result for results in rounds for result in results if (result.name, result.size) == (name, size)]
        ratios = _ratios(rounds, size, OURS, lambda other, name=name: other == name)
        rows.append((
            name, spread([one.rate for one in mine]), f"{spread(ratios, '.2f')} ×",
            spread([one.cpu for one in mine], ".3f"), spread([one.cpu_of_worker for one in mine], ".3f"),
            _counted([one.statements for one in mine]), _counted([one.commits for one in mine]),
            spread([one.memory for one in mine]), spread([one.foreign for one in mine], ".2f"),
        ))  # fmt: skip
    return Table(title, header, tuple(rows))


def _counted(values: Sequence[float | None]) -> str:
    return spread([value for value in values if value is not None], ".3f")


def _rate(results: Sequence[Result], size: int, is_wanted: Callable[[str], bool]) -> float | None:
    """Return the best rate of a round among the wanted."""
    rates = [result.rate for result in results if result.size == size and is_wanted(result.name)]
    return max(rates) if rates else None


def _ratios(rounds: Rounds, size: int, ours: str, is_wanted: Callable[[str], bool]) -> tuple[float, ...]:
    ratios = []
    for results in rounds:
        mine, theirs = _rate(results, size, lambda name: name == ours), _rate(results, size, is_wanted)
        if mine and theirs:
            ratios.append(mine / theirs)
    return tuple(ratios)


def _is_post_office(name: str) -> bool:
    return name.startswith("post_office")


def bars(found: dict[str, list[list[Result]]]) -> list[Bar]:
    """Make the bars of every size that was run."""
    made: list[Bar] = []
    for size in sorted({result.size for rounds in found.values() for results in rounds for result in results}):
        made += _bars_of_postgres(found.get("postgres", []), size)
        label = f"SQLite, {size / 1000:g} KB: post_office's best mode"
        made.append(Bar(label, _ratios(found.get("sqlite", []), size, OURS, _is_post_office), 4))
    return made


def _bars_of_postgres(rounds: Rounds, size: int) -> list[Bar]:
    label = f"{size / 1000:g} KB: "
    mine = [result for results in rounds for result in results if (result.name, result.size) == (OURS, size)]
    statements = tuple(one.statements for one in mine if one.statements is not None)
    return [
        Bar(f"{label}post_office's best mode", _ratios(rounds, size, OURS, _is_post_office), 5, stretch=8),
        Bar(f"{label}two workers to one", _ratios(rounds, size, OURS_TWO, lambda name: name == OURS), 1.3),
        Bar(f"{label}smtplib pinned to a core", _ratios(rounds, size, OURS, PINNED.__eq__), 0.4, stretch=0.7),
        Bar(f"{label}a Celery task and a record per mail", _ratios(rounds, size, OURS, ONE_TASK.__eq__), 30),
        Bar(f"{label}CPU per mail, all processes", tuple(one.cpu for one in mine), 0.25, False, "ms", ".3f"),
        Bar(f"{label}SQL statements per mail", statements, 0.3, False, "", ".3f"),
        Bar(f"{label}peak memory of the worker", tuple(one.memory for one in mine), 100, False, "MB", ".0f"),
    ]  # fmt: skip
