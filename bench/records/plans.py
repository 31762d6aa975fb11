"""How a page finds its records: the plans of its statements, and which of them read a whole table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from django.db import connection
from django.test.utils import CaptureQueriesContext

from records.statements import Question, fetch_together, take_apart

_NODE = re.compile(
    r"(?P<kind>[A-Z][A-Za-z -]*?)(?: using (?P<index>\w+))?(?: on (?P<table>\w+)(?: \w+)?)?"
    r"(?: (?:record|known)\w*)?  \(cost"
)
_DULL = {"Limit", "Subquery Scan", "Result", "Append", "Aggregate"}


def list_scans(captured: CaptureQueriesContext) -> list[str]:
    """List the statements that read a whole table of records."""
    asked = [question for question in _questions(captured) if "records_sendingrecord" in question.sql]
    return [question.sql for question in asked if _reads_all(_explain(question))]


def describe(captured: CaptureQueriesContext) -> str:
    """Describe by its plan how the last page was looked for, in the words of the database, shortened."""
    finding = [question for question in _questions(captured) if _finds(question.sql)]
    if not finding:
        return "nothing is read: no address has that part"
    plan = _explain(finding[-1])
    return _describe_sqlite(plan) if connection.vendor == "sqlite" else _describe_postgres(plan)


def _questions(captured: CaptureQueriesContext) -> list[Question]:
    return [question for query in captured for question in take_apart(query["sql"])]


def _finds(statement: str) -> bool:
    is_place = re.search(r" OFFSET \d+$", statement) is not None
    return re.search(r"(record|found)\.started_at, (record|found)\.id", statement) is not None and not is_place


def _explain(question: Question) -> list[str]:
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    (rows,) = fetch_together(question._replace(sql=f"{explain} {question.sql}"))
    return [str(row[-1]) for row in rows]


def _reads_all(plan: Iterable[str]) -> bool:
    lines = list(plan)
    if connection.vendor == "sqlite":
        # What is walked along goes by the name of the table there, and is read as a whole.
        scans = [line for line in lines if line.startswith("SCAN record") and "USING" not in line]
        walks = [line for line in lines if line in {"CO-ROUTINE record", "MATERIALIZE record"}]
        return len(scans) > len(walks)
    return any("Seq Scan on records_sendingrecord" in line for line in lines)


def _describe_postgres(plan: Iterable[str]) -> str:
    nodes = []
    for line in plan:
        found = _NODE.search(line)
        if found is None or found["kind"] in _DULL:
            continue
        where = f" using {found['index']}" if found["index"] else f" on {found['table']}" if found["table"] else ""
        nodes.append(f"{found['kind']}{where}")
    return _counted(nodes)


def _describe_sqlite(plan: Iterable[str]) -> str:
    return _counted([line for line in plan if "USING" in line or line.startswith("SEARCH")])


def _counted(nodes: Iterable[str]) -> str:
    return ", ".join(f"{number} × {node}" if number > 1 else node for node, number in Counter(nodes).items())
