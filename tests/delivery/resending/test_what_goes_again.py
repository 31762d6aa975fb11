"""Which mails an order sends again, to whom, from where: each once, and nothing that was not meant."""

from datetime import timedelta
from email import message_from_bytes, policy
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from delivery.engine.drain import drain
from delivery.resending import collecting, orders, sending
from delivery.resending.ending import find_left_out
from delivery.resending.meant import find_meant
from delivery.values import Attachment
from records.clock import database_now
from records.content import find_mime
from records.enums import MailState, Outcome, Phase, Priority, ReceiverState, ResultClass
from records.filters import NO_CAUSE, DayRange, RecordFilters
from records.models import Body, Content, Mail, SendingRecord
from records.resending.models import Resending, ResendingReceiver
from senders.models import Sender
from senders.services import delete_sender
from tests import smtpd
from tests.delivery.engine.conftest import _fresh_process, server
from tests.delivery.engine.scenes import make_sender, outcomes
from tests.delivery.resending.scenes import (
    again,
    copies_of,
    end_copy,
    failed,
    healed,
    is_test,
    order,
    receivers_of_copies,
    went,
    went_many,
)
from tests.together import do_at_once

__all__ = ["_fresh_process", "server"]

pytestmark = pytest.mark.django_db(transaction=True)
FAILED = RecordFilters(result=ResultClass.FAILED)


@pytest.fixture
def sender() -> Sender:
    return make_sender()


def stands(work: Resending) -> tuple[str, int, int, dict[str, int]]:
    return work.state, work.total, work.sent, work.left_out


def test_each_mail_goes_again_once_as_a_new_mail(sender: Sender) -> None:
    file = Attachment("rows.csv", b"1,2", "text/csv")
    mail = went(sender, "anna@example.org", subject="Report", html="<p>Done</p>", template_name="T", attachments=[file])
    assert stands(again()) == ("done", 1, 1, {})
    [copy] = copies_of(mail)
    assert (copy.subject, copy.template_name, copy.sender, copy.state) == ("Report", "T", sender, "queued")
    assert (copy.requested_by, copy.requester_ip, copy.priority) == ("ada", "10.0.0.7", Priority.BULK)
    assert copy.message_id != mail.message_id
    mime = find_mime(copy.pk)
    assert mime is not None
    [attached] = message_from_bytes(mime, policy=policy.default).iter_attachments()
    assert attached.get_filename() == "rows.csv"


def test_it_really_goes_out(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    mail = went(sender, "anna@example.org")
    again()
    drain(sender.pk)
    [copy] = copies_of(mail)
    assert (copy.state, outcomes(copy), len(server.mails)) == ("sent", ["accepted"], 1)


def test_a_mail_with_several_tries_and_receivers_counts_once(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "BATCH", 2)
    mail = went(sender, "anna@example.org", "bob@example.org", tries=3)
    assert stands(again()) == ("done", 1, 1, {})
    assert receivers_of_copies(mail) == [["anna@example.org", "bob@example.org"]]


def test_only_what_the_filters_keep_goes_again(sender: Sender) -> None:
    meant = went(sender, "anna@example.org", template_name="A")
    other = went(sender, "anna@example.org", template_name="B")
    assert stands(again(template="A")) == ("done", 1, 1, {})
    assert (len(copies_of(meant)), len(copies_of(other))) == (1, 0)


def test_filters_of_any_length_are_kept(sender: Sender) -> None:
    long = "\N{FOX FACE}" * 200
    meant = went(sender, "anna@example.org", subject=long, template_name=long)
    other = went(sender, "anna@example.org", subject=long, template_name="B")
    work = again(subject=long, template=long)
    assert len(work.query) > 4000
    assert stands(work) == ("done", 1, 1, {})
    assert (len(copies_of(meant)), len(copies_of(other))) == (1, 0)


def test_the_receivers_are_those_of_the_records(sender: Sender) -> None:
    mail = went(sender, "anna@example.org", "bob@example.org")
    again(receiver="bob")
    assert receivers_of_copies(mail) == [["bob@example.org"]]


def test_who_has_it_does_not_get_it_again_while_others_lack_it(sender: Sender) -> None:
    mail = went(
        sender, "anna@example.org", "bob@example.org", state=MailState.PARTLY_SENT, lacking=("bob@example.org",)
    )
    again()
    assert receivers_of_copies(mail) == [["bob@example.org"]]


def test_all_can_go_to_one_other_receiver_and_to_nobody_else(sender: Sender) -> None:
    mail = went(sender, cc=["carol@example.org"], bcc=["dave@example.org"])
    again(to="boss@example.org")
    assert receivers_of_copies(mail) == [["boss@example.org"]]


def test_another_account_can_send_them(sender: Sender) -> None:
    other = make_sender(address="other@example.com")
    mail = went(sender)
    again(sender_id=other.pk)
    assert [copy.sender for copy in copies_of(mail)] == [other]


def test_the_account_that_another_stood_in_for_sends_again(sender: Sender) -> None:
    other = make_sender(address="other@example.com")
    mail = went(sender)
    Mail.objects.filter(pk=mail.pk).update(sender=other, stands_in_for=sender)
    again()
    assert [copy.sender for copy in copies_of(mail)] == [sender]


def test_what_was_recorded_after_the_question_is_left_alone(sender: Sender) -> None:
    before = went(sender)
    up_to = orders.find_end()
    after = went(sender)
    assert stands(again(up_to=up_to)) == ("done", 1, 1, {})
    assert (len(copies_of(before)), len(copies_of(after))) == (1, 0)


def test_relative_days_are_those_of_the_question(sender: Sender) -> None:
    today = timezone.localdate()
    work = order(range=DayRange.WEEK, since=today - timedelta(days=6), until=today)
    assert work.query == f"since={today - timedelta(days=6)}&until={today}"


def test_days_are_those_of_the_zone_in_which_it_was_asked(sender: Sender) -> None:
    mail = went(sender)
    mail.records.update(started_at=database_now().replace(hour=23, minute=30) - timedelta(days=3))
    day = (database_now() - timedelta(days=2)).date()
    with timezone.override("Asia/Shanghai"):
        work = order(since=day, until=day)
    assert orders.run(work).sent == 1


def test_test_mail_never_goes_again(sender: Sender) -> None:
    mail = went(sender)
    is_test(mail)
    assert stands(again()) == ("done", 0, 0, {})
    assert copies_of(mail) == []


def test_without_any_record_nothing_is_sent() -> None:
    assert stands(again()) == ("done", 0, 0, {})


class TestLeftOut:
    def test_mail_whose_content_is_not_kept(self, sender: Sender) -> None:
        gone, mail = went_many(sender, 2)
        Content.objects.filter(mail=gone).delete()
        assert stands(again()) == ("done", 2, 1, {"content_gone": 1})
        assert (copies_of(gone), len(copies_of(mail))) == ([], 1)

    def test_mail_whose_files_are_not_kept(self, sender: Sender) -> None:
        went(sender, attachments=[Attachment("a.txt", b"a", "text/plain")])
        Body.objects.update(attachments_removed_at=database_now())
        assert stands(again()) == ("done", 1, 0, {"content_gone": 1})

    def test_mail_whose_secrets_are_gone(self, sender: Sender, own_keys: None) -> None:
        masked = went(sender, subject="739218 is your code", secrets=["739218"])
        plain = went(sender)
        work = again()
        assert stands(work) == ("done", 2, 1, {"secrets_gone": 1})
        assert (copies_of(masked), len(copies_of(plain))) == ([], 1)
        assert list(find_left_out(work).values_list("mail_id", "left_out")) == [(masked.pk, "secrets_gone")]

    def test_mail_that_was_deleted_meanwhile(self, sender: Sender) -> None:
        mail = went(sender)
        work = order()
        collecting.collect_batch(work.pk)
        mail.delete()
        assert stands(orders.run(work)) == ("done", 1, 0, {"content_gone": 1})

    def test_mail_that_still_waits(self, sender: Sender) -> None:
        went(sender, outcome=Outcome.DEFERRED, state=MailState.RETRY)
        assert stands(again(result=ResultClass.FAILED)) == ("done", 1, 0, {"unfinished": 1})

    def test_mail_of_a_deleted_account(self, sender: Sender) -> None:
        went(sender)
        delete_sender(sender)
        assert stands(again()) == ("done", 1, 0, {"account_gone": 1})

    def test_mail_of_a_disabled_account(self, sender: Sender) -> None:
        went(sender)
        went(make_sender(address="other@example.com"))
        Sender.objects.filter(pk=sender.pk).update(is_enabled=False)
        assert stands(again()) == ("done", 2, 1, {"account_gone": 1})

    def test_all_if_the_chosen_account_was_deleted_since(self, sender: Sender) -> None:
        went(sender)
        assert stands(again(sender_id=sender.pk + 1)) == ("done", 1, 0, {"account_gone": 1})

    def test_mail_that_breaks_the_rules_of_today(self, sender: Sender, settings: Settings) -> None:
        went(sender, "anna@example.org", "bob@example.org")
        went(sender)
        settings.MAILBOX_MAX_RECEIVERS = 1
        assert stands(again()) == ("done", 2, 1, {"refused": 1})

    def test_mail_that_is_too_large_by_now(self, sender: Sender, settings: Settings) -> None:
        went(sender, text="x" * 5000)
        went(sender)
        settings.MAILBOX_MAX_SIZE = 2000
        assert stands(again()) == ("done", 2, 1, {"refused": 1})

    def test_mail_that_cannot_be_read_back(self, sender: Sender) -> None:
        broken, _mail = went_many(sender, 2)
        Body.objects.filter(contents__mail=broken).update(
            octets=b"Content-Type: text/plain; charset=nobody-knows\r\n\r\nx"
        )
        assert stands(again()) == ("done", 2, 1, {"unreadable": 1})

    def test_their_numbers_are_kept_and_nothing_else(self, sender: Sender) -> None:
        mails = went_many(sender, 2)
        Content.objects.all().delete()
        work = again()
        kept = ResendingReceiver.objects.values_list("resending", "mail_id", "left_out").order_by("mail_id")
        assert list(kept) == [(work.pk, mail.pk, "content_gone") for mail in mails]


class TestWhatFailed:
    """Filters that can keep no try that went well ask for what failed: it may have arrived since."""

    @pytest.mark.parametrize(
        "filters",
        [
            {"result": ResultClass.FAILED},
            {"outcome": Outcome.DEFERRED},
            {"cause": NO_CAUSE},
            {"phase": Phase.RCPT},
        ],
    )
    def test_mail_that_arrived_with_a_later_try_is_left_out(self, filters: dict[str, str], sender: Sender) -> None:
        mail, lacks = healed(sender), failed(sender)
        SendingRecord.objects.exclude(outcome=Outcome.ACCEPTED).update(phase=Phase.RCPT)
        lacks.records.update(outcome=Outcome.DEFERRED)
        assert stands(again(**filters)) == ("done", 2, 1, {"has_it": 1})
        assert (copies_of(mail), len(copies_of(lacks))) == ([], 1)

    def test_who_has_it_by_now_gets_none_and_the_others_do(self, sender: Sender) -> None:
        mail = went(sender, "anna@example.org", "bob@example.org", outcome=Outcome.DEFERRED)
        mail.receivers.filter(address="anna@example.org").update(state=ReceiverState.ACCEPTED)
        again(result=ResultClass.FAILED)
        assert receivers_of_copies(mail) == [["bob@example.org"]]

    @pytest.mark.parametrize("filters", [{}, {"result": ResultClass.SUCCESS}, {"phase": Phase.DATA}])
    def test_filters_that_keep_what_went_well_send_it_again(self, filters: dict[str, str], sender: Sender) -> None:
        mail = healed(sender)
        mail.records.update(phase=Phase.DATA)
        assert stands(again(**filters)) == ("done", 1, 1, {})
        assert receivers_of_copies(mail) == [["bob@example.org"]]

    def test_a_mail_that_was_sent_again_and_arrived_does_not_go_once_more(self, sender: Sender) -> None:
        mail = failed(sender)
        again(result=ResultClass.FAILED)
        end_copy(mail, Outcome.ACCEPTED)
        assert stands(again(result=ResultClass.FAILED)) == ("done", 1, 0, {"sent_again": 1})
        assert len(copies_of(mail)) == 1

    def test_nor_does_one_whose_copy_is_on_its_way(self, sender: Sender) -> None:
        mail = failed(sender)
        again(result=ResultClass.FAILED)
        assert stands(again(result=ResultClass.FAILED)) == ("done", 1, 0, {"sent_again": 1})
        assert len(copies_of(mail)) == 1

    def test_where_the_copy_failed_one_of_the_two_goes(self, sender: Sender) -> None:
        mail = failed(sender)
        again(result=ResultClass.FAILED)
        copy = end_copy(mail, Outcome.REFUSED)
        assert stands(again(result=ResultClass.FAILED)) == ("done", 2, 1, {"sent_again": 1})
        assert (len(copies_of(mail)), copies_of(copy)) == (2, [])

    def test_where_the_original_can_not_go_its_failed_copy_does(self, sender: Sender) -> None:
        mail = failed(sender)
        again(result=ResultClass.FAILED, sender_id=make_sender(address="other@example.com").pk)
        copy = end_copy(mail, Outcome.REFUSED)
        Sender.objects.filter(pk=sender.pk).update(is_enabled=False)
        assert stands(again(result=ResultClass.FAILED)) == ("done", 2, 1, {"account_gone": 1})
        assert receivers_of_copies(copy) == [["bob@example.org"]]

    def test_a_copy_of_a_copy_that_arrived_counts_too(self, sender: Sender) -> None:
        mail = failed(sender)
        again()
        copy = end_copy(mail, Outcome.REFUSED)
        again(mail_id=copy.pk)
        end_copy(copy, Outcome.ACCEPTED)
        assert stands(again(result=ResultClass.FAILED)) == ("done", 2, 0, {"sent_again": 2})

    def test_the_copy_reached_some_and_the_others_are_sent_it(self, sender: Sender) -> None:
        mail = failed(sender, "anna@example.org", "bob@example.org")
        again(result=ResultClass.FAILED)
        end_copy(mail, Outcome.ACCEPTED, "anna@example.org")
        end_copy(mail, Outcome.REFUSED, "bob@example.org")
        again(mail_id=mail.pk, result=ResultClass.FAILED)
        assert receivers_of_copies(mail)[1:] == [["bob@example.org"]]

    def test_a_copy_for_another_receiver_is_none_for_its_own(self, sender: Sender) -> None:
        mail = failed(sender)
        again(result=ResultClass.FAILED, to="boss@example.org")
        end_copy(mail, Outcome.ACCEPTED)
        assert stands(again(result=ResultClass.FAILED)) == ("done", 1, 1, {})

    def test_another_receiver_gets_no_second_copy_either(self, sender: Sender) -> None:
        healed(sender)
        failed(sender)
        assert stands(again(result=ResultClass.FAILED, to="boss@example.org")) == ("done", 2, 1, {"has_it": 1})
        assert stands(again(result=ResultClass.FAILED, to="boss@example.org")) == (
            "done",
            2,
            0,
            {"has_it": 1, "sent_again": 1},
        )

    def test_a_copy_that_failed_goes_though_the_original_arrived_before(self, sender: Sender) -> None:
        mail = went(sender)
        again()
        copy = end_copy(mail, Outcome.REFUSED)
        assert stands(again(result=ResultClass.FAILED)) == ("done", 1, 1, {})
        assert len(copies_of(copy)) == 1

    @pytest.mark.parametrize("state", [MailState.SENT, MailState.RETRY])
    def test_a_copy_stays_where_its_original_was_tried_again(self, state: MailState, sender: Sender) -> None:
        mail = failed(sender)
        again(result=ResultClass.FAILED)
        copy = end_copy(mail, Outcome.REFUSED)
        is_over = state == MailState.SENT
        mail.receivers.update(state=ReceiverState.ACCEPTED if is_over else ReceiverState.PENDING)
        Mail.objects.filter(pk=mail.pk).update(state=state, finished_at=database_now() if is_over else None)
        reason = "has_it" if is_over else "unfinished"
        assert find_meant(FAILED, orders.find_end()).left_out == {reason: 1, "sent_again": 1}
        assert stands(again(result=ResultClass.FAILED)) == ("done", 2, 0, {reason: 1, "sent_again": 1})
        assert copies_of(copy) == []

    @pytest.mark.parametrize("state", [ReceiverState.ACCEPTED, ReceiverState.ARRIVED])
    def test_it_is_decided_when_the_turn_of_a_mail_comes(self, state: ReceiverState, sender: Sender) -> None:
        mail = failed(sender)
        work = order(result=ResultClass.FAILED)
        collecting.collect_batch(work.pk)
        mail.receivers.update(state=state)
        assert stands(orders.run(work)) == ("done", 1, 0, {"has_it": 1})

    def test_two_orders_at_once_send_each_mail_once(self, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sending, "BATCH", 1)
        mails = [failed(sender) for _ in range(8)]
        works = [order(result=ResultClass.FAILED) for _ in range(2)]
        do_at_once(*[partial(orders.run, work) for work in works])
        orders.continue_unfinished(seconds=60)
        assert [len(copies_of(mail)) for mail in mails] == [1] * 8

    def test_a_batch_costs_as_many_queries_for_many_as_for_one(self, sender: Sender) -> None:
        counts = []
        for number in (1, 5):
            Mail.objects.all().delete()
            for _ in range(number):
                healed(sender)
            work = order(result=ResultClass.FAILED)
            collecting.collect_batch(work.pk)
            with CaptureQueriesContext(connection) as queries:
                sending.send_batch(work.pk)
            counts.append(len(queries))
        assert counts[0] == counts[1]


class TestTooMany:
    def test_more_than_the_limit_are_refused_as_a_whole(self, sender: Sender, settings: Settings) -> None:
        settings.MAILBOX_MAX_RESENDS = 2
        mails = went_many(sender, 3)
        work = again()
        assert (work.state, work.sent, ResendingReceiver.objects.count()) == ("too_many", 0, 0)
        assert [copies_of(mail) for mail in mails] == [[], [], []]

    def test_as_many_as_the_limit_go(self, sender: Sender, settings: Settings) -> None:
        settings.MAILBOX_MAX_RESENDS = 2
        went_many(sender, 2)
        assert stands(again()) == ("done", 2, 2, {})


def test_mails_are_read_in_portions_that_memory_holds(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "BATCH_BYTES", 1)
    went_many(sender, 3)
    work = order()
    collecting.collect_batch(work.pk)
    sent = []
    while sending.send_batch(work.pk):
        sent.append(Resending.objects.get(pk=work.pk).sent)
    assert sent == [1, 2, 3]
