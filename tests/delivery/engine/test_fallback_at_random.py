"""Whatever happens to accounts and their chains, in any order: no mail is lost, and each says truly who sends it."""

import email
import email.policy
import random
from datetime import timedelta

import pytest
from django.utils import timezone

from delivery.engine.fallback import hand_over, tend
from delivery.engine.sweep import sweep
from records.clock import database_now
from records.content import find_mime
from records.models import Mail, SendingRecord
from senders.enums import CircuitState
from senders.models import Circuit, Sender
from senders.services import save_sender, set_default_sender
from senders.stand_ins import save_chain
from tests.delivery.engine.scenes import accept, make_sender

STEPS = 40


def break_down(sender: Sender, state: CircuitState) -> None:
    values = {"state": state, "failures": 2, "probe_at": timezone.now() + timedelta(hours=1)}
    Circuit.objects.update_or_create(pk=sender.pk, defaults=values)


def happen(dice: random.Random, number: int) -> None:
    """Let one thing happen to one account."""
    accounts = list(Sender.objects.order_by("pk"))
    sender = dice.choice(accounts)
    match dice.randrange(9):
        case 0:
            save_chain(dice.choice([sender, None]), dice.sample(accounts, dice.randint(0, len(accounts))))
        case 1 | 2:
            break_down(sender, dice.choice([CircuitState.OPEN, CircuitState.REFUSED]))
        case 3 | 4:
            Circuit.objects.filter(pk=sender.pk).update(state=CircuitState.CLOSED)
        case 5:
            Sender.objects.filter(pk=sender.pk, is_default=False).update(is_enabled=not sender.is_enabled)
        case 6:
            sender.display_name = f"Account {number}"
            save_sender(sender)
        case 7 if len(accounts) > 3 and not Mail.objects.filter(sender=sender, stands_in_for=None).exists():
            sender.delete()
        case _:
            if sender.is_enabled:
                accept(sender)
    if dice.random() < 0.5:
        hand_over(sender.pk, database_now())
    else:
        sweep()


def assert_true(mail: Mail, message_id: str) -> None:
    """Check that the mail waits at an account, and that its header names that account."""
    assert mail.state == "queued"
    assert mail.sender is not None
    assert mail.sender_id != mail.stands_in_for_id
    mime = find_mime(mail.pk)
    assert mime is not None
    header = email.message_from_bytes(mime, policy=email.policy.default)
    assert (header["From"].addresses[0].addr_spec, header["Message-ID"]) == (mail.sender_address, message_id)
    assert mail.sender_address == mail.sender.address
    if mail.stands_in_for is not None:
        # Of its own account; of the one before, if that was deleted meanwhile.
        assert header["Reply-To"] != mail.sender_address
    assert SendingRecord.objects.filter(mail=mail, outcome="skipped").count() == mail.epoch


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(3))
def test_no_mail_is_lost_between_accounts(seed: int) -> None:
    dice = random.Random(seed)  # the same every time
    accounts = [make_sender(address=f"account-{number}@example.com") for number in range(5)]
    set_default_sender(accounts[0])
    for sender in accounts:
        save_chain(sender, dice.sample(accounts, len(accounts)))
        accept(sender)
    ids = dict(Mail.objects.values_list("pk", "message_id"))
    for number in range(STEPS):
        happen(dice, number)
        ids |= dict(Mail.objects.values_list("pk", "message_id"))
        tend()
        for mail in Mail.objects.select_related("sender", "stands_in_for"):
            assert_true(mail, ids[mail.pk])
    assert SendingRecord.objects.filter(skip_reason="handed_over").exists()
