"""A model of delivery: any order of steps, crashes and late results keeps the promises.

The steps are the engine's own, on the real database; the mail server is the model's: it knows which copies it took.
"""

import random
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from delivery.engine.cancel import cancel_mail
from delivery.engine.claim import claim_due, release, renew
from delivery.engine.fence import Refusal, pass_fences
from delivery.engine.leases import Hold, keep_alive
from delivery.engine.settle import finish
from delivery.engine.sweep import sweep
from delivery.engine.values import Claim, Ending, Server, TryResult
from delivery.engine.verdict import judge
from delivery.values import Delivery, ReceiverReply, Reply
from records.enums import Fault, MailState, Outcome, Phase
from records.models import Content, Mail, Receiver, SendingRecord
from senders.models import Sender
from tests.delivery.engine.scenes import accept, end_leases, let_expire, make_due, make_sender

pytestmark = pytest.mark.django_db(transaction=True)

OK = Reply(250, "2.0.0", "Ok")
BUSY = Reply(450, "4.2.1", "Mailbox busy")
GONE = Reply(550, "5.1.1", "No such user")
FINAL_STATES = frozenset(MailState) - {MailState.QUEUED, MailState.SENDING, MailState.RETRY}
SERVER = Server("127.0.0.1", 25, "none", "none")
VERDICTS = [OK, OK, OK, BUSY, GONE]
FINAL_REPLIES = [OK, OK, BUSY, GONE, None, None]
ACTIONS = [
    *["go on"] * 8, *["claim"] * 3, *["sweep"] * 3, *["accept"] * 2, *["die"] * 2, *["cancel"] * 2,
    *["together"] * 3, "give up", "renew", "keep alive", "stop", "give back", "lose connection",
]  # fmt: skip
"""What may happen, the likelier the more often it stands here."""
Copy = tuple[int, str]
"""Mail id and forward-path."""


@dataclass
class Try:
    """A worker's try, as far as it came."""

    claim: Claim
    refused: list[ReceiverReply] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    result: TryResult | None = None


class Snapshot:
    """All rows at one moment."""

    def __init__(self) -> None:
        self.mails = list(Mail.objects.all())
        self.receivers = list(Receiver.objects.all())
        self.records = list(SendingRecord.objects.all())

    def records_of(self, mail_id: int, address: str) -> list[SendingRecord]:
        return [one for one in self.records if (one.mail_id, one.receiver_address) == (mail_id, address)]


def _check_agreement(seen: Snapshot) -> None:
    """A mail agrees with its receivers and records."""
    for mail in seen.mails:
        is_final = mail.state in FINAL_STATES
        states = {receiver.state for receiver in seen.receivers if receiver.mail_id == mail.pk}
        assert is_final == ("pending" not in states)
        assert is_final == (mail.finished_at is not None)
        assert (mail.state == "sending") == (mail.lease_until is not None)
        assert mail.attempts <= mail.epoch
        open_epochs = {one.epoch for one in seen.records if one.mail_id == mail.pk and one.outcome == "sending"}
        assert open_epochs <= ({mail.epoch} if mail.state == "sending" else set())


class DeliveryModel(RuleBasedStateMachine):
    """Workers, sweepers, people and time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        Mail.objects.all().delete()
        Sender.objects.all().delete()
        self.sender = make_sender()
        self.tries: list[Try] = []
        self.copies: Counter[Copy] = Counter()
        self.said_250: set[tuple[int, int, str]] = set()
        self.bytes: dict[int, tuple[str, bytes]] = {}

    @initialize(receivers=st.integers(1, 2), is_at_the_dot=st.booleans())
    def begin_with_a_mail_in_a_workers_hand(self, receivers: int, is_at_the_dot: bool) -> None:
        self.accept_mail(receivers, rolled_back=False)
        self.claim(2, waited=False)
        if is_at_the_dot:
            self._reach_the_fence(self.tries[0], [OK] * 3)

    @rule(
        action=st.sampled_from(ACTIONS),
        number=st.integers(0, 5),
        verdicts=st.lists(st.sampled_from(VERDICTS), min_size=3, max_size=3),
        reply=st.sampled_from(FINAL_REPLIES),
    )
    def something_happens(self, action: str, number: int, verdicts: list[Reply], reply: Reply | None) -> None:
        """One rule for all, since Hypothesis leaves whole rules out of a run: the chains that matter are long."""
        if action == "accept":
            self.accept_mail(1 + number % 3, rolled_back=number > 2)
        elif action == "claim":
            self.claim(1 + number % 3, waited=number > 2)
        elif action == "sweep":
            self.sweep_now(much_later=number > 1)
        elif action in {"cancel", "give up"}:
            self.a_mail_is_no_longer_wanted(number, action)
        elif action == "together":
            self.a_group_goes_on(verdicts, reply, arrives=number % 2 == 0)
        elif self.tries and action == "go on":
            self.a_worker_goes_on(self.tries[number % len(self.tries)], verdicts, reply, arrives=number % 2 == 0)
        elif self.tries:
            self.a_worker_does_not_go_on(self.tries[number % len(self.tries)], action)

    def accept_mail(self, receivers: int, *, rolled_back: bool) -> None:
        """I0: all of a mail, or nothing."""
        before = self._count_rows()
        with transaction.atomic():
            mail = accept(self.sender, *(f"r{number}@example.org" for number in range(receivers)))
            transaction.set_rollback(rolled_back)
        if rolled_back:
            assert self._count_rows() == before
        else:
            self.bytes[mail.pk] = (mail.message_id, bytes(Content.objects.get(pk=mail.pk).mime))

    def _count_rows(self) -> tuple[int, int, int]:
        return Mail.objects.count(), Receiver.objects.count(), Content.objects.count()

    def claim(self, size: int, *, waited: bool) -> None:
        if waited:
            make_due()
        self.tries += [Try(claim) for claim in claim_due(self.sender.pk, size)]

    def a_worker_goes_on(self, one: Try, verdicts: list[Reply], reply: Reply | None, *, arrives: bool) -> None:
        """One try takes its next step: to the fence, the dot, or its settling, which may come very late."""
        if one.result:
            finish([one.result])
            self.tries.remove(one)
        elif one.accepted:
            self._send_the_dot(one, reply, arrives=arrives)
        else:
            self._reach_the_fence(one, verdicts)

    def a_group_goes_on(self, verdicts: list[Reply], reply: Reply | None, *, arrives: bool) -> None:
        """All that is decided is settled in one transaction; all that is untouched passes the fence in one.

        Then the first of those that passed comes to its dot: the others are past the fence, and no dot is sent yet.
        """
        decided = [one for one in self.tries if one.result]
        finish([one.result for one in decided if one.result])
        self.tries = [one for one in self.tries if one not in decided]
        by_mail = {one.claim.mail_id: one for one in self.tries if not one.accepted}
        untouched = list(by_mail.values())  # a group holds a mail once
        self._reach_the_fence_together(untouched, verdicts)
        if untouched and not untouched[0].result:
            self._send_the_dot(untouched[0], reply, arrives=arrives)

    def _reach_the_fence(self, one: Try, verdicts: list[Reply]) -> None:
        self._reach_the_fence_together([one], verdicts)

    def _reach_the_fence_together(self, group: list[Try], verdicts: list[Reply]) -> None:
        """The server says of each receiver what it thinks; the worker asks whether the dots may be sent."""
        for one in group:
            self._hear_of_receivers(one, verdicts)
        asking = [one for one in group if not one.result]
        epochs = dict(Mail.objects.values_list("pk", "epoch"))
        passed = pass_fences([one.claim for one in asking])
        for one in asking:
            self._learn_whether_it_passed(one, has_passed=one.claim.mail_id in passed, epochs=epochs)

    def _hear_of_receivers(self, one: Try, verdicts: list[Reply]) -> None:
        for receiver, reply in zip(one.claim.receivers, verdicts, strict=False):
            path = receiver.forward_path
            if reply is OK:
                one.accepted.append(path)
            else:
                one.refused.append(ReceiverReply(path, accepted=False, phase=Phase.RCPT, reply=reply))
        if not one.accepted:
            one.result = judge(one.claim, Delivery(tuple(one.refused), committed=False), None, SERVER, None)

    def _learn_whether_it_passed(self, one: Try, *, has_passed: bool, epochs: dict[int, int]) -> None:
        if has_passed:
            assert epochs[one.claim.mail_id] == one.claim.epoch  # I5
        else:
            fenced = Delivery(tuple(one.refused), committed=False, fenced=True)
            one.result = judge(one.claim, fenced, Refusal.NOT_MINE, SERVER, None)

    def _send_the_dot(self, one: Try, reply: Reply | None, *, arrives: bool) -> None:
        """The server takes the mail, refuses it, or takes it (or not) and says nothing."""
        mail_id, epoch = one.claim.mail_id, one.claim.epoch
        if reply is OK or (reply is None and arrives):
            self.copies.update((mail_id, path) for path in one.accepted)
        if reply is OK:
            self.said_250.update((mail_id, epoch, path) for path in one.accepted)
        said = [
            ReceiverReply(path, accepted=reply is OK, phase=Phase.DATA, reply=reply)
            for path in one.accepted
            if reply is not None
        ]
        delivery = Delivery((*one.refused, *said), committed=True, final_reply=reply)
        one.result = judge(one.claim, delivery, None, SERVER, None)

    def a_worker_does_not_go_on(self, one: Try, what: str) -> None:
        is_untouched = not one.accepted and not one.result
        if what == "renew":
            renew([one.claim])
            return
        if what == "keep alive":  # the record is shown as open from now on
            now = time.monotonic()
            keep_alive([Hold((one.claim,), now, now + 54, now + 20, now)])
            return
        is_before_the_dot = not one.result
        if what == "die" or is_untouched or (what == "stop" and is_before_the_dot):
            self.tries.remove(one)
        if what == "stop" and is_before_the_dot:
            release([one.claim], unsent=True)
        if what == "give back" and is_untouched:
            release([one.claim])
        if what == "lose connection" and is_untouched:
            ending = Ending(Outcome.NOT_CONNECTED, Phase.CONNECT, Fault.CONNECTION_REFUSED)
            finish([TryResult.alike(one.claim, ending, SERVER, costs_attempt=False)])

    def sweep_now(self, *, much_later: bool) -> None:
        if much_later:
            end_leases()
        sweep()

    def a_mail_is_no_longer_wanted(self, number: int, what: str) -> None:
        in_hand = [one.claim.mail_id for one in self.tries]
        mails = [*Mail.objects.filter(pk__in=in_hand).order_by("pk"), *Mail.objects.exclude(pk__in=in_hand)]
        mail = mails[number % len(mails)]
        if what == "cancel":
            cancel_mail(mail.pk)
        else:
            let_expire(mail)

    @invariant()
    def promises_hold(self) -> None:
        seen = Snapshot()
        self._check_copies(seen)
        self._check_acceptance(seen)
        _check_agreement(seen)

    def _check_copies(self, seen: "Snapshot") -> None:
        """I2, and I4: what ended without an unknown try was not delivered."""
        for (mail_id, path), count in self.copies.items():
            records = seen.records_of(mail_id, path)
            unknown = sum(record.outcome == "unknown" for record in records)
            in_flight = self._is_past_the_fence(seen, mail_id)
            assert count <= 1 + unknown + in_flight
        for receiver in seen.receivers:
            if receiver.state in {"refused", "expired", "cancelled"}:
                records = seen.records_of(receiver.mail_id, receiver.address)
                is_doubtful = any(record.outcome == "unknown" for record in records)
                assert is_doubtful or not self.copies[receiver.mail_id, receiver.address]

    def _is_past_the_fence(self, seen: "Snapshot", mail_id: int) -> bool:
        [mail] = [one for one in seen.mails if one.pk == mail_id]
        return mail.state == "sending" and mail.committed_epoch == mail.epoch

    def _check_acceptance(self, seen: "Snapshot") -> None:
        """I3."""
        accepted = [record for record in seen.records if record.outcome == "accepted"]
        assert {(one.mail_id, one.epoch, one.receiver_address) for one in accepted} <= self.said_250
        of_receivers = {receiver.pk for receiver in seen.receivers if receiver.state == "accepted"}
        assert of_receivers == {one.receiver_id for one in accepted}

    def teardown(self) -> None:
        """I1: whatever happened, every mail comes to its end."""
        for _ in range(3):
            end_leases()
            sweep()
            make_due()
            for claim in claim_due(self.sender.pk, 1000):
                one = Try(claim)
                self._reach_the_fence(one, [OK] * 3)
                self._send_the_dot(one, OK, arrives=True)
                assert one.result is not None
                finish([one.result])
        assert not Mail.objects.exclude(state__in=FINAL_STATES).exists()
        self.promises_hold()
        for mail in Mail.objects.select_related("content"):  # I6
            assert (mail.message_id, bytes(mail.content.mime)) == self.bytes[mail.pk]


@pytest.mark.parametrize("policy", ["retry", "hold"])
def test_any_order_of_steps_keeps_the_promises(policy: str, settings: Settings) -> None:
    settings.MAILBOX_UNKNOWN_POLICY = policy
    run_state_machine_as_test(
        DeliveryModel,
        settings=hypothesis_settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.parametrize("policy", ["retry", "hold"])
def test_long_random_walks_keep_the_promises(policy: str, settings: Settings) -> None:
    """Hypothesis spends its runs on variations of few; these are all different."""
    settings.MAILBOX_UNKNOWN_POLICY = policy
    for _ in range(80):
        _walk(random.SystemRandom().getrandbits(32))


def _walk(seed: int) -> None:
    chance = random.Random(seed)
    model = DeliveryModel()
    steps: list[tuple[str, int, list[Reply], Reply | None]] = []
    try:
        model.begin_with_a_mail_in_a_workers_hand(chance.randint(1, 2), is_at_the_dot=chance.random() < 0.5)
        for _ in range(30):
            verdicts, reply = chance.choices(VERDICTS, k=3), chance.choice(FINAL_REPLIES)
            steps.append((chance.choice(ACTIONS), chance.randint(0, 5), verdicts, reply))
            model.something_happens(*steps[-1])
            model.promises_hold()
        model.teardown()
    except AssertionError as error:
        error.add_note(f"seed {seed}, steps {steps}")
        raise
