"""T3: closing the records of a try and rolling its mail up. The sweep (T4) settles through here too."""

import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection, transaction

from delivery.engine.causes import cause_of
from delivery.engine.limits import UnknownPolicy, get_limits
from delivery.engine.retry import next_delay
from delivery.engine.rollup import receiver_state_after, roll_up
from delivery.engine.values import Ending, TryResult
from records.clock import database_now
from records.enums import MailKind, MailState, Outcome, ReceiverState
from records.models import Mail, Receiver, SendingRecord

logger = logging.getLogger(__name__)

SETTLE_TRIES = 5
"""How often finishing is tried while the database fails for a moment; then the sweep finds `unknown`."""
_KNOWN_FATES = frozenset({Outcome.ACCEPTED, Outcome.REFUSED, Outcome.DEFERRED})


def finish(results: Sequence[TryResult]) -> None:
    """Close the records of tries and roll their mails up, in one transaction (T3).

    A result counts for the mail as long as its epoch is the claim's, also after the sweep took the mail back:
    what the server said late is still the truth, and no other try has begun.

    Raises:
        OperationalError: The database failed again and again; the sweep will find the mails.
        InterfaceError: The same.
    """
    for tries_left in reversed(range(SETTLE_TRIES)):
        try:
            _finish(results)
        except (OperationalError, InterfaceError):
            if not tries_left:
                raise
            logger.warning("settling failed and is tried again", extra={"mails": len(results)}, exc_info=True)
            connection.close_if_unusable_or_obsolete()
            time.sleep(0.2 * (SETTLE_TRIES - tries_left))
        else:
            return


def _finish(results: Sequence[TryResult]) -> None:
    with transaction.atomic(durable=True):
        now = database_now()
        locked = Mail.objects.select_for_update().filter(pk__in=[result.claim.mail_id for result in results])
        mails = {mail.pk: mail for mail in locked.order_by("pk")}
        for result in results:
            mail = mails.get(result.claim.mail_id)
            if mail is not None:
                _finish_one(mail, result, now)


def _finish_one(mail: Mail, result: TryResult, now: datetime) -> None:
    decides = mail.epoch == result.claim.epoch and _still_decides(mail, result)
    close_records(result, now, only_open=not decides)
    if decides:
        settle_mail(mail, result.endings, now, costs_attempt=result.costs_attempt)


def _still_decides(mail: Mail, result: TryResult) -> bool:
    """Tell whether the result may move a mail whose epoch is the claim's."""
    if mail.state in {MailState.RETRY, MailState.UNCERTAIN}:  # the sweep was here
        return any(ending.outcome in _KNOWN_FATES for ending in result.endings.values())
    return mail.state == MailState.SENDING


def close_records(result: TryResult, now: datetime, *, only_open: bool) -> None:
    """Write how the try ended into its records, those with the same ending at once."""
    alike: dict[Ending, list[int]] = defaultdict(list)
    for receiver_id, ending in result.endings.items():
        alike[ending].append(receiver_id)
    mine = SendingRecord.objects.filter(mail_id=result.claim.mail_id, epoch=result.claim.epoch)
    if only_open:
        mine = mine.filter(outcome=Outcome.SENDING)
    for ending, receiver_ids in alike.items():
        mine.filter(receiver_id__in=receiver_ids).update(ended_at=now, **_columns(ending, result))


def _columns(ending: Ending, result: TryResult) -> dict[str, object]:
    reply, tls = ending.reply, result.tls
    return {
        "outcome": ending.outcome,
        "phase": ending.phase or "",
        "fault": ending.fault or "",
        "skip_reason": ending.skip_reason or "",
        "cause": cause_of(ending, result.server)[:64],
        "reply_code": reply.code if reply else None,
        "enhanced_status": reply.enhanced_status[:16] if reply else "",
        "reply_text": reply.text[:1000] if reply else "",
        "queue_id": result.queue_id[:200] if ending.outcome == Outcome.ACCEPTED else "",
        "server": str(result.server)[:320],
        "tls_version": tls.version[:16] if tls else "",
        "tls_cipher": tls.cipher[:64] if tls else "",
    }


def settle_mail(mail: Mail, endings: Mapping[int, Ending], now: datetime, *, costs_attempt: bool = True) -> None:
    """Move a locked mail and its receivers to where a try leaves them.

    Args:
        mail: Locked by the caller's transaction; changed in place.
        endings: By receiver id.
        now: The database's time.
        costs_attempt: False where the account was at fault and not the mail: it stays due.
    """
    states = _move_receivers(mail, endings)
    final = roll_up(states.values())
    if not costs_attempt:
        mail.attempts = max(mail.attempts - 1, 0)
    if final is None and costs_attempt:
        texts = (ending.reply.text for ending in endings.values() if ending.reply)
        mail.due_at = now + next_delay(mail.attempts, texts)
    mail.state = final or MailState.RETRY
    mail.finished_at = now if final else None
    mail.lease_until = None
    mail.save(update_fields=["state", "attempts", "due_at", "finished_at", "lease_until"])


def _move_receivers(mail: Mail, endings: Mapping[int, Ending]) -> dict[int, str]:
    """Write the receivers' new states; returns the states of all receivers of the mail."""
    states: dict[int, str] = dict(Receiver.objects.filter(mail_id=mail.pk).values_list("pk", "state"))
    moved: dict[ReceiverState, list[int]] = defaultdict(list)
    for receiver_id, ending in endings.items():
        state = _state_after(mail, ending)
        if states.get(receiver_id, state) != state:
            moved[state].append(receiver_id)
            states[receiver_id] = state
    for state, receiver_ids in moved.items():
        Receiver.objects.filter(pk__in=receiver_ids).update(state=state)
    return states


def _state_after(mail: Mail, ending: Ending) -> ReceiverState:
    return receiver_state_after(
        ending.outcome,
        may_retry=mail.kind != MailKind.TEST,
        is_cancelled=mail.cancel_requested,
        holds_unknown=get_limits().unknown_policy == UnknownPolicy.HOLD,
    )
