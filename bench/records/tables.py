"""From what was measured to tables and bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bench.delivery.report import Bar, Table, spread

Found = dict[str, Any]
PAGE_BAR, DASHBOARD_BAR, GROWTH_BAR = 50, 100, 1.5
_HEADER = ("ms", "page, p50", "p95", "of it the search, p50", "p95")


def where(found: Found) -> str:
    """Name a database and its size."""
    return f"{'SQLite' if found['database'] == 'sqlite' else 'PostgreSQL'}, {found['count']:,} records"


def pages(found: Found) -> list[Found]:
    """List all pages of the list that were measured."""
    return [*found["single"], *found["pairs"], *found["worst"]]


def tables(found: Found) -> list[Table]:
    """Make the tables of one database at one size."""
    stock, post_office = ({row["name"]: row["p50"] for row in found[who]} for who in ("stock", "post_office"))
    others = ("stock admin, p50", "ratio", "post_office's admin, p50", "ratio")
    single = tuple((*_cells(row), *_ratio(row, stock), *_ratio(row, post_office)) for row in found["single"])
    return [
        Table(f"{where(found)}: each filter alone", (*_HEADER, *others), single),
        Table(f"{where(found)}: pairs", _HEADER, tuple(map(_cells, found["pairs"]))),
        Table(f"{where(found)}: the worst", _HEADER, tuple(map(_cells, found["worst"]))),
        _dashboard(found),
        _costs(found),
        _plans(found),
    ]


def _cells(row: Found) -> tuple[str, ...]:
    times = (row["p50"], row["p95"], row["search"]["p50"], row["search"]["p95"])
    return row["name"], *(f"{milliseconds:.1f}" for milliseconds in times)


def _ratio(row: Found, others: dict[str, float]) -> tuple[str, str]:
    theirs = others.get(row["name"])
    return (f"{theirs:.0f}", f"{theirs / row['p50']:.1f} ×") if theirs else ("–", "–")


def _dashboard(found: Found) -> Table:
    rows = tuple((row["name"], f"{row['p50']:.1f}", f"{row['p95']:.1f}") for row in found["dashboard"])
    return Table(f"{where(found)}: the dashboard, by its span", ("ms", "page, p50", "p95"), rows)


def _costs(found: Found) -> Table:
    rows = [(f"{name}, MB", f"{size / 1e6:.1f}") for name, size in found["sizes"].items()]
    rows.append(("µs to write a record, many in a statement", spread(found["write"]["with"], ".1f")))
    rows.append(("the same without the index of receivers", spread(found["write"]["without"], ".1f")))
    if found["filled"] is not None:
        rows.append(("seconds to note the addresses of all records", f"{found['filled']:.1f}"))
    return Table(f"{where(found)}: what it costs", ("", ""), tuple(rows))


def _plans(found: Found) -> Table:
    rows = tuple((row["name"], row["plan"]) for row in pages(found))
    scanning = [row["name"] for row in (*pages(found), *found["dashboard"]) if row["scans"]]
    note = f"Statements that read a whole table of records: {', '.join(scanning) or 'none'}."
    return Table(f"{where(found)}: how records are found", ("", "plan"), rows, note)


def growth_table(small: Found, large: Found) -> Table:
    """Compare one database at two sizes."""
    rows = tuple(
        (name, f"{first:.1f}", f"{second:.1f}", f"{second / first:.2f} ×")
        for name, first, second in _grown(small, large)
    )
    title = f"From {where(small)} to {large['count']:,}: the page, p50"
    return Table(title, ("ms", f"{small['count']:,}", f"{large['count']:,}", "growth"), rows)


def _grown(small: Found, large: Found) -> Iterable[tuple[str, float, float]]:
    before = {row["name"]: row["p50"] for row in pages(small)}
    return [(row["name"], before[row["name"]], row["p50"]) for row in pages(large) if row["name"] in before]


def bars(found: Found) -> list[Bar]:
    """Make the bars of one database at one size."""
    label = where(found)
    slowest = max(pages(found), key=lambda row: float(row["p95"]))
    made = [
        Bar(f"{label}: the slowest page ({slowest['name']}), p95", (slowest["p95"],), PAGE_BAR, False, "ms", ".0f"),
        Bar(
            f"{label}: pages over {PAGE_BAR} ms, of {len(pages(found))}",
            (float(sum(row["p95"] > PAGE_BAR for row in pages(found))),), 0, False, "", ".0f",
        ),
        Bar(
            f"{label}: the slowest dashboard, p95",
            (max(row["p95"] for row in found["dashboard"]),), DASHBOARD_BAR, False, "ms", ".0f",
        ),
        Bar(
            f"{label}: statements that scan",
            (float(sum(len(row["scans"]) for row in pages(found))),), 0, False, "", ".0f",
        ),
    ]  # fmt: skip
    deepest = found["single"][-1]
    if "to_first" in deepest:
        made.append(Bar(f"{label}: {deepest['name']}, to the first", (deepest["to_first"],), 1.1, False))
    return made


def growth_bars(small: Found, large: Found) -> list[Bar]:
    """Make the bar of growth, by the page that grew most."""
    name, first, second = max(_grown(small, large), key=lambda each: each[2] / each[1])
    label = f"{where(small)} to {large['count']:,}: the page that grew most ({name})"
    return [Bar(label, (second / first,), GROWTH_BAR, False)]


def all_tables(everything: Sequence[Found]) -> tuple[list[Table], list[Bar]]:
    """Make all tables and bars, in the order of what was measured."""
    made = [table for found in everything for table in tables(found)]
    limits = [bar for found in everything for bar in bars(found)]
    for database in dict.fromkeys(found["database"] for found in everything):
        small, *larger = sorted((f for f in everything if f["database"] == database), key=lambda f: int(f["count"]))
        for large in larger:
            made.append(growth_table(small, large))
            limits += growth_bars(small, large)
    return made, limits
