"""The ways to search: walking along an index, or reading records off all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from records.search.conditions import TRUE, Condition
from records.search.gathering import Gathering, find_of_addresses
from records.statements import as_positions, fetch_together

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from records.paging import Position
    from records.search.sampling import Sample
    from records.search.scope import Scope
    from records.search.walks import Walk
    from records.statements import Question, Rows

BUDGET = 10_000
"""Rows along the time that a search looks at before it says how far it got: they lie side by side, 2,000 per ms."""
BUDGET_ELSEWHERE = 3_000
"""The same along other indexes, whose rows lie apart: 400 per ms."""
BUDGET_WITH_MAILS = 2_500
"""The same where the mail of each row is looked up: 500 per ms, half as many along other indexes."""
MAX_READ = 3_000
"""Records that are read off where about a third of them is expected."""


class Found(NamedTuple):
    """What was found, in order."""

    positions: list[Position]
    stopped_at: Position | None = None
    """Where the search stopped before the end: all up to that was looked at."""
    counted: Counted | None = None
    """How many there are in all, where that was found out on the way."""


class Counted(NamedTuple):
    """How many there are, up to the limit that was given."""

    number: int
    is_cut: bool = False
    """The search stopped before the end."""


class Counting(NamedTuple):
    """What is to be asked to count records, and what the answers say."""

    questions: list[Question]
    read: Callable[[list[Rows]], Counted]


class Plan(Protocol):
    """A way to search."""

    def find(self, scope: Scope, size: int) -> Found:
        """Find the first records."""

    def counting(self, scope: Scope, limit: int) -> Counting:
        """Ask how many records there are, up to a limit."""


@dataclass(frozen=True, slots=True)
class NothingThere:
    """There is no address with that part, so there is no record."""

    def find(self, _scope: Scope, _size: int) -> Found:
        """Find nothing."""
        return Found([])

    def counting(self, _scope: Scope, _limit: int) -> Counting:
        """Ask nothing."""
        return Counting([], lambda _answers: Counted(0))


@dataclass(frozen=True, slots=True)
class Along:
    """Walk along an index and read the rest off each row."""

    walk: Walk
    rest: Condition

    @property
    def _budget(self) -> int:
        along_time = self.walk.name == "time"
        if self.rest.reads_mail:
            return BUDGET_WITH_MAILS if along_time else BUDGET_WITH_MAILS // 2
        return BUDGET if along_time else BUDGET_ELSEWHERE

    def find(self, scope: Scope, size: int) -> Found:
        """Find the first records on the way, as far as the budget goes."""
        if self.rest == TRUE:
            (rows,) = fetch_together(self.walk.finding(scope, self.rest, budget=size, size=size))
            return Found(as_positions(rows))
        searching = self.walk.searching(scope, self.rest, budget=max(self._budget, size), size=size)
        (rows,) = fetch_together(searching)
        found, place = (as_positions([row[:2] for row in rows if bool(row[2]) is at_end]) for at_end in (False, True))
        return Found(scope.in_order(found), place[0] if place else None)

    def counting(self, scope: Scope, limit: int) -> Counting:
        """Count on the way, a quarter as far as pages are looked for."""
        if self.rest == TRUE:
            return Counting([self.walk.counting_all(scope, limit)], _read_all)
        budget = max(self._budget // 4, 1)

        def read(answers: list[Rows]) -> Counted:
            (((number, looked_at),),) = answers
            return Counted(number, number < limit and looked_at == budget)

        return Counting([self.walk.counting(scope, self.rest, budget=budget)], read)


def _read_all(answers: list[Rows]) -> Counted:
    ((((number,),)),) = answers
    return Counted(number)


@dataclass(frozen=True, slots=True)
class Gather:
    """Read few records off all at once."""

    gathering: Gathering
    rest: Condition

    def find(self, scope: Scope, size: int) -> Found:
        """Find the first of them, and count them on the way."""
        gathered = self.gathering.find(scope, self.rest, size)
        return Found(gathered.positions, counted=Counted(gathered.number))

    def counting(self, scope: Scope, limit: int) -> Counting:
        """Count them."""
        return Counting([self.gathering.counting(scope, self.rest, limit)], _read_all)


@dataclass(frozen=True, slots=True)
class GatherNear:
    """Read records off as far as they are few, and say how far that is."""

    gathering: Gathering
    rest: Condition
    near: datetime | None
    """As far as that, by estimate; None: as far as there are any."""
    otherwise: Plan
    """What to do where they are many up to there, too."""

    def _scope(self, scope: Scope) -> Scope:
        return scope.near(self.near) if self.near else scope

    def find(self, scope: Scope, size: int) -> Found:
        """Find the first of them, and count them on the way."""
        gathered = self.gathering.find(self._scope(scope), self.rest, size, MAX_READ)
        if not gathered.is_whole:
            return self.otherwise.find(scope, size)
        stopped_at = scope.end_of(self.near) if self.near and len(gathered.positions) < size else None
        return Found(gathered.positions, stopped_at, Counted(gathered.number, is_cut=self.near is not None))

    def counting(self, scope: Scope, limit: int) -> Counting:
        """Count those that are read off: there are at least as many."""
        near = self._scope(scope)

        def read(answers: list[Rows]) -> Counted:
            (rows,) = answers
            gathered = self.gathering.read(near, rows, MAX_READ)
            return Counted(min(gathered.number, limit), is_cut=self.near is not None or not gathered.is_whole)

        return Counting([self.gathering.finding(near, self.rest, 0, MAX_READ)], read)


@dataclass(frozen=True, slots=True)
class OfAddresses:
    """Find the records of many addresses, of which nothing else is asked."""

    addresses: list[str]
    sample: Sample | None = None
    """What they look like in the stretch of time that is asked for, where that is known already."""

    def find(self, scope: Scope, size: int) -> Found:
        """Find the first of them."""
        if self.sample and self.sample.is_whole and len(self.sample.positions) >= min(size, self.sample.number):
            return Found(self.sample.positions[:size], counted=Counted(self.sample.number))
        return Found(find_of_addresses(self.addresses, scope, size))

    def counting(self, scope: Scope, limit: int) -> Counting:
        """Count them, unless the sample did."""
        if self.sample and self.sample.is_whole:
            counted = Counted(min(self.sample.number, limit))
            return Counting([], lambda _answers: counted)
        return Counting([Gathering.of_addresses(self.addresses).counting(scope, TRUE, limit)], _read_all)
