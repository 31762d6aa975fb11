"""One database: rows, then whole pages through the real views with a signed-in client. Prints JSON."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # Django has to be set up first
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench.records import costs, plans
from bench.records.cases import PAIRS, SINGLE, WORST, Case
from bench.records.generating import Generator
from mailbox_admin.memory import settle_memory
from records.filters import RecordFilters
from records.forms import FilterForm
from records.listing.views import MAX_COUNTED, PAGE_SIZE
from records.models import SendingRecord
from records.overview.spans import Span
from records.paging import Position, find_position
from records.search.filling import fill
from records.search.finding import find_and_count, find_page

DEPTH = 100_000
POST_OFFICE = Path(__file__).resolve().parent / "post_office" / "asking.py"
ROUNDS_ELSEWHERE = 5
"""The others are so slow that more rounds would tell nothing else."""


class Bench:
    """The measurements in one database."""

    def __init__(self, rounds: int) -> None:
        """Sign in."""
        people = get_user_model().objects
        user = people.filter(username="bench").first() or people.create_superuser("bench")
        self._client, self._rounds = Client(), rounds
        self._client.force_login(user)
        self._url = reverse("records:list")

    def page(self, case: Case) -> dict[str, Any]:
        """Measure a page, and look at the plans behind it."""
        times = self._time(lambda: self._get(self._url, case.parameters))
        search = self._time(lambda: _search(case.parameters))
        with CaptureQueriesContext(connection) as of_page:
            self._get(self._url, case.parameters)
        with CaptureQueriesContext(connection) as of_search:
            find_page(_filters(case.parameters), PAGE_SIZE, before=find_position(case.parameters.get("before", "")))
        scans = plans.list_scans(of_page)
        return {"name": case.name, **times, "search": search, "scans": scans, "plan": plans.describe(of_search)}

    def stock(self, case: Case) -> dict[str, Any]:
        """Measure the stock admin on the same question."""
        url = reverse("stock:records_sendingrecord_changelist")
        return {"name": case.name, **self._time(lambda: self._get(url, case.stock or {}), most=ROUNDS_ELSEWHERE)}

    def dashboard(self) -> Iterator[dict[str, Any]]:
        """Measure the dashboard with each of its spans."""
        url = reverse("records:overview")
        for span in Span:
            asked = {"span": str(span)}
            with CaptureQueriesContext(connection) as captured:
                self._get(url, asked)
            times = self._time(lambda asked=asked: self._get(url, asked))  # type: ignore[misc]
            yield {"name": str(span), **times, "scans": plans.list_scans(captured)}

    def deep(self) -> dict[str, Any]:
        """Measure the page at a depth, and compare it with the first, in turn: pages differ less than minutes do."""
        started_at, pk = SendingRecord.objects.newest_first().values_list("started_at", "pk")[DEPTH]
        case = Case(f"the page after {DEPTH:,} records", {"before": str(Position(started_at, pk))})
        first, deep = (partial(self._get, self._url, asked) for asked in ({}, case.parameters))
        ratios = [_milliseconds(deep) / _milliseconds(first) for _ in range(self._rounds)]
        return {**self.page(case), "to_first": statistics.median(ratios)}

    def _get(self, url: str, parameters: dict[str, str]) -> None:
        response = self._client.get(url, parameters)
        if response.status_code != 200:
            raise RuntimeError(f"{url} {parameters}: {response.status_code}")

    def _time(self, ask: Callable[[], None], most: int = 1000) -> dict[str, float]:
        ask()
        times = sorted(_milliseconds(ask) for _ in range(min(self._rounds, most)))
        # By nearest rank: so many of hundred are not above it.
        return {"p50": times[math.ceil(len(times) * 0.5) - 1], "p95": times[math.ceil(len(times) * 0.95) - 1]}


def _milliseconds(ask: Callable[[], None]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def _filters(parameters: dict[str, str]) -> RecordFilters:
    form = FilterForm(parameters, person=None)
    if not form.is_valid():
        raise RuntimeError(str(form.errors))
    return form.filters()


def _search(parameters: dict[str, str]) -> None:
    before = find_position(parameters.get("before", ""))
    find_and_count(_filters(parameters), PAGE_SIZE, MAX_COUNTED, before=before)


def _ask_post_office(python: str) -> list[dict[str, Any]]:
    """Let post_office copy the records and answer what it can, in a process of its own on the same database."""
    asked = json.dumps([(case.name, case.post_office) for case in SINGLE if case.post_office is not None])
    records = str(connection.settings_dict["NAME"])
    environment = {**os.environ}
    if connection.vendor == "sqlite":
        environment["DATABASE_URL"] = f"sqlite:{Path(records).with_name('post_office.sqlite3')}"
    command = [python, str(POST_OFFICE), records, str(ROUNDS_ELSEWHERE)]
    done = subprocess.run(command, input=asked, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def _prepare(rows: int, say: Callable[[str], None]) -> float | None:
    """Make the rows; returns the seconds that noting their addresses took, None where an earlier run made them."""
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("migrate", verbosity=0)
    present = SendingRecord.objects.order_by().values("pk")[: rows + 1].count()
    if present == rows:
        _vacuum()  # an earlier run measured writing, and took back what it wrote
        return None
    if present:
        raise SystemExit(f"the database has {present:,} records or more already, not {rows:,}")
    Generator(rows, say).run()
    began = time.monotonic()
    fill(seconds=3600)
    filled = time.monotonic() - began
    say(f"noted the addresses in {filled:.0f} s")
    _vacuum()
    return filled


def _vacuum() -> None:
    with connection.cursor() as cursor:
        # Few dead rows in so many would be left in the indexes, at the very ends where pages begin.
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM (INDEX_CLEANUP ON, ANALYZE)")


def main(rows: int, rounds: int, post_office: str) -> None:
    """Make the rows, measure, print."""
    say = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731
    filled = _prepare(rows, say)
    settle_memory()
    bench = Bench(rounds)
    found: dict[str, Any] = {"database": connection.vendor, "count": rows, "filled": filled}
    found["single"] = [bench.page(case) for case in SINGLE]
    if rows > DEPTH:
        found["single"].append(bench.deep())
    say("measured each filter alone")
    found["pairs"] = [bench.page(case) for case in PAIRS]
    found["worst"] = [bench.page(case) for case in WORST]
    found["dashboard"] = list(bench.dashboard())
    say("measured pairs, the worst and the dashboard")
    found["stock"] = [bench.stock(case) for case in SINGLE if case.stock is not None]
    found["sizes"] = costs.measure_sizes()
    found["write"] = costs.measure_writing()
    say("measured the stock admin, sizes and writing")
    found["post_office"] = _ask_post_office(post_office) if post_office else []
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
