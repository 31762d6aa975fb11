"""Choosing how to search: along the index of the rarest condition, reading the others off each row.

How rare a condition is, is seen by how far back its first thousand records reach: a thousand steps along an index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from records.enums import Outcome
from records.search.addresses import MAX_ARMS, find_addresses
from records.search.conditions import TRUE, Condition, all_of, equals, has_outcome, list_conditions
from records.search.gathering import Gathering, walk_along
from records.search.mails import find_mail_id
from records.search.plans import Along, Gather, GatherNear, NothingThere, OfAddresses
from records.search.sampling import NEAR, SAMPLED, ToSample, take_sample
from records.search.walks import Walk
from records.statements import as_positions, fetch_together

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from records.filters import RecordFilters
    from records.search.addresses import LookedUp, Receivers
    from records.search.plans import Counting, Found, Plan
    from records.search.scope import Scope
    from records.statements import Question, Rows

MAX_COUNTED = 10_000
"""Records of addresses that are counted along with finding these, where nothing else is asked."""
PROBED = NEAR
"""How far along each index rarity is judged: as far as records of addresses are read off."""


class Search:
    """One set of filters: what it asks for is found out once, then pages can be found and counted."""

    def __init__(self, filters: RecordFilters) -> None:
        """Find the mail, if a Message-ID is asked for."""
        self._conditions = list_conditions(filters)
        self._mail_id = filters.mail_id or (find_mail_id(filters.message_id) if filters.message_id else None)
        self._part = filters.receiver
        self._walks = list(_list_walks(filters))
        self._plans: dict[Scope, Plan] = {}
        self._looked_up: LookedUp | None = None
        self._reaches: dict[Scope, dict[Walk, datetime | None]] = {}

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
            return self._along(self._rarest(scope))
        if not receivers.addresses:
            return NothingThere()
        if len(receivers.addresses) <= MAX_ARMS:
            return self._along(self._rarest(scope, walk_along(receivers.addresses)))
        return self._of_many(receivers, scope)

    def _look_up(self, scope: Scope, size: int) -> Receivers | None:
        """Look the addresses up once, and take a sample of the first stretch of time that is asked for."""
        if self._looked_up is None:
            is_alone = self._rest({"receiver"}) == TRUE
            to_sample = ToSample(scope, MAX_COUNTED + 1, max(size, 1)) if is_alone else ToSample(scope, SAMPLED)
            self._looked_up = find_addresses(self._part, to_sample, [] if is_alone else self._placing(scope))
            if not is_alone and self._looked_up.beside is not None:
                self._reaches[scope] = self._read_reaches(self._looked_up.beside)
        return self._looked_up.receivers

    def _of_many(self, receivers: Receivers, scope: Scope) -> Plan:
        rest, gathering = self._rest({"receiver"}), Gathering.of_addresses(receivers.addresses)
        sample = receivers.sample if receivers.sample and receivers.sample.within == scope else None
        if rest == TRUE:
            return OfAddresses(receivers.addresses, sample)
        sample = sample or take_sample(receivers.addresses, ToSample(scope, SAMPLED))
        walk = self._rarest(scope)
        if sample.near and _reaches_beyond(self._find_reaches(scope)[walk], sample.near, scope):
            return self._along(walk)
        return GatherNear(gathering, rest, sample.near, otherwise=self._along(walk))

    def _rarest(self, scope: Scope, other: Walk | None = None) -> Walk:
        """Choose the walk that reaches furthest. `other`: one more to choose from."""
        walks = [*self._walks, other] if other else self._walks
        if len(walks) <= 1:
            return walks[0] if walks else _ALONG_TIME
        reaches = self._find_reaches(scope)
        if other:
            (place,) = fetch_together(other.placing(scope, PROBED))
            reaches = {**reaches, other: _read_reach(place)}
        found = walks[0]
        for walk in walks[1:]:
            reach = reaches[found]
            if reach is not None and _reaches_beyond(reaches[walk], reach, scope):
                found = walk
        return found

    def _find_reaches(self, scope: Scope) -> dict[Walk, datetime | None]:
        """Find out how far the first records reach along each walk, or along the time if there is none."""
        if scope not in self._reaches:
            self._reaches[scope] = self._read_reaches(fetch_together(*self._placing(scope)))
        return self._reaches[scope]

    def _placing(self, scope: Scope) -> list[Question]:
        return [walk.placing(scope, PROBED) for walk in self._walks or [_ALONG_TIME]]

    def _read_reaches(self, places: list[Rows]) -> dict[Walk, datetime | None]:
        return dict(zip(self._walks or [_ALONG_TIME], map(_read_reach, places), strict=True))

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
    possible = filters.possible_outcomes
    return [] if Outcome.ACCEPTED in possible else sorted(possible)


def _read_reach(place: Rows) -> datetime | None:
    """Read the answer to `Walk.placing`; None: the walk ends before."""
    return as_positions(place)[0].started_at if place else None


def _reaches_beyond(reach: datetime | None, other: datetime, scope: Scope) -> bool:
    if reach is None:
        return True
    return reach < other if scope.newest_first else reach > other


_ALONG_TIME = Walk("time", (TRUE,), "record_by_time")
