"""The round: counting and removing in small steps, each of them one short transaction.

A step looks for what may go without holding anything up, and then commits what it removed together with how far it
came. Killed between or within steps, the round goes on where it was, by whoever comes next.
"""

import logging
import time
from collections.abc import Callable
from copy import copy
from datetime import date, datetime, timedelta
from functools import partial

from django.db import transaction

from records.clock import database_now
from records.keeping.dropping import can_drop, drop, find_month, prepare_months
from records.keeping.enums import Kind, Stage
from records.keeping.finding import Found
from records.keeping.forgetting import forget_keys
from records.keeping.models import ONLY, KeepingRound, KeepingRules
from records.keeping.progress import count, find, move_on
from records.keeping.removing import Removed, remove_contents, remove_mails, replace_bodies, strip_bodies
from records.keeping.rules import Bounds, get_rules, rule_for
from records.months.tables import list_months

logger = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
"""From the end of one round to the beginning of the next."""
PAUSE = 0.02
"""Seconds between steps that wrote, so that delivery gets its turn where only one may write at a time."""


def go_on(seconds: float) -> None:
    """Go on with the round for a while, or begin one if the last one ended long enough ago."""
    end = time.monotonic() + seconds
    here = _find_or_begin(database_now())
    while here.ended_at is None and time.monotonic() < end:
        has_written = take_step(here, get_rules())
        time.sleep(PAUSE if has_written else 0)
        here = KeepingRound.objects.get(pk=ONLY)


def run_whole(pause: float = PAUSE) -> KeepingRound:
    """Begin a round anew and go on until it has ended; returns what it did, with what one under way had done."""
    here = _begin(database_now())
    while here.ended_at is None:
        time.sleep(pause if take_step(here, get_rules()) else 0)
        here = KeepingRound.objects.get(pk=ONLY)
    return here


def _find_or_begin(now: datetime) -> KeepingRound:
    here = KeepingRound.objects.filter(pk=ONLY).first()
    return _begin(now) if here is None or _is_next_due(here, now) else here


def _is_next_due(here: KeepingRound, now: datetime) -> bool:
    """Tell whether a round ended long enough ago, or followed other rules than those in force."""
    if here.ended_at is None:
        return False
    began_at, changed_at = here.began_at, get_rules().changed_at
    # A clock that was put back must neither keep the next round waiting nor have one follow the other.
    if began_at and changed_at and began_at < changed_at <= now:
        return True
    return not timedelta() <= now - here.ended_at < EVERY


def follow_new_rules() -> None:
    """Have the rules followed soon that were just changed: a round under way may be removing what is to stay now."""
    # One that has ended keeps its times: the next sweep sees by itself that the rules are younger.
    if find_under_way():
        _begin(database_now())


def find_under_way() -> KeepingRound | None:
    """Find the round that has not ended."""
    return KeepingRound.objects.filter(pk=ONLY, ended_at__isnull=True).first()


def _begin(now: datetime) -> KeepingRound:
    """Begin a round; what one under way removed so far is told with it, and never lost."""
    fresh = KeepingRound(pk=ONLY, began_at=now)
    with transaction.atomic():
        before = KeepingRound.objects.select_for_update().filter(pk=ONLY, ended_at__isnull=True).first()
        if before:
            fresh.take_over(before)
        fresh.save()
    return fresh


def take_step(here: KeepingRound, rules: KeepingRules) -> bool:
    """Do one step of the round and commit it, unless somebody else did it meanwhile.

    Args:
        here: The round as it was read.
        rules: What is kept.

    Returns:
        Whether anything was removed, or tables were about to be dropped: others are to get their turn.
    """
    before = copy(here)
    if here.stage == Stage.DROP_MONTHS and _drop_next(here, before, rules):
        return True
    if Stage(here.stage).is_removing:
        return _remove(here, before, rules)
    if here.stage == Stage.FORGET_KEYS:
        return _forget(here, before)
    count(here, rules)
    with transaction.atomic(durable=True):
        if _is_unchanged(before):
            here.save()
    return False


def _remove(here: KeepingRound, before: KeepingRound, rules: KeepingRules) -> bool:
    stage = Stage(here.stage)
    now = database_now()
    bounds = Bounds.of(rule_for(stage.kind, rules), now)
    found = find(here, bounds)
    remove = _prepare(stage, found, bounds, now)
    with transaction.atomic(durable=True):
        if not _is_unchanged(before):
            return False
        removed = remove() if found.ids else Removed()
        move_on(here, found, removed)
        here.save()
    return any(removed)


def _drop_next(here: KeepingRound, before: KeepingRound, rules: KeepingRules) -> bool:
    """Drop the next month that may go; where there is none, move on to what the same step then does."""
    if can_drop():
        bounds, months = Bounds.of(rule_for(Kind.CONTENTS, rules), database_now()), list_months()
        if not here.reached:
            prepare_months(bounds.now, months)
        if month := find_month(months, here.reached, bounds):
            _drop(here, before, month, bounds)
            return True
    move_on(here, Found((), 0, 0, is_last=True), Removed())
    return False


def _drop(here: KeepingRound, before: KeepingRound, month: date, bounds: Bounds) -> None:
    with transaction.atomic(durable=True):
        if _is_unchanged(before):
            removed = drop(month, bounds)
            move_on(here, Found((), 0, month.toordinal(), is_last=removed is None), removed or Removed())
            here.save()


def _forget(here: KeepingRound, before: KeepingRound) -> bool:
    with transaction.atomic(durable=True):
        if not _is_unchanged(before):
            return False
        found = forget_keys(here.reached)
        move_on(here, found, Removed())
        here.save()
    if here.ended_at:
        logger.info("what was kept long enough is removed", extra=_removed_by(here))
    return bool(found.ids)


def _removed_by(here: KeepingRound) -> dict[str, int]:
    return {
        "mails": here.removed_mails,
        "records": here.removed_records,
        "contents": here.removed_contents,
        "bodies": here.stripped_bodies,
    }


def _is_unchanged(before: KeepingRound) -> bool:
    """Hold the round's row and tell whether it is as it was when the step began."""
    same = KeepingRound.objects.filter(
        pk=ONLY, stage=before.stage, reached=before.reached, began_at=before.began_at, ended_at=before.ended_at
    )
    return same.select_for_update().first() is not None


def _prepare(stage: Stage, found: Found, bounds: Bounds, now: datetime) -> Callable[[], Removed]:
    """Do what takes long, and return what remains to be done within the transaction."""
    match stage:
        case Stage.REMOVE_RECORDS:
            return partial(remove_mails, found.ids, bounds)
        case Stage.REMOVE_CONTENTS:
            return partial(remove_contents, found.ids, bounds)
        case _:
            return partial(replace_bodies, strip_bodies(found.ids, now.date()), bounds, now)
