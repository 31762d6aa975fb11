"""Doing something to many mails at once: exactly those that were meant, broken off anywhere, by anyone continued."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.db.utils import OperationalError
from django.test.utils import CaptureQueriesContext

from delivery.control import bulk, deeds
from delivery.control.selection import NEEDED_FOR, MailFilters, MailGroup
from records.clock import database_now
from records.enums import Priority, ReceiverState
from records.interventions import BulkIntervention, Deed, Intervention
from records.models import Mail
from tests.delivery.control.scenes import BY, accept_many, deeds_at, fail, hold, states
from tests.delivery.engine.scenes import accept, fresh, make_sender, outcomes, states_of_receivers, take
from tests.people import lose, make_person
from tests.together import do_at_once

pytestmark = pytest.mark.django_db(transaction=True)


def do(deed: Deed, group: MailGroup = MailGroup.WAITING, **filters: object) -> BulkIntervention:
    return bulk.run(bulk.begin(deed, MailFilters(group=group, **filters), BY))  # type: ignore[arg-type]


def test_all_that_wait_are_cancelled_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BATCH", 2)
    mails = accept_many(make_sender(), 5)
    work = do(Deed.CANCEL)
    assert (work.changed, work.finished_at is not None) == (5, True)
    assert states() == ["cancelled"] * 5
    assert [(outcomes(mail), deeds_at(mail)) for mail in mails] == [(["skipped"], [("cancel", "ada")])] * 5


def test_only_the_meant_ones_are_touched() -> None:
    sender, other = make_sender(), make_sender(address="other@example.com")
    meant = accept(sender, "carol@example.org", subject="Quarterly figures", template_name="Report")
    accept(sender, "carol@example.org", subject="Quarterly figures", template_name="Alarm")
    accept(sender, "carol@example.org", subject="Nightly load", template_name="Report")
    accept(sender, "dave@example.org", subject="Quarterly figures", template_name="Report")
    accept(other, "carol@example.org", subject="Quarterly figures", template_name="Report")
    do(Deed.CANCEL, sender_id=sender.pk, receiver="CAROL@", subject="quarterly", template="Report")
    assert fresh(meant).state == "cancelled"
    assert states() == ["cancelled", "queued", "queued", "queued", "queued"]


def test_the_time_of_acceptance_and_the_priority_narrow_too() -> None:
    early, late, high = accept_many(make_sender(), 3)
    now = database_now()
    Mail.objects.filter(pk=early.pk).update(accepted_at=now - timedelta(days=2))
    Mail.objects.filter(pk=high.pk).update(priority=Priority.HIGH)
    since = now - timedelta(days=1)
    until = now + timedelta(days=1)
    do(Deed.CANCEL, accepted_from=since, accepted_before=until, priority=Priority.NORMAL)
    assert [fresh(mail).state for mail in (early, late, high)] == ["queued", "cancelled", "queued"]


def test_mail_that_was_accepted_after_the_click_is_left_alone() -> None:
    sender = make_sender()
    before = accept(sender)
    work = bulk.begin(Deed.CANCEL, MailFilters(), BY)
    after = accept(sender)
    bulk.run(work)
    assert (fresh(before).state, fresh(after).state) == ("cancelled", "queued")


def test_mail_in_a_workers_hand_is_left_to_it() -> None:
    mail = accept(make_sender())
    take(mail)
    assert do(Deed.CANCEL).changed == 0
    assert fresh(mail).state == "sending"


def test_what_fails_again_is_not_tried_for_ever() -> None:
    mails = [fail(mail) for mail in accept_many(make_sender(), 3)]
    work = bulk.begin(Deed.RETRY, MailFilters(group=MailGroup.FAILED), BY)
    while bulk._do_batch(work.pk):
        for mail in mails:
            fail(mail)
    assert Intervention.objects.count() == 3


def test_the_held_are_decided_together() -> None:
    for mail in accept_many(make_sender(), 3):
        hold(mail)
    accept(make_sender(address="other@example.com"))
    assert do(Deed.ARRIVED, MailGroup.HELD).changed == 3
    assert states() == ["sent", "sent", "sent", "queued"]


def test_when_the_time_is_over_the_sweep_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BATCH", 1)
    accept_many(make_sender(), 3)
    work = bulk.run(bulk.begin(Deed.CANCEL, MailFilters(), BY), seconds=0)
    assert (work.changed, work.finished_at) == (1, None)
    bulk.continue_unfinished(seconds=60)
    assert states() == ["cancelled"] * 3
    work.refresh_from_db()
    assert (work.changed, work.finished_at is not None) == (3, True)


def test_a_batch_that_breaks_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BATCH", 2)
    monkeypatch.setattr(bulk, "TRIES", 1)
    accept_many(make_sender(), 4)
    work = bulk.begin(Deed.CANCEL, MailFilters(), BY)
    assert bulk._do_batch(work.pk)
    with monkeypatch.context() as broken:
        broken.setattr(deeds, "note", _break)
        assert bulk.run(work).finished_at is None
    assert states() == ["cancelled", "cancelled", "queued", "queued"]
    assert Intervention.objects.count() == 2
    assert bulk.run(work).changed == 4
    assert Intervention.objects.count() == 4


def _break(*_arguments: object) -> None:
    raise OperationalError("the database went away")


def test_a_batch_that_met_others_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    accept(make_sender())
    once = iter([True])
    note = deeds.note

    def break_once(*arguments: object) -> None:
        if next(once, False):
            _break()
        note(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(deeds, "note", break_once)
    assert do(Deed.CANCEL).changed == 1


def test_two_processes_at_one_deed_do_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BATCH", 2)
    accept_many(make_sender(), 12)
    work = bulk.begin(Deed.CANCEL, MailFilters(), BY)
    do_at_once(*[lambda: bulk.run(BulkIntervention.objects.get(pk=work.pk))] * 2)
    bulk.continue_unfinished(seconds=60)
    assert states() == ["cancelled"] * 12
    assert Intervention.objects.count() == 12


def test_who_was_served_before_stays_served_when_the_rest_is_cancelled() -> None:
    mail = accept(make_sender(), "has@example.org", "lacks@example.org")
    mail.receivers.filter(address="has@example.org").update(state=ReceiverState.ACCEPTED)
    do(Deed.CANCEL)
    assert (fresh(mail).state, outcomes(mail)) == ("partly_sent", ["skipped"])
    assert states_of_receivers(mail) == {"has@example.org": "accepted", "lacks@example.org": "cancelled"}


def test_a_cancelled_claim_that_still_lives_sends_nothing() -> None:
    mail = accept(make_sender())
    epoch = fresh(mail).epoch
    do(Deed.CANCEL)
    assert (fresh(mail).epoch, fresh(mail).cancel_requested) == (epoch + 1, True)


@pytest.mark.parametrize(("deed", "group"), [(Deed.RETRY, MailGroup.FAILED), (Deed.CANCEL, MailGroup.WAITING)])
def test_a_batch_costs_as_many_queries_for_ten_mails_as_for_one(deed: Deed, group: MailGroup) -> None:
    counts = []
    for number in (1, 10):
        sender = make_sender(address=f"a{number}@example.com")
        for mail in accept_many(sender, number):
            if group is MailGroup.FAILED:
                fail(mail)
        work = bulk.begin(deed, MailFilters(group=group, sender_id=sender.pk), BY)
        with CaptureQueriesContext(connection) as queries:
            bulk._do_batch(work.pk)
        counts.append(len(queries))
    assert counts[0] == counts[1]


class TestStopping:
    def test_the_rest_stays_as_it_was(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bulk, "BATCH", 1)
        accept_many(make_sender(), 3)
        work = bulk.run(bulk.begin(Deed.CANCEL, MailFilters(), BY), seconds=0)
        assert bulk.cancel(work, "bob")
        bulk.run(work)
        bulk.continue_unfinished(seconds=60)
        assert states() == ["cancelled", "queued", "queued"]
        assert (work.state, work.cancelled_by, work.changed) == ("cancelled", "bob", 1)
        assert work.finished_at is not None

    def test_what_has_ended_stays_as_it_is(self) -> None:
        accept(make_sender())
        work = do(Deed.CANCEL)
        assert not bulk.cancel(work, "bob")
        work.refresh_from_db()
        assert (work.state, work.cancelled_by) == ("done", "")


@pytest.mark.parametrize(
    ("deed", "group"),
    [
        (Deed.CANCEL, MailGroup.WAITING),
        (Deed.SEND_NOW, MailGroup.WAITING),
        (Deed.RETRY, MailGroup.FAILED),
        (Deed.ARRIVED, MailGroup.HELD),
        (Deed.SEND_AGAIN, MailGroup.HELD),
        (Deed.GIVE_UP, MailGroup.HELD),
    ],
)
class TestPermission:
    @pytest.fixture(autouse=True)
    def _small_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bulk, "BATCH", 1)

    def begin(self, deed: Deed, group: MailGroup, person: User | None) -> BulkIntervention:
        """Begin with three mails, of which one is done."""
        for mail in accept_many(make_sender(), 3):
            Mail.objects.filter(pk=mail.pk).update(due_at=F("due_at") + timedelta(hours=1))
            {MailGroup.FAILED: fail, MailGroup.HELD: hold}.get(group, fresh)(mail)
        work = bulk.begin(deed, MailFilters(group=group), BY, person=person)
        return bulk.run(work, seconds=0)

    @pytest.mark.parametrize("lost", ["active", "view_sendingrecord", "the deed", "everything"])
    def test_nothing_more_is_done_for_whom_it_is_forbidden_by_now(
        self, deed: Deed, group: MailGroup, lost: str
    ) -> None:
        needed = NEEDED_FOR[deed]
        person = make_person(*needed)
        work = self.begin(deed, group, person)
        if lost == "everything":
            person.delete()
        else:
            lose(person, needed[-1].partition(".")[2] if lost == "the deed" else lost)
        bulk.continue_unfinished(seconds=60)
        work.refresh_from_db()
        assert (work.state, work.changed, work.finished_at is not None) == ("withdrawn", 1, True)
        assert Intervention.objects.count() == 1

    def test_with_exactly_its_permissions_all_is_done(self, deed: Deed, group: MailGroup) -> None:
        work = self.begin(deed, group, make_person(*NEEDED_FOR[deed]))
        assert (bulk.run(work).state, work.changed) == ("done", 3)

    def test_a_command_needs_none(self, deed: Deed, group: MailGroup) -> None:
        work = self.begin(deed, group, None)
        assert (bulk.run(work).state, work.changed) == ("done", 3)
