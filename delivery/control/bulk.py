"""Doing one deed to many mails: in batches of one short transaction each, to be broken off and continued anywhere."""

import logging
import time
from collections.abc import Callable
from functools import partial

from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Max, Q

from delivery.control.deeds import carry_out
from delivery.control.pausing import Pause
from delivery.control.selection import NEEDED_FOR, MailFilters
from records.clock import database_now
from records.interventions import BulkIntervention, BulkState, Deed
from records.models import Mail

logger = logging.getLogger(__name__)

BATCH = 200
"""Mails per transaction: short ones, so that workers never wait long."""
PROLONG_BATCH = 5000
"""The same where one statement does it."""
TRIES = 3
"""How often a batch is tried that met others in the database."""


def begin(
    deed: Deed, filters: MailFilters, by: str, *, person: User | None = None, up_to_id: int | None = None
) -> BulkIntervention:
    """Store what is to be done to which mails; `run` does it.

    Args:
        deed: What.
        filters: To which mails; their group must be one that the deed is for.
        by: Who asks.
        person: Who must be allowed to until the last mail; None: nobody, as for a command.
        up_to_id: Mails that were accepted later are left alone; None: what was accepted until now is meant.
    """
    work = BulkIntervention.objects.create(
        deed=deed,
        filters=filters.as_json(),
        person=person,
        done_by=by[:150],
        began_at=database_now(),
        up_to_id=find_last_id() if up_to_id is None else up_to_id,
    )
    logger.info("a deed at many mails begins", extra={"work": work.pk, "deed": str(deed), "by": by})
    return work


def find_last_id() -> int:
    """Find the mail that was accepted last; 0 where there is none."""
    return int(Mail.objects.aggregate(last=Max("pk"))["last"] or 0)


def run(work: BulkIntervention, *, seconds: float = float("inf")) -> BulkIntervention:
    """Work until all is done, the time is over, or another process is at it; returns how it stands then.

    Whatever is left is continued by the sweep.
    """
    try:
        repeat(partial(_do_batch, work.pk), seconds=seconds)
    except OperationalError as trouble:
        # Said in one line: it is said with every sweep for as long as the database is locked or away.
        logger.warning(
            "a deed at many mails failed for now, the sweep continues it: %s", trouble, extra={"work": work.pk}
        )
    work.refresh_from_db()
    return work


def repeat(do_batch: Callable[[], bool], *, seconds: float) -> None:
    """Do batch after batch until none is left to do, or the time is over.

    Raises:
        OperationalError: The database broke a batch off, each time that it was tried.
    """
    ends_at = time.monotonic() + seconds
    while _try_batch(do_batch) and time.monotonic() < ends_at:
        pass


def continue_one(work_id: int, *, seconds: float) -> bool:
    """Go on with one work for a while; returns whether there is more of it to do."""
    work = BulkIntervention.objects.filter(pk=work_id, finished_at__isnull=True).first()
    return work is not None and run(work, seconds=seconds).finished_at is None


def continue_unfinished(*, seconds: float) -> None:
    """Go on with whatever was begun and not finished, oldest first, for a while."""
    ends_at = time.monotonic() + seconds
    for work in BulkIntervention.objects.filter(finished_at__isnull=True).order_by("pk"):
        left = ends_at - time.monotonic()
        if left <= 0:
            return
        try:
            run(work, seconds=left)
        except (OperationalError, InterfaceError):
            raise  # locked or away: no other will do better
        except Exception:  # whatever is wrong with one work: the others go on
            logger.exception("what was asked for many mails failed", extra={"work": work.pk})


def cancel(work: BulkIntervention, by: str) -> bool:
    """Stop a deed: what was done by then stays done. Returns false where it had ended already."""
    unfinished = BulkIntervention.objects.filter(pk=work.pk, finished_at__isnull=True)
    is_cancelled = bool(unfinished.update(state=BulkState.CANCELLED, cancelled_by=by[:150], finished_at=database_now()))
    if is_cancelled:
        logger.info("a deed at many mails is stopped", extra={"work": work.pk, "by": by})
    return is_cancelled


def _try_batch(do_batch: Callable[[], bool]) -> bool:
    """Do a batch; where the database broke it off, for the sake of others, once more."""
    for tries_left in reversed(range(TRIES)):
        try:
            return do_batch()
        except OperationalError:
            if not tries_left or connection.in_atomic_block:
                raise
            connection.close_if_unusable_or_obsolete()
            time.sleep(0.1 * (TRIES - tries_left))
    return False


def _do_batch(work_id: int) -> bool:
    """Do it to the next mails; returns whether there may be more for this process to do."""
    with transaction.atomic():
        # Another process has a row that is skipped. SQLite ignores this: there the transaction began IMMEDIATE.
        unfinished = BulkIntervention.objects.select_for_update(skip_locked=True).filter(finished_at__isnull=True)
        work = unfinished.filter(pk=work_id).first()
        if work is None:
            return False
        if not _may_go_on(work):
            _end(work, BulkState.WITHDRAWN)
        elif (last := _do_to_next(work)) is not None:
            work.last_id = last
        else:
            _end(work, BulkState.DONE)
        work.save(update_fields=["last_id", "changed", "state", "finished_at"])
    return work.is_unfinished


def _may_go_on(work: BulkIntervention) -> bool:
    """Tell whether whoever began a deed may still do it, by what is stored of that person now."""
    # Resuming has none: broken off, the mail would stay paused with part of its time given back, and get that part
    # twice when somebody resumes it after all.
    if work.person_id is None:
        return True
    person = User.objects.filter(pk=work.person_id).first()
    return person is not None and person.has_perms(NEEDED_FOR[Deed(work.deed)])


def _do_to_next(work: BulkIntervention) -> int | None:
    return _prolong_next(work) if work.deed == Deed.PROLONG else _treat_next(work)


def _treat_next(work: BulkIntervention) -> int | None:
    """Do it to the next mails; returns the last one's id, or None where none is left."""
    filters = MailFilters.from_json(work.filters)
    ids = list(filters.find().filter(_left(work)).order_by("pk").values_list("pk", flat=True)[:BATCH])
    # Locked in one order, like everywhere; what moved on meanwhile is not in its group any more.
    still = filters.group.mails.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",))
    work.changed += carry_out(Deed(work.deed), list(still), work.done_by, database_now())
    return ids[-1] if ids else None


def _prolong_next(work: BulkIntervention) -> int | None:
    """Give the next mails their time; returns the last one's id, or None where none is left."""
    pause = Pause.from_json(work.filters)
    mails = pause.find_mails().filter(_left(work))
    last: int | None = mails.order_by("pk")[:PROLONG_BATCH].aggregate(last=Max("pk"))["last"]
    if last is not None:
        work.changed += pause.prolong(mails.filter(pk__lte=last))
    return last


def _left(work: BulkIntervention) -> Q:
    return Q(pk__gt=work.last_id, pk__lte=work.up_to_id)


def _end(work: BulkIntervention, state: BulkState) -> None:
    work.state, work.finished_at = state, database_now()
    if work.deed == Deed.PROLONG:
        Pause.from_json(work.filters).end()
    logger.info("a deed at many mails ended", extra={"work": work.pk, "state": str(state), "changed": work.changed})
