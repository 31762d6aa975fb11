"""A deed that was broken off is continued by a worker: told by the broker, or found by its sweep."""

import pytest
from django.db import InterfaceError, OperationalError
from redis import Redis

from delivery import tasks, worker
from delivery.control import bulk
from delivery.control.selection import MailFilters
from delivery.wake import wake_for_deed
from records.interventions import BulkIntervention, Deed
from records.rollups.models import Rollup
from records.search.models import KnownAddress
from tests.delivery.control.scenes import BY, accept_many, states
from tests.delivery.engine.scenes import make_sender
from tests.records.rows import make_record

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> BulkIntervention:
    """Three mails to cancel, one of them done."""
    monkeypatch.setattr(bulk, "BATCH", 1)
    accept_many(make_sender(), 3)
    return bulk.run(bulk.begin(Deed.CANCEL, MailFilters(), BY), seconds=0)


def test_a_worker_that_is_told_goes_on(work: BulkIntervention) -> None:
    tasks.continue_deed(work.pk)
    assert states() == ["cancelled"] * 3


def test_a_task_whose_time_is_over_orders_the_next(
    work: BulkIntervention, broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.flushall()
    monkeypatch.setattr(tasks, "DEED_SECONDS", 0.0)
    tasks.continue_deed(work.pk)
    assert (states(), broker.llen("mail")) == (["cancelled", "cancelled", "queued"], 1)


def test_the_sweep_goes_on_without_being_told(work: BulkIntervention) -> None:
    worker._after_sweep()
    assert states() == ["cancelled"] * 3


@pytest.mark.usefixtures("work")
def test_a_work_that_fails_stops_neither_the_others_nor_the_rest_of_the_sweep() -> None:
    broken = bulk.begin(Deed.CANCEL, MailFilters(), BY)
    BulkIntervention.objects.filter(pk=broken.pk).update(id=0, filters={"group": "no such group"})
    make_record()
    worker._after_sweep()
    assert states()[:3] == ["cancelled"] * 3
    assert Rollup.objects.exists()


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("part", ["check", "keep", "fold"])
def test_a_part_of_the_sweep_that_fails_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    def fail() -> None:
        raise ValueError

    monkeypatch.setattr(worker, part, fail)
    make_record()
    worker._after_sweep()
    assert states()[:3] == ["cancelled"] * 3
    assert KnownAddress.objects.exists()


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_sweep_ends_where_the_database_is_away(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(worker, "check", fail)
    with pytest.raises(error):
        worker._after_sweep()
    assert states() == ["cancelled", "queued", "queued"]


def test_nothing_is_done_for_what_is_finished_or_unknown(work: BulkIntervention) -> None:
    bulk.run(work)
    assert not bulk.continue_one(work.pk, seconds=60)
    assert not bulk.continue_one(0, seconds=60)


def test_a_dead_broker_is_no_error(work: BulkIntervention, dead_broker: object) -> None:
    assert not wake_for_deed(work.pk)
