"""Moving locked mails and their receivers to where tries leave them; in bulk, whatever the tries brought."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from delivery.engine.given import Given, run
from delivery.engine.limits import UnknownPolicy, get_limits
from delivery.engine.retry import next_delay
from delivery.engine.rollup import receiver_state_after, roll_up
from delivery.engine.values import Ending
from records.enums import MailKind, MailState, Outcome, ReceiverState, SkipReason
from records.masking.ending import drop_originals
from records.models import Mail, Receiver
from senders.models import Sender

_COLUMNS = {
    "id": "bigint", "state": "text", "attempts": "integer", "due_at": "timestamptz", "finished_at": "timestamptz",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Move:
    """A mail, locked by the caller's transaction, and how a try at it ended."""

    mail: Mail
    """Changed in place."""
    endings: Mapping[int, Ending]
    """By receiver id."""
    costs_attempt: bool = True
    """False where the account was at fault and not the mail: it stays due."""


def move_mails(moves: Sequence[Move], now: datetime) -> None:
    """Write the states of mails and of their receivers after tries."""
    if not moves:
        return
    states = _states_of_receivers([move.mail.pk for move in moves])
    _move_receivers(moves, states)
    for move in moves:
        _move_mail(move, roll_up(states[move.mail.pk].values()), now)
    _write_mails([move.mail for move in moves])
    drop_originals(move.mail for move in moves)


def _states_of_receivers(mail_ids: Collection[int]) -> dict[int, dict[int, str]]:
    states: dict[int, dict[int, str]] = {mail_id: {} for mail_id in mail_ids}
    for mail_id, receiver_id, state in Receiver.objects.filter(mail_id__in=mail_ids).values_list(
        "mail_id", "pk", "state"
    ):
        states[mail_id][receiver_id] = state
    return states


def _move_receivers(moves: Sequence[Move], states: Mapping[int, dict[int, str]]) -> None:
    """Write the receivers' new states, also into `states`."""
    holding = _senders_that_hold(moves)
    moved: dict[ReceiverState, list[int]] = defaultdict(list)
    for move in moves:
        present = states[move.mail.pk]
        for receiver_id, ending in move.endings.items():
            state = _state_after(move.mail, ending, holds_unknown=move.mail.sender_id in holding)
            if present.get(receiver_id, state) != state:
                moved[state].append(receiver_id)
                present[receiver_id] = state
    for state, receiver_ids in moved.items():
        Receiver.objects.filter(pk__in=receiver_ids).update(state=state)


def _senders_that_hold(moves: Sequence[Move]) -> set[int | None]:
    """Find the accounts that leave what may have arrived to a person; asked only where something may have."""
    doubtful = {
        move.mail.sender_id
        for move in moves
        if any(ending.outcome is Outcome.UNKNOWN for ending in move.endings.values())
    }
    if not doubtful:
        return set()
    senders = Sender.objects.filter(pk__in=[sender_id for sender_id in doubtful if sender_id])
    policies: dict[int | None, str] = dict(senders.values_list("pk", "unknown_policy"))
    usual = get_limits().unknown_policy
    return {sender_id for sender_id in doubtful if (policies.get(sender_id) or usual) == UnknownPolicy.HOLD}


def _state_after(mail: Mail, ending: Ending, *, holds_unknown: bool) -> ReceiverState:
    if ending.skip_reason is SkipReason.ORIGINAL_UNREADABLE:
        return ReceiverState.REFUSED  # trying again would not help
    return receiver_state_after(
        ending.outcome,
        may_retry=mail.kind != MailKind.TEST,
        is_cancelled=mail.cancel_requested,
        holds_unknown=holds_unknown,
    )


def _move_mail(move: Move, final: MailState | None, now: datetime) -> None:
    mail = move.mail
    if not move.costs_attempt:
        mail.attempts = max(mail.attempts - 1, 0)
    if final is None and move.costs_attempt:
        texts = (ending.reply.text for ending in move.endings.values() if ending.reply)
        mail.due_at = now + next_delay(mail.attempts, texts)
    mail.state = final or MailState.RETRY
    mail.finished_at = now if final else None
    mail.lease_until = None


def _write_mails(mails: Sequence[Mail]) -> None:
    given = Given.of(
        _COLUMNS,
        [(mail.pk, str(mail.state), mail.attempts, mail.due_at, mail.finished_at) for mail in mails],
    )
    changes = ", ".join(f"{name} = given.{name}" for name in _COLUMNS if name != "id")
    run(
        f"UPDATE records_mail SET lease_until = NULL, {changes} FROM {given.table} WHERE records_mail.id = given.id",  # noqa: S608
        given.parameters,
    )
