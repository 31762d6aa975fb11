"""Keeping a sender within its limits: what may be claimed, what is counted, what waits and until when."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from delivery.engine import allowance
from delivery.engine.allowance import exhausted_until, give_back, note_test, waits_until
from delivery.engine.claim import claim_allowed, claim_due
from delivery.engine.drain import drain
from delivery.engine.sweep import sweep
from delivery.engine.values import Claim
from records.clock import database_now
from senders.allowances import Window
from senders.models import Allowance, Sender
from tests import smtpd
from tests.delivery.engine.scenes import accept, fresh, make_sender, outcomes

pytestmark = pytest.mark.django_db(transaction=True)


def take(sender: Sender, wanted: int, now: datetime) -> int:
    """Take within a transaction of its own, as a claim does."""
    with transaction.atomic():
        return allowance.take(sender, wanted, now)


def fit(sender: Sender, granted: int, receivers: Sequence[int], now: datetime) -> int:
    """Fit within a transaction of its own."""
    with transaction.atomic():
        return allowance.fit(sender, granted, receivers, now)


def limited(**values: Any) -> Sender:
    return loaded(make_sender(**values))


def loaded(sender: Sender) -> Sender:
    return Sender.objects.select_related("allowance").get(pk=sender.pk)


def now_within_a_day() -> datetime:
    """A moment far from the end of any window."""
    return Window.DAY.begin(database_now()).replace(hour=12, minute=30, second=20)


def used(sender: Sender) -> tuple[int, int, int]:
    row = Allowance.objects.get(pk=sender.pk)
    return (row.minute_used, row.hour_used, row.day_used)


def test_an_account_without_limits_is_granted_everything_and_costs_no_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    sender, now = limited(), database_now()
    with django_assert_num_queries(0):
        assert allowance.take(sender, 500, now) == 500
        assert allowance.fit(sender, 500, [1, 3], now) == 2
    assert not Allowance.objects.exists()


def test_only_what_is_left_is_granted_and_it_is_counted_in_every_window() -> None:
    sender, now = limited(per_minute=30, per_day=1000), now_within_a_day()
    assert [take(sender, 20, now), take(sender, 20, now), take(sender, 20, now)] == [20, 10, 0]
    assert used(sender) == (30, 30, 30)


def test_the_next_minute_brings_the_next_mails_and_the_day_goes_on_counting() -> None:
    sender, now = limited(per_minute=30, per_day=50), now_within_a_day()
    assert take(sender, 40, now) == 30
    assert take(sender, 40, now + timedelta(minutes=1)) == 20
    assert take(sender, 40, now + timedelta(minutes=2)) == 0
    assert take(sender, 40, now + timedelta(days=1)) == 30


def test_a_claim_costs_few_statements(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    sender, now = limited(per_day=1000), now_within_a_day()
    take(sender, 1, now)
    with transaction.atomic(), django_assert_max_num_queries(2):
        allowance.take(sender, 100, now)


def test_receivers_are_counted_and_not_mails() -> None:
    sender, now = limited(per_day=10), now_within_a_day()
    granted = take(sender, 4, now)
    assert fit(sender, granted, [3, 3, 3, 3], now) == 3
    assert used(sender) == (9, 9, 9)


def test_what_was_granted_and_found_no_mail_is_not_counted() -> None:
    sender, now = limited(per_day=10), now_within_a_day()
    assert fit(sender, take(sender, 8, now), [1, 1], now) == 2
    assert used(sender) == (2, 2, 2)


def test_a_mail_to_more_receivers_than_a_day_allows_goes_out_alone_on_a_new_day() -> None:
    sender, now = limited(per_day=10), now_within_a_day()
    take(sender, 1, now)
    assert fit(sender, take(sender, 1, now), [25], now) == 0
    tomorrow = now + timedelta(days=1)
    assert fit(sender, take(sender, 2, tomorrow), [25, 1], tomorrow) == 1
    assert take(sender, 1, tomorrow) == 0


def test_a_mail_that_only_fits_into_the_next_window_waits_for_it() -> None:
    sender, now = limited(per_minute=10), now_within_a_day()
    take(sender, 5, now)
    assert fit(sender, take(sender, 1, now), [8], now) == 0
    later = now + timedelta(minutes=1)
    assert fit(sender, take(sender, 1, later), [8], later) == 1


def claims_of(sender: Sender, *receivers: int) -> list[Claim]:
    """Claims of mails to so many receivers each."""
    addresses = [[f"someone{number}@example.org" for number in range(count)] for count in receivers]
    mails = [accept(sender, *some) for some in addresses]
    return claim_due(sender.pk, len(mails))


def test_what_was_claimed_and_given_back_may_be_claimed_again() -> None:
    sender, now = limited(per_day=10), now_within_a_day()
    take(sender, 10, now)
    give_back(sender, claims_of(sender, 3, 1))
    assert take(sender, 10, now) == 4


def test_giving_back_more_than_is_counted_leaves_nothing_below_zero() -> None:
    sender, now = limited(per_day=10), now_within_a_day()
    take(sender, 2, now)
    give_back(sender, claims_of(sender, 5))
    assert used(sender) == (0, 0, 0)


def test_giving_back_to_an_account_without_limits_does_nothing() -> None:
    sender = limited()
    give_back(sender, claims_of(sender, 5))
    assert not Allowance.objects.exists()


def test_a_claim_takes_no_more_mails_than_their_receivers_allow() -> None:
    sender = limited(per_hour=5)
    mails = [accept(sender, "bob@example.org", "carol@example.org") for _ in range(4)]
    claims = claim_allowed(loaded(sender), 100)
    assert [claim.mail_id for claim in claims] == [mail.pk for mail in mails[:2]]
    assert used(sender) == (4, 4, 4)
    assert claim_allowed(loaded(sender), 100) == []
    assert [(fresh(mail).state, fresh(mail).attempts) for mail in mails[2:]] == [("queued", 0)] * 2


def test_what_exceeds_a_limit_waits_and_is_swept_when_the_window_opens() -> None:
    with smtpd.mail_server() as server:
        sender = make_sender(server, per_hour=2)
        mails = [accept(sender) for _ in range(5)]
        drain(sender.pk)
        assert len(server.mails) == 2
        assert sweep() == []
        assert [fresh(mail).state for mail in mails] == ["sent", "sent", "queued", "queued", "queued"]
        Allowance.objects.update(hour_began=Window.HOUR.begin(database_now()) - timedelta(hours=1))
        assert sweep() == [sender.pk]
        drain(sender.pk)
        assert len(server.mails) == 4
        assert [outcomes(mail) for mail in mails] == [["accepted"]] * 4 + [[]]


def test_a_worker_that_stops_gives_back_what_it_did_not_send() -> None:
    with smtpd.mail_server() as server:
        sender = make_sender(server, per_day=50)
        for _ in range(5):
            accept(sender)
        drain(sender.pk, is_stopping=lambda: len(server.mails) >= 2)
        assert used(sender)[2] == len(server.mails) < 5


def test_mail_that_was_parked_is_not_counted() -> None:
    sender = make_sender(per_day=50)
    accept(sender)
    drain(sender.pk)
    assert used(sender) == (0, 0, 0)


def test_a_test_mail_is_counted_and_never_waits() -> None:
    sender, now = limited(per_day=1), database_now()
    note_test(sender, now)
    note_test(sender, now)
    assert used(sender)[2] == 2
    note_test(Sender(address="new@example.com", per_day=1), now)
    assert Allowance.objects.count() == 1


def test_an_account_that_was_asked_to_wait_is_granted_nothing_until_then() -> None:
    sender, now = limited(), now_within_a_day()
    Allowance.objects.create(sender=sender, slow_until=now + timedelta(minutes=5))
    assert take(loaded(sender), 10, now) == 0
    assert take(loaded(sender), 10, now + timedelta(minutes=5)) == 10


def test_it_is_told_who_waits_and_until_when(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    now = now_within_a_day()
    spent = limited(per_day=2)
    free = limited(address="alerts@example.com", per_day=2)
    slow = limited(address="bills@example.com")
    Allowance.objects.create(sender=slow, slow_until=now + timedelta(minutes=5))
    take(spent, 2, now)
    with django_assert_num_queries(1):
        waits = exhausted_until([spent.pk, free.pk, slow.pk], now)
    assert waits == {spent.pk: Window.DAY.end(now), slow.pk: now + timedelta(minutes=5)}
    assert waits_until(loaded(free), now) is None


def test_the_state_that_pages_show_comes_from_here_too() -> None:
    sender, now = limited(per_day=10), now_within_a_day()
    take(sender, 7, now)
    day = allowance.state_of(loaded(sender), now).day
    assert day is not None
    assert (day.used, day.left) == (7, 3)


def test_workers_that_claim_at_once_never_get_more_than_the_limit_together() -> None:
    sender, now = limited(per_day=25), now_within_a_day()
    granted: list[int] = []

    def claim() -> None:
        try:
            mine = loaded(sender)
            granted.extend(take(mine, 3, now) for _ in range(5))
        finally:
            connection.close()

    workers = [threading.Thread(target=claim) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(granted) == 25
    assert used(sender) == (25, 25, 25)
