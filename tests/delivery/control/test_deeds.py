"""What a person does to one mail: where it may be done, what it leads to, and who is noted."""

from datetime import timedelta

import pytest

from delivery.control.single import do_to_mail
from delivery.engine.drain import drain
from records.clock import database_now
from records.enums import MailKind
from records.interventions import Deed
from records.models import Content, Mail, Receiver
from senders.enums import CircuitState
from senders.models import Circuit
from tests import smtpd
from tests.delivery.control.scenes import BY, deeds_at, expire, fail, hold, wait_for_retry
from tests.delivery.engine.scenes import accept, copies, fresh, make_sender, outcomes, states_of_receivers, take
from tests.delivery.engine.test_flow import counted

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_waiting_mail_is_cancelled_with_a_record_and_its_canceller() -> None:
    mail = accept(make_sender())
    assert do_to_mail(Deed.CANCEL, mail.pk, BY)
    assert (fresh(mail).state, outcomes(mail), deeds_at(mail)) == ("cancelled", ["skipped"], [("cancel", "ada")])


def test_a_failed_mail_is_tried_again_as_the_same_mail(server: smtpd.MailServer) -> None:
    mail = fail(accept(make_sender(server)))
    assert do_to_mail(Deed.RETRY, mail.pk, BY)
    assert (fresh(mail).state, fresh(mail).attempts, fresh(mail).finished_at) == ("retry", 0, None)
    drain(mail.sender_id or 0)
    assert fresh(mail).state == "sent"
    assert server.wait_for(1)[0].message["Message-ID"] == mail.message_id
    assert deeds_at(mail) == [("retry", "ada")]


def test_who_has_the_mail_does_not_get_it_again(server: smtpd.MailServer) -> None:
    mail = fail(accept(make_sender(server), "has@example.org", "lacks@example.org"), served=("has@example.org",))
    assert do_to_mail(Deed.RETRY, mail.pk, BY)
    drain(mail.sender_id or 0)
    assert fresh(mail).state == "sent"
    assert copies(server) == {(mail.message_id, "lacks@example.org"): 1}


def test_a_mail_whose_time_was_over_gets_new_time() -> None:
    mail = expire(accept(make_sender(), give_up_after=timedelta(minutes=1)))
    assert fresh(mail).state == "expired"
    assert do_to_mail(Deed.RETRY, mail.pk, BY)
    assert fresh(mail).expires_at > database_now() + timedelta(hours=23)
    assert states_of_receivers(mail) == {"bob@example.org": "pending"}


def test_a_cancelled_mail_is_tried_again_and_not_cancelled_a_second_time(server: smtpd.MailServer) -> None:
    mail = accept(make_sender(server))
    do_to_mail(Deed.CANCEL, mail.pk, BY)
    assert do_to_mail(Deed.RETRY, mail.pk, BY)
    drain(mail.sender_id or 0)
    assert (fresh(mail).state, outcomes(mail)) == ("sent", ["skipped", "accepted"])


@pytest.mark.parametrize("what_is_missing", ["sender", "content"])
def test_what_can_not_be_sent_is_not_tried_again(what_is_missing: str) -> None:
    mail = fail(accept(make_sender()))
    if what_is_missing == "sender":
        Mail.objects.update(sender=None)
    else:
        Content.objects.all().delete()
    assert not do_to_mail(Deed.RETRY, mail.pk, BY)
    assert (fresh(mail).state, deeds_at(mail)) == ("failed", [])


def test_a_mail_that_waits_for_its_next_try_is_sent_now(server: smtpd.MailServer) -> None:
    mail = wait_for_retry(accept(make_sender(server)))
    drain(mail.sender_id or 0)
    assert fresh(mail).state == "retry"
    assert do_to_mail(Deed.SEND_NOW, mail.pk, BY)
    drain(mail.sender_id or 0)
    assert (fresh(mail).state, deeds_at(mail)) == ("sent", [("send_now", "ada")])


def test_sending_now_looks_for_a_server_that_was_away_at_once() -> None:
    sender = make_sender()
    mail = accept(sender)
    later = database_now() + timedelta(minutes=4)
    Circuit.objects.create(sender=sender, state=CircuitState.OPEN, probe_at=later)
    assert not do_to_mail(Deed.SEND_NOW, mail.pk, BY)
    assert Circuit.objects.get(probe_at__lte=database_now()).state == "open"


def test_sending_now_never_tries_a_refused_sign_in_again() -> None:
    sender = make_sender()
    mail = accept(sender)
    Circuit.objects.create(sender=sender, state=CircuitState.REFUSED)
    do_to_mail(Deed.SEND_NOW, mail.pk, BY)
    assert Circuit.objects.get().state == "refused"


def test_a_held_mail_arrived_says_a_person() -> None:
    mail = hold(accept(make_sender()))
    assert do_to_mail(Deed.ARRIVED, mail.pk, BY)
    assert (fresh(mail).state, deeds_at(mail)) == ("sent", [("arrived", "ada")])
    # No server said so, and its records keep saying that nobody knows.
    assert counted(Receiver, "state") == {"arrived": 1}


def test_a_held_mail_of_which_some_arrived_and_others_were_accepted_is_sent() -> None:
    mail = hold(accept(make_sender(), "has@example.org", "bob@example.org"), served=("has@example.org",))
    assert do_to_mail(Deed.ARRIVED, mail.pk, BY)
    assert (fresh(mail).state, counted(Receiver, "state")) == ("sent", {"accepted": 1, "arrived": 1})


def test_a_held_mail_is_sent_again_to_those_only_who_may_lack_it(server: smtpd.MailServer) -> None:
    mail = hold(accept(make_sender(server), "has@example.org", "may@example.org"), served=("has@example.org",))
    assert do_to_mail(Deed.SEND_AGAIN, mail.pk, BY)
    assert states_of_receivers(mail) == {"has@example.org": "accepted", "may@example.org": "pending"}
    drain(mail.sender_id or 0)
    assert copies(server) == {(mail.message_id, "may@example.org"): 1}
    assert fresh(mail).state == "sent"


@pytest.mark.parametrize(("served", "end"), [((), "failed"), (("a@example.org",), "partly_sent")])
def test_a_held_mail_is_given_up(served: tuple[str, ...], end: str) -> None:
    mail = hold(accept(make_sender(), "a@example.org", "b@example.org"), served=served)
    assert do_to_mail(Deed.GIVE_UP, mail.pk, BY)
    assert (fresh(mail).state, deeds_at(mail)) == (end, [("give_up", "ada")])


@pytest.mark.parametrize("deed", sorted(Deed))
def test_nothing_is_done_to_a_mail_that_was_sent(deed: Deed) -> None:
    mail = accept(make_sender())
    Mail.objects.update(state="sent", finished_at=database_now())
    assert deed == Deed.PROLONG or not do_to_mail(deed, mail.pk, BY)
    assert (fresh(mail).state, deeds_at(mail)) == ("sent", [])


@pytest.mark.parametrize("deed", [Deed.CANCEL, Deed.SEND_NOW])
def test_a_mail_in_a_workers_hand_is_left_to_it(deed: Deed) -> None:
    mail = accept(make_sender())
    take(mail)
    assert not do_to_mail(deed, mail.pk, BY)
    assert fresh(mail).state == "sending"


def test_test_mail_is_tried_once_whatever_a_person_asks() -> None:
    mail = hold(accept(make_sender()))
    Mail.objects.update(kind=MailKind.TEST)
    assert not do_to_mail(Deed.SEND_AGAIN, mail.pk, BY)
    fail(mail)
    assert not do_to_mail(Deed.RETRY, mail.pk, BY)
