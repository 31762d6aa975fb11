"""Walks along an index, in the order of the list and over so many rows at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from records.search.conditions import Condition, all_of
from records.statements import Question

if TYPE_CHECKING:
    from records.search.scope import Scope

_COLUMNS = ", ".join(
    f"record.{name}"
    for name in (
        "id", "started_at", "mail_id", "receiver_address", "sender_address", "template_name", "outcome", "cause",
        "phase", "requester_ip",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Walk:
    """What is walked along: the records that fulfil one of the arms, each of which an index holds in order."""

    name: str
    arms: tuple[Condition, ...]
    index: str
    """The index of SendingRecord."""

    def rows(self, scope: Scope, columns: str, limit: int, offset: int = 0) -> Condition:
        """Return a statement that walks over so many rows in order."""
        arms = [self._arm(arm, scope, columns) for arm in self.arms]
        parameters = tuple(value for arm in arms for value in arm.parameters)
        statement = arms[0].sql
        if len(arms) > 1:
            # PostgreSQL merges arms that are in order; SQLite sees by itself that these are, and allows no order here.
            each = "{}" if connection.vendor == "sqlite" else f"({{}} ORDER BY {scope.order} LIMIT {offset + limit})"
            joined = " UNION ALL ".join(each.format(arm.sql) for arm in arms)
            statement = f"SELECT * FROM ({joined}) AS record"  # noqa: S608  # names of our own, here and below
        skipped = f" OFFSET {offset}" if offset else ""
        return Condition(f"{statement} ORDER BY {scope.order} LIMIT {limit}{skipped}", parameters)

    def _arm(self, arm: Condition, scope: Scope, columns: str) -> Condition:
        condition = all_of([arm, scope.condition])
        hint = f" INDEXED BY {self.index}" if connection.vendor == "sqlite" else ""
        statement = f"SELECT {columns} FROM records_sendingrecord AS record{hint} WHERE {condition.sql}"  # noqa: S608
        return Condition(statement, condition.parameters)

    def finding(self, scope: Scope, rest: Condition, *, budget: int, size: int) -> Question:
        """Ask for the positions of the first records that fulfil the rest as well, looking at no more than `budget`."""
        walked = self.rows(scope, _COLUMNS, budget)
        # SQLite would walk to the end and sort; without an order it takes the rows as they come, which is that order.
        order = "" if connection.vendor == "sqlite" else f"ORDER BY {scope.order} "
        return Question(
            f"SELECT record.started_at, record.id FROM ({walked.sql}) AS record WHERE {rest.sql} "  # noqa: S608
            f"{order}LIMIT {size}",
            [*walked.parameters, *rest.parameters],
            is_along=True,
        )

    def searching(self, scope: Scope, rest: Condition, *, budget: int, size: int) -> Question:
        """Ask as `finding` does, and where it finds fewer than `size` for the place where the budget is spent, too.

        Its rows say in a third column whether they are that place.
        """
        finding, place = self.finding(scope, rest, budget=budget, size=size), self.placing(scope, budget)
        statement = f"""
            WITH found AS MATERIALIZED ({finding.sql})
            SELECT started_at, id, FALSE FROM found
            UNION ALL
            SELECT started_at, id, TRUE FROM ({place.sql}) AS place WHERE (SELECT COUNT(*) FROM found) < {size}
        """  # noqa: S608  # names of our own
        return Question(statement, [*(finding.parameters or ()), *(place.parameters or ())], is_along=True)

    def counting(self, scope: Scope, rest: Condition, *, budget: int) -> Question:
        """Ask how many of the first `budget` records fulfil the rest as well, and how many were looked at."""
        walked = self.rows(scope, _COLUMNS, budget)
        statement = f"SELECT COUNT(CASE WHEN {rest.sql} THEN 1 END), COUNT(*) FROM ({walked.sql}) AS record"  # noqa: S608
        return Question(statement, [*rest.parameters, *walked.parameters], is_along=True)

    def counting_all(self, scope: Scope, limit: int) -> Question:
        """Ask how many records the walk has, up to `limit`: in any order, one arm after the other."""
        joined = [self._arm(arm, scope, "1") for arm in self.arms]
        statement = " UNION ALL ".join(arm.sql for arm in joined)
        parameters = [value for arm in joined for value in arm.parameters]
        return Question(f"SELECT COUNT(*) FROM ({statement} LIMIT {limit}) AS kept", parameters, is_along=True)  # noqa: S608

    def placing(self, scope: Scope, number: int) -> Question:
        """Ask for the position of the record that is the `number`th of the walk; for nothing where there are fewer."""
        place = self.rows(scope, "record.started_at, record.id", 1, number - 1)
        return Question(place.sql, place.parameters, is_along=True)
