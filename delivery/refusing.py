"""Recording that mail was asked for while it is not configured: mails that ended, and a record per receiver."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from delivery.engine.limits import Limits
from delivery.engine.values import Ending
from delivery.engine.written import TryRecord, write_records
from delivery.masking.copies import mask
from delivery.masking.files import Files
from delivery.masking.rules import read_rules
from delivery.request import MailRequest
from delivery.request_rules import CheckedParties
from delivery.storing import mail_values
from records.bulk import allot_ids, default_values, expect_rows, insert_rows
from records.clock import database_now
from records.enums import MailState, Outcome, ReceiverState, SkipReason
from records.models import Mail, Receiver

_EPOCH = 1
_ENDING = Ending(Outcome.SKIPPED, skip_reason=SkipReason.NOT_CONFIGURED)


class Homeless(NamedTuple):
    """A request that names no account while there is no default."""

    request: MailRequest
    parties: CheckedParties


def store_refusals(requests: Sequence[Homeless], limits: Limits) -> list[int]:
    """Store refused mails within the caller's transaction; returns their ids."""
    now = database_now()
    expect_rows(len(requests))
    ids = allot_ids(Mail, len(requests))
    ended = default_values(Mail) | {"state": MailState.FAILED.value, "epoch": _EPOCH, "finished_at": now}
    # Without their keys: the same requests may come again when mail is configured.
    rules = read_rules()
    files = Files()
    shown = ((mask(one.request, rules, files) or one).request for one in requests)
    asked = (mail_values(replace(request, idempotency_key=""), now, limits) for request in shown)
    mails = (ended | own | {"id": pk} for own, pk in zip(asked, ids, strict=True))
    insert_rows(Mail, list(ended), (list(mail.values()) for mail in mails))
    receivers = list(_receivers(requests, ids))
    receiver_ids = allot_ids(Receiver, len(receivers))
    rows = [(pk, *receiver) for pk, receiver in zip(receiver_ids, receivers, strict=True)]
    insert_rows(Receiver, ("id", "mail_id", "address", "kind", "state"), rows)
    write_records(TryRecord(pk, _EPOCH, _ENDING, now, now) for pk in receiver_ids)
    return ids


def _receivers(requests: Sequence[Homeless], ids: Sequence[int]) -> Iterator[tuple[int, str, str, str]]:
    for one, mail_id in zip(requests, ids, strict=True):
        for receiver in one.parties.receivers:
            yield mail_id, receiver.address, receiver.kind.value, ReceiverState.REFUSED.value
