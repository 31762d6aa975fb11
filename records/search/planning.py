"""Choosing how to search: along the index of the rarest condition, reading the others off each row.

How rare a condition is, is seen by how far back its first thousand records reach: a thousand steps along an index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from records.enums import Outcome
from records.search.addresses import Receivers, ToRead, find_addresses
from records.search.conditions import TRUE, Condition, all_of, equals, has_outcome, list_conditions
from records.search.gathering import Gathering, find_of_addresses, walk_along
from records.search.mails import find_mail_id
from records.search.walks import Walk
from records.statements import as_positions, fetch_together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from records.filters import RecordFilters
    from records.paging import Position
    from records.search.scope import Scope
    from records.statements import Question, Rows

BUDGET = 10_000
"""Rows along the time that a search looks at before it says how far it got: they lie side by side, 2,000 per ms."""
BUDGET_ELSEWHERE = 3_000
"""The same along other indexes, whose rows lie apart: 400 per ms."""
BUDGET_WITH_MAILS = 2_500
"""The same where the mail of each row is looked up: 500 per ms, half as many along other indexes."""
MAX_ARMS = 16
"""Addresses whose records are walked along side by side."""
MAX_GATHERED = 2_000
"""Records that are read off all at once."""
MAX_COUNTED = 10_000
"""Records that are counted along with finding addresses, where nothing else is asked."""
PROBED = 1_000
"""How far along each index rarity is judged."""


class Found(NamedTuple):
    """What was found, in order."""

    positions: list[Position]
    stopped_at: Position | None = None
    """The last record that was looked at, where the search stopped before the end."""


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
        """Find the first of them."""
        return Found(self.gathering.find(scope, self.rest, size))

    def counting(self, scope: Scope, limit: int) -> Counting:
        """Count them."""
        return Counting([self.gathering.counting(scope, self.rest, limit)], _read_all)


@dataclass(frozen=True, slots=True)
class OfAddresses:
    """Find the records of many addresses, of which nothing else is asked."""

    addresses: list[str]
    first: Sequence[Position] = ()
    """The first of them that are known already."""
    number: int | None = None
    """How many there are, where that is known already."""

    def find(self, scope: Scope, size: int) -> Found:
        """Find the first of them."""
        if self.number is not None and len(self.first) >= min(size, self.number):
            return Found(list(self.first[:size]))
        return Found(find_of_addresses(self.addresses, scope, size))

    def counting(self, scope: Scope, limit: int) -> Counting:
        """Count them."""
        if self.number is not None:
            counted = Counted(min(self.number, limit))
            return Counting([], lambda _answers: counted)
        return Counting([Gathering.of_addresses(self.addresses).counting(scope, TRUE, limit)], _read_all)


class Search:
    """One set of filters: what it asks for is found out once, then pages can be found and counted."""

    def __init__(self, filters: RecordFilters) -> None:
        """Find the mail, if a Message-ID is asked for."""
        self._conditions = list_conditions(filters)
        self._mail_id = filters.mail_id or (find_mail_id(filters.message_id) if filters.message_id else None)
        self._part = filters.receiver
        self._walks = list(_list_walks(filters))
        self._plans: dict[Scope, Plan] = {}
        self._looked_up: tuple[Receivers | None] | None = None

    @property
    def asks_for(self) -> set[str]:
        """The names of the filters that it reads off the rows or finds by an index."""
        return set(self._conditions)

    def find(self, scope: Scope, size: int) -> Found:
        """Find the first records of a stretch of time."""
        return self._plan(scope, size).find(scope, size)

    def counting(self, scope: Scope, limit: int) -> Counting:
        """Ask how many records there are in a stretch of time, up to a limit."""
        return self._plan(scope).counting(scope, limit)

    def _plan(self, scope: Scope, size: int = 0) -> Plan:
        if scope not in self._plans:
            self._plans[scope] = self._choose(scope, size)
        return self._plans[scope]

    def _choose(self, scope: Scope, size: int) -> Plan:
        if self._mail_id:
            # A Message-ID is compared all the same: the mail's number may have been asked for, too.
            return Gather(Gathering.of_mail(self._mail_id), self._rest({"mail_id"}))
        receivers = self._look_up(scope, size) if self._part else None
        if receivers is None:
            return self._along(_rarest(self._walks, scope))
        if not receivers.addresses:
            return NothingThere()
        if len(receivers.addresses) <= MAX_ARMS:
            return self._along(_rarest([walk_along(receivers.addresses), *self._walks], scope))
        return self._of_many(receivers, scope)

    def _look_up(self, scope: Scope, size: int) -> Receivers | None:
        """Look the addresses up once; what is read beside is of the first stretch that is asked for."""
        if self._looked_up is None:
            is_alone = self._rest({"receiver"}) == TRUE
            limit = (MAX_COUNTED if is_alone else MAX_GATHERED) + 1
            to_read = ToRead(scope, limit, size if is_alone else 0, more_than=MAX_ARMS)
            self._looked_up = (find_addresses(self._part, to_read),)
        return self._looked_up[0]

    def _of_many(self, receivers: Receivers, scope: Scope) -> Plan:
        rest, gathering = self._rest({"receiver"}), Gathering.of_addresses(receivers.addresses)
        beside = receivers.beside if receivers.beside and receivers.beside.within == scope else None
        if rest == TRUE:
            if beside and beside.number <= MAX_COUNTED:
                return OfAddresses(receivers.addresses, beside.positions, beside.number)
            return OfAddresses(receivers.addresses)
        number = beside.number if beside else _count_all(gathering, scope)
        if number <= MAX_GATHERED:
            return Gather(gathering, rest)
        return self._along(_rarest(self._walks, scope))

    def _along(self, walk: Walk) -> Along:
        return Along(walk, self._rest(_ANSWERED_BY.get(walk.name, {walk.name})))

    def _rest(self, answered: Iterable[str]) -> Condition:
        return all_of(condition for name, condition in self._conditions.items() if name not in answered)


_ANSWERED_BY: Mapping[str, set[str]] = {"outcome": {"outcome", "result"}, "failure": set(), "time": set()}
"""Which conditions need not be read off the rows of a walk; of the others the one of its name."""


def _list_walks(filters: RecordFilters) -> Iterable[Walk]:
    """List the indexes that keep to one of the conditions, the receiver's apart."""
    if filters.sender:
        yield Walk("sender", (equals("sender_address", filters.sender),), "record_by_sender")
    if filters.template:
        yield Walk("template", (equals("template_name", filters.template),), "record_by_template")
    if outcomes := _failures(filters):
        name = "outcome" if filters.result or filters.outcome else "failure"
        yield Walk(name, tuple(map(has_outcome, outcomes)), "record_by_outcome")


def _failures(filters: RecordFilters) -> list[Outcome]:
    """List the outcomes that can be; empty where success is among them, which is no help, or none is."""
    possible = set(Outcome)
    if filters.result:
        possible &= set(filters.result.outcomes)
    if filters.outcome:
        possible &= {filters.outcome}
    if filters.cause:
        # What went well needs no explanation.
        possible -= {Outcome.ACCEPTED}
    return [] if Outcome.ACCEPTED in possible else sorted(possible)


def _count_all(gathering: Gathering, scope: Scope) -> int:
    (((number,),),) = fetch_together(gathering.counting(scope, TRUE, MAX_GATHERED + 1))
    return int(number)


def _rarest(walks: list[Walk], scope: Scope) -> Walk:
    if not walks:
        return Walk("time", (TRUE,), "record_by_time")
    if len(walks) == 1:
        return walks[0]
    reaches = {}
    for walk, place in zip(walks, fetch_together(*(walk.placing(scope, PROBED) for walk in walks)), strict=True):
        if not place:
            return walk
        (reaches[walk],) = as_positions(place)
    choose = min if scope.newest_first else max
    return choose(reaches, key=lambda walk: (reaches[walk].started_at, reaches[walk].record_id))
