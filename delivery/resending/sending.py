"""Asking for each noted mail again, in the transaction that strikes it off the list: so each goes exactly once."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import transaction

from delivery.acceptance import accept_mails
from delivery.exceptions import RequestRefusedError
from delivery.resend import ContentGoneError, SecretsGoneError, read_original
from delivery.resending.ending import end, lock
from delivery.resending.families import Families, lock_families
from records.bulk import one_of
from records.enums import Priority
from records.models import UNFINISHED_STATES, Mail
from records.resending.enums import LeftOut, ResendingState
from records.resending.models import Resending, ResendingReceiver

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from delivery.request import MailRequest

logger = logging.getLogger(__name__)

BATCH = 100
"""Mails per transaction: short ones, so that nobody waits long."""
BATCH_BYTES = 8_000_000
"""Of content that is in memory at once, unless a single mail has more."""

_Fates = dict[int, LeftOut | None]
"""Of mails by their ids: why each was left out; None: it goes again."""


def send_batch(resending_id: int) -> bool:
    """Ask for the next mails again; returns whether there may be more for this process to do."""
    with transaction.atomic():
        work = lock(resending_id, ResendingState.SENDING)
        if work is None:
            return False
        meant = _find_next(work)
        if meant:
            _note(work, _send(work, meant))
        else:
            end(work, ResendingState.DONE)
        work.save(update_fields=["state", "sent", "left_out", "finished_at"])
    return work.is_unfinished


def _find_next(work: Resending) -> dict[int, set[int]]:
    """Find the receivers of the next mails, by the mails' ids."""
    left = work.receivers.filter(left_out="").order_by("mail_id")
    ids = list(left.values_list("mail_id", flat=True).distinct()[:BATCH])
    meant = defaultdict(set)
    for mail_id, receiver_id in left.filter(mail_id__in=one_of(_fitting(ids))).values_list("mail_id", "receiver_id"):
        meant[mail_id].add(receiver_id)
    return meant


def _fitting(ids: list[int]) -> list[int]:
    """Take as many as memory is meant to hold, and at least one."""
    sizes = dict(Mail.objects.filter(pk__in=one_of(ids)).values_list("pk", "size"))
    fitting: list[int] = []
    room = BATCH_BYTES
    for mail_id in ids:
        room -= sizes.get(mail_id, 0)
        if room < 0 and fitting:
            break
        fitting.append(mail_id)
    return fitting


def _send(work: Resending, meant: Mapping[int, Collection[int]]) -> _Fates:
    families = None
    if work.is_for_failed:
        families = lock_families(meant)
        # The turn of the others comes with the next batch, which sees what became of these.
        meant = {mail_id: meant[mail_id] for mail_id in families.list_one_of_each()}
    mails = Mail.objects.prefetch_related("receivers").in_bulk(list(meant))
    fates: _Fates = {}
    requests: dict[int, MailRequest] = {}
    for mail_id, receivers in meant.items():
        asked = _decide(work, mails.get(mail_id), receivers, families)
        if isinstance(asked, LeftOut):
            fates[mail_id] = asked
        else:
            requests[mail_id] = asked
    return fates | _accept(requests)


def _decide(
    work: Resending, mail: Mail | None, receivers: Collection[int], families: Families | None
) -> MailRequest | LeftOut:
    """Decide what is asked for in place of one mail, or why nothing is."""
    if mail is None:
        return LeftOut.CONTENT_GONE
    if mail.state in UNFINISHED_STATES:
        return LeftOut.UNFINISHED
    if families is not None:
        lacking = families.find_lacking(mail.pk, [one for one in mail.receivers.all() if one.pk in receivers], work.to)
        if isinstance(lacking, LeftOut):
            return lacking
        receivers = {one.pk for one in lacking}
    return _write_request(work, mail, receivers)


def _write_request(work: Resending, mail: Mail, receivers: Collection[int]) -> MailRequest | LeftOut:
    """Write what is asked for in place of one mail, or why nothing can be."""
    sender_id = work.sender_id or mail.stands_in_for_id or mail.sender_id
    if sender_id is None:
        return LeftOut.ACCOUNT_GONE
    try:
        original = read_original(mail, receivers).request
    except ContentGoneError as error:
        return LeftOut.SECRETS_GONE if isinstance(error, SecretsGoneError) else LeftOut.CONTENT_GONE
    except (LookupError, ValueError):  # an encoding that nobody knows: one mail must not stop all others
        logger.warning("a mail can't be read back", extra={"mail_id": mail.pk}, exc_info=True)
        return LeftOut.UNREADABLE
    if work.to:
        original = replace(original, to=(work.to,), cc=(), bcc=())
    return replace(
        original,
        sender=sender_id,
        resend_of=mail,
        # Whoever waits for a single mail goes before these.
        priority=Priority.BULK,
        requested_by=work.done_by,
        requester_ip=work.requester_ip,
        idempotency_key=f"resending:{work.pk}:{mail.pk}",
    )


def _accept(requests: Mapping[int, MailRequest]) -> _Fates:
    """Accept what may be sent. A wrong request refuses the whole call, so the wrong ones are taken out one by one."""
    fates: _Fates = {}
    left = dict(requests)
    while left:
        ids = list(left)
        try:
            with transaction.atomic():
                accept_mails(list(left.values()))
        except RequestRefusedError as error:
            for index, errors in {error.index: error.errors, **error.others}.items():
                fates[ids[index]] = LeftOut.ACCOUNT_GONE if "sender" in errors else LeftOut.REFUSED
                del left[ids[index]]
        else:
            return fates | dict.fromkeys(ids)
    return fates


def _note(work: Resending, fates: _Fates) -> None:
    """Strike mails off the list, count them, and remember which were left out."""
    work.receivers.filter(left_out="", mail_id__in=one_of(fates)).delete()
    work.sent += sum(1 for reason in fates.values() if reason is None)
    left_out = {mail_id: reason for mail_id, reason in fates.items() if reason is not None}
    work.left_out = dict(Counter(work.left_out) + Counter(str(reason.value) for reason in left_out.values()))
    ResendingReceiver.objects.bulk_create(
        ResendingReceiver(resending=work, mail_id=mail_id, receiver_id=0, left_out=reason)
        for mail_id, reason in left_out.items()
    )
