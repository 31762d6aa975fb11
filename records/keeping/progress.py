"""How a round moves on: what a step found is added, and after the last of a stage comes the next one."""

from records.clock import database_now
from records.keeping.counting import Counted, count_records, measure_bodies, measure_files, measure_heads
from records.keeping.enums import Stage
from records.keeping.finding import NOTHING_GONE, Found, Gone, find_bodies, find_contents, find_mails
from records.keeping.models import KeepingRound, KeepingRules
from records.keeping.removing import Removed
from records.keeping.rules import Bounds, rule_for

_SUMS = {
    Stage.COUNT_RECORDS: "records",
    Stage.COUNT_HEADS: "contents_size",
    Stage.COUNT_BODIES: "contents_size",
    Stage.COUNT_ATTACHMENTS: "attachments_size",
}
"""Where the round notes what a stage counts."""


def count(here: KeepingRound, rules: KeepingRules) -> None:
    """Count the next portion, and move the round on by it."""
    stage = Stage(here.stage)
    counted = _count(stage, here.reached, rules)
    setattr(here, _SUMS[stage], getattr(here, _SUMS[stage]) + counted.amount)
    here.reached = counted.reached
    if counted.is_last:
        _begin_next(here, stage)
        _find_excess(here, stage, rules)


def _count(stage: Stage, reached: int, rules: KeepingRules) -> Counted:
    match stage:
        case Stage.COUNT_RECORDS:
            return count_records(reached, rules.max_records)
        case Stage.COUNT_HEADS:
            return measure_heads(reached)
        case Stage.COUNT_BODIES:
            return measure_bodies(reached)
        case _:
            return measure_files(reached)


def _find_excess(here: KeepingRound, counted: Stage, rules: KeepingRules) -> None:
    most = rule_for(counted.kind, rules).most
    here.excess = 0 if most is None else max(getattr(here, _SUMS[counted]) - most, 0)


def find(here: KeepingRound, bounds: Bounds, gone: Gone = NOTHING_GONE) -> Found:
    """Find what the next step of a removing stage takes."""
    match Stage(here.stage):
        case Stage.REMOVE_RECORDS:
            return find_mails(here.reached, here.excess, bounds)
        case Stage.REMOVE_CONTENTS:
            return find_contents(here.reached, here.excess, bounds, gone)
        case _:
            return find_bodies(here.reached, here.excess, bounds, gone)


def move_on(here: KeepingRound, found: Found, removed: Removed) -> None:
    """Move the round on by what was found and removed."""
    here.reached = max(here.reached, found.reached)
    here.excess = max(here.excess - found.amount, 0)
    here.removed_mails += removed.mails
    here.removed_records += removed.records
    here.removed_contents += removed.contents
    here.stripped_bodies += removed.bodies
    if found.is_last:
        _begin_next(here, Stage(here.stage))


def _begin_next(here: KeepingRound, stage: Stage) -> None:
    here.reached = 0
    if stage.next is None:
        here.ended_at = database_now()
    else:
        here.stage = stage.next
