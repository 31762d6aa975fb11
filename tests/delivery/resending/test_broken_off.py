"""An order is broken off anywhere and continued by anyone: still each mail goes exactly once."""

import signal
from pathlib import Path

import pytest
from django.db import connection
from django.db.utils import OperationalError
from django.test.utils import CaptureQueriesContext
from redis import Redis

from delivery import tasks, worker
from delivery.control import bulk
from delivery.resending import collecting, orders, sending
from delivery.resending.orders import TicketTakenError
from delivery.wake import wake_for_resending
from records.models import Mail
from records.resending.models import Resending, ResendingReceiver
from senders.models import Sender
from tests.delivery.engine.processes import start
from tests.delivery.engine.scenes import make_sender
from tests.delivery.resending.scenes import NEEDED, ask, order, went_many
from tests.people import lose, make_person
from tests.together import do_at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sender() -> Sender:
    return make_sender()


@pytest.fixture
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "BATCH", 2)
    monkeypatch.setattr(sending, "BATCH", 2)


def copies() -> list[int]:
    """Count the copies of each mail that went before."""
    originals = Mail.objects.filter(resend_of=None).order_by("pk")
    return [mail.resends.count() for mail in originals]


def stand(work: Resending) -> tuple[str, int]:
    work.refresh_from_db()
    return work.state, work.sent


@pytest.mark.parametrize("point", ["collecting", "sending"])
def test_a_process_that_is_killed_amid_a_batch_sends_nothing_twice(point: str, sender: Sender, tmp_path: Path) -> None:
    went_many(sender, 5)
    work = order()
    log = tmp_path / "log"
    process = start("tests.delivery.resending.dying_sender", point, str(work.pk), log=log)
    assert process.wait(60) == -signal.SIGKILL, log.read_text()
    assert stand(work) == ((point, 2) if point == "sending" else (point, 0))
    orders.continue_unfinished(seconds=60)
    assert stand(work) == ("done", 5)
    assert copies() == [1, 1, 1, 1, 1]


@pytest.mark.usefixtures("_small_batches")
def test_a_batch_that_breaks_leaves_nothing_half_done(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "TRIES", 1)
    went_many(sender, 4)
    work = order()
    while Resending.objects.get(pk=work.pk).state == "collecting":
        collecting.collect_batch(work.pk)
    sending.send_batch(work.pk)

    def break_off(*_arguments: object) -> None:
        raise OperationalError("the database went away")

    with monkeypatch.context() as broken:
        broken.setattr(sending, "_note", break_off)
        assert orders.run(work).is_unfinished
    assert copies() == [1, 1, 0, 0]
    assert orders.run(work).sent == 4
    assert copies() == [1, 1, 1, 1]


@pytest.mark.usefixtures("_small_batches")
def test_two_processes_at_one_order_do_it_once(sender: Sender) -> None:
    went_many(sender, 12)
    work = order()
    do_at_once(*[lambda: orders.run(Resending.objects.get(pk=work.pk))] * 2)
    orders.continue_unfinished(seconds=60)
    assert stand(work) == ("done", 12)
    assert copies() == [1] * 12


@pytest.mark.usefixtures("_small_batches")
def test_one_that_was_read_beforehand_by_another_is_left_to_it(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    went_many(sender, 4)
    work = order()
    read = collecting._read

    def read_slowly(seen: Resending) -> object:
        page = read(seen)
        monkeypatch.setattr(collecting, "_read", read)
        assert collecting.collect_batch(work.pk)  # another process, meanwhile
        return page

    monkeypatch.setattr(collecting, "_read", read_slowly)
    assert not collecting.collect_batch(work.pk)
    orders.run(work)
    assert copies() == [1] * 4


@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("batches", [0, 1, 2, 3, 4])
def test_cancelled_in_the_middle_the_rest_is_not_sent(batches: int, sender: Sender) -> None:
    went_many(sender, 5)
    work = order()
    for _ in range(batches):
        orders._do_batch(work.pk)
    assert orders.cancel(work, "bob")
    orders.run(work)
    orders.continue_unfinished(seconds=60)
    assert stand(work) == ("cancelled", sum(copies()))
    assert sum(copies()) == max(0, batches - 3) * 2
    assert (work.cancelled_by, ResendingReceiver.objects.count()) == ("bob", 0)


def test_what_has_ended_cannot_be_cancelled(sender: Sender) -> None:
    went_many(sender, 1)
    work = orders.run(order())
    assert not orders.cancel(work, "bob")
    assert stand(work) == ("done", 1)


def test_the_ticket_of_another_is_no_order(sender: Sender) -> None:
    work = order()
    with pytest.raises(TicketTakenError):
        order(ticket=work.ticket, person=make_person(*NEEDED))
    assert Resending.objects.get().person == ask()


def test_the_same_ticket_is_the_same_order(sender: Sender) -> None:
    went_many(sender, 1)
    work = orders.run(order())
    assert orders.run(order(ticket=work.ticket)).pk == work.pk
    assert copies() == [1]


@pytest.mark.usefixtures("_small_batches")
class TestContinuing:
    def test_a_worker_that_is_told_goes_on(self, sender: Sender) -> None:
        went_many(sender, 3)
        tasks.continue_resending(order().pk)
        assert copies() == [1, 1, 1]

    def test_a_task_whose_time_is_over_orders_the_next(
        self, sender: Sender, broker: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        went_many(sender, 3)
        work = order()
        broker.flushall()
        monkeypatch.setattr(tasks, "DEED_SECONDS", 0.0)
        tasks.continue_resending(work.pk)
        assert (stand(work), broker.llen("mail")) == (("collecting", 0), 1)

    def test_the_sweep_goes_on_without_being_told(self, sender: Sender) -> None:
        went_many(sender, 3)
        order()
        worker._after_sweep()
        assert copies() == [1, 1, 1]

    def test_nothing_is_done_for_what_is_finished_or_unknown(self, sender: Sender) -> None:
        work = orders.run(order())
        assert not orders.continue_one(work.pk, seconds=60)
        assert not orders.continue_one(0, seconds=60)

    def test_a_task_that_fails_is_left_to_the_sweep(self, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
        work = order()
        Resending.objects.filter(pk=work.pk).update(time_zone="Nowhere/Never")
        tasks.continue_resending(work.pk)
        assert stand(work) == ("collecting", 0)

    def test_one_that_always_fails_does_not_keep_the_others_from_going(self, sender: Sender) -> None:
        went_many(sender, 1)
        broken, work = order(), order()
        Resending.objects.filter(pk=broken.pk).update(time_zone="Nowhere/Never")
        orders.continue_unfinished(seconds=60)
        assert (stand(broken), stand(work)) == (("collecting", 0), ("done", 1))

    def test_a_dead_broker_is_no_error(self, dead_broker: object) -> None:
        assert not wake_for_resending(1)


@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("batches", [0, 1, 4])
@pytest.mark.parametrize("lost", ["active", "send_mail", "view_sendingrecord", "view_content", "everything"])
def test_for_whom_it_is_forbidden_by_now_nothing_more_is_sent(lost: str, batches: int, sender: Sender) -> None:
    went_many(sender, 5)
    work = order(to="boss@example.org")
    for _ in range(batches):
        orders._do_batch(work.pk)
    sent = stand(work)[1]
    assert sent == (2 if batches == 4 else 0)
    if lost == "everything":
        ask().delete()
    else:
        lose(ask(), lost)
    orders.continue_unfinished(seconds=60)
    assert stand(work) == ("forbidden", sent)
    assert work.finished_at is not None
    assert not work.receivers.exists()
    assert sum(copies()) == sent
    assert not orders.cancel(work, "bob")


def test_reading_content_is_needed_only_for_another_receiver(sender: Sender) -> None:
    went_many(sender, 1)
    work = order()
    lose(ask(), "view_content")
    orders.continue_unfinished(seconds=60)
    assert stand(work) == ("done", 1)


def test_when_the_time_is_over_the_sweep_goes_on(sender: Sender) -> None:
    went_many(sender, 2)
    work = orders.run(order(), seconds=0)
    assert stand(work) == ("sending", 0)
    orders.continue_unfinished(seconds=0)
    assert stand(work) == ("sending", 0)
    orders.continue_unfinished(seconds=60)
    assert stand(work) == ("done", 2)


def test_filters_that_nobody_knows_any_more_send_nothing(sender: Sender) -> None:
    went_many(sender, 1)
    work = order()
    Resending.objects.filter(pk=work.pk).update(query="result=maybe")
    orders.run(work)
    assert (stand(work), copies()) == (("done", 0), [0])


def test_a_batch_costs_few_queries_beside_those_of_each_mail(sender: Sender) -> None:
    counts = []
    for number in (1, 5):
        Mail.objects.all().delete()
        went_many(sender, number)
        work = order()
        collecting.collect_batch(work.pk)
        with CaptureQueriesContext(connection) as queries:
            sending.send_batch(work.pk)
        counts.append(len(queries))
    # Each mail is read back by itself, so that no more than one is in memory in every form: two queries.
    assert counts[1] - counts[0] == 4 * 2
