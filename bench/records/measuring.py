"""One database: rows, then the whole page through the real view with a signed-in client. Prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # Django has to be set up first
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench.records.cases import PAIRS, SINGLE, WORST, Case
from bench.records.generating import Generator
from records.forms import FilterForm
from records.listing.views import MAX_COUNTED, PAGE_SIZE
from records.models import SendingRecord
from records.paging import Position, find_position
from records.search.filling import fill
from records.search.finding import count, find_page
from records.search.walks import along_indexes

DEPTH = 100_000
WRITTEN = 20_000


class Bench:
    """The measurements in one database."""

    def __init__(self, rounds: int) -> None:
        """Sign in."""
        user = get_user_model().objects.create_superuser("bench")
        self._client, self._rounds = Client(), rounds
        self._client.force_login(user)
        self._url = reverse("records:list")

    def page(self, case: Case) -> dict[str, Any]:
        """Measure a page, and look at the plans behind it."""
        times = self._time(lambda: self._get(self._url, case.parameters))
        search = self._time(lambda: _search(case.parameters))
        return {"name": case.name, **times, "search": search, "scans": self._scans(case)}

    def stock(self, case: Case) -> dict[str, Any]:
        """Measure the stock admin on the same question."""
        url = reverse("stock:records_sendingrecord_changelist")
        return {"name": case.name, **self._time(lambda: self._get(url, case.stock or {}), most=5)}

    def deep(self) -> dict[str, Any]:
        """Measure the page at a depth."""
        started_at, pk = SendingRecord.objects.newest_first().values_list("started_at", "pk")[DEPTH]
        return self.page(Case(f"the page after {DEPTH:,} records", {"before": str(Position(started_at, pk))}))

    def _get(self, url: str, parameters: dict[str, str]) -> None:
        response = self._client.get(url, parameters)
        if response.status_code != 200:
            raise RuntimeError(f"{url} {parameters}: {response.status_code}")

    def _time(self, ask: Callable[[], None], most: int = 1000) -> dict[str, float]:
        ask()
        times = []
        for _ in range(min(self._rounds, most)):
            began = time.perf_counter()
            ask()
            times.append((time.perf_counter() - began) * 1000)
        times.sort()
        return {"p50": times[len(times) // 2], "p95": times[min(int(len(times) * 0.95), len(times) - 1)]}

    def _scans(self, case: Case) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            self._get(self._url, case.parameters)
        asked = [query["sql"] for query in captured if "records_sendingrecord" in query["sql"]]
        return [statement[:300] for statement in asked if _reads_all(statement)]


def _search(parameters: dict[str, str]) -> None:
    form = FilterForm(parameters, senders=(), templates=())
    if not form.is_valid():
        raise RuntimeError(str(form.errors))
    find_page(form.filters(), PAGE_SIZE, before=find_position(parameters.get("before", "")))
    count(form.filters(), MAX_COUNTED)


def _reads_all(statement: str) -> bool:
    """Tell whether a statement reads the whole table of records, by its plan."""
    plan = _plan(statement)
    if connection.vendor != "sqlite":
        return any("Seq Scan on records_sendingrecord" in line for line in plan)
    # What is walked along goes by the name of the table there, and is read as a whole.
    scans = [line for line in plan if line.startswith("SCAN record") and "USING" not in line]
    walks = [line for line in plan if line in {"CO-ROUTINE record", "MATERIALIZE record"}]
    return len(scans) > len(walks)


def _plan(statement: str) -> list[str]:
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with along_indexes(), connection.cursor() as cursor:
        cursor.execute(f"{explain} {statement}")
        return [str(row[-1]) for row in cursor.fetchall()]


def _sizes() -> dict[str, int]:
    if connection.vendor == "sqlite":
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relname IN ('records_sendingrecord', "
            "'known_address_by_part', 'records_knownaddress') OR relname LIKE 'record_by_%' ORDER BY 1"
        )
        return dict(cursor.fetchall())


def _write_cost(without: Iterable[str]) -> float:
    """Return the microseconds that a record takes to be written, without some indexes; nothing is kept."""
    names = [f.column for f in SendingRecord._meta.concrete_fields if f.column not in {"id", "epoch"}]
    columns = ", ".join(names)
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        for name in without:
            cursor.execute(f"DROP INDEX {name}")
        began = time.perf_counter()
        cursor.execute(
            f"INSERT INTO records_sendingrecord (epoch, {columns}) SELECT 99, {columns} FROM records_sendingrecord "
            f"ORDER BY (id * 7919) % 1000003 LIMIT {WRITTEN}"
        )
        seconds = time.perf_counter() - began
        cursor.execute("ROLLBACK")
    return seconds / WRITTEN * 1e6


def main(count: int, rounds: int) -> None:
    """Make the rows, measure, print."""
    say = lambda text: print(text, file=sys.stderr)  # noqa: E731
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("migrate", verbosity=0)
    Generator(count, say).run()
    began = time.monotonic()
    fill(seconds=3600)
    filled = time.monotonic() - began
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    bench = Bench(rounds)
    found: dict[str, Any] = {"database": connection.vendor, "count": count, "filled": filled}
    found["single"] = [bench.page(case) for case in SINGLE]
    if count > DEPTH:
        found["single"].append(bench.deep())
    found["pairs"] = [bench.page(case) for case in PAIRS]
    found["worst"] = [bench.page(case) for case in WORST]
    found["stock"] = [bench.stock(case) for case in SINGLE if case.stock is not None]
    found["sizes"] = _sizes()
    _write_cost([])  # so that neither finds the tables cold
    found["write"] = {"with": _write_cost([]), "without": _write_cost(["record_by_receiver"])}
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
