"""T0 proper: composing the mails of one call and storing them, in a few statements however many there are."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from delivery.compose.addressing import Parties, read_address
from delivery.compose.exceptions import ComposeError
from delivery.compose.fonts import replace_unsupported_fonts
from delivery.compose.message import Head, compose_body, compose_head
from delivery.compose.parts import Part, attachment_part
from delivery.compose.plain_text import text_from_html
from delivery.engine.limits import Limits
from delivery.exceptions import RequestRefusedError
from delivery.request import MailRequest, aware
from delivery.request_rules import CheckedParties, too_large
from delivery.values import Attachment
from records.bulk import allot_ids, default_values, insert_rows
from records.clock import database_now
from records.enums import ReceiverKind, ReceiverState
from records.models import Body, Content, Mail, Receiver
from senders.models import Sender
from senders.validators import Address

_FILES_REMEMBERED = 4
"""Encoded files kept while bodies are written: mailings share a few, and each may be large."""


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A request that may be stored."""

    index: int
    """Its place in the call."""
    request: MailRequest
    parties: CheckedParties
    account: Sender


@dataclass(slots=True)
class _Body:
    """A body that is written once, for all requests of the call that ask for the same."""

    pk: int
    """The id of the first mail that it is for: ids of mails are never used twice either."""
    first: CheckedRequest
    size: int = 0
    """Bytes; known when it was written."""


def store(requests: Sequence[CheckedRequest], limits: Limits) -> list[Mail]:
    """Compose and store mails, within the caller's transaction.

    Raises:
        RequestRefusedError: A value can't be written into a mail, or a mail is too large.
        IntegrityError: A key is taken, or an account was deleted meanwhile.
    """
    made = _Mails(limits)
    ids = allot_ids(Mail, len(requests))
    bodies = _share_bodies(requests, ids)
    insert_rows(Body, ("id", "octets"), _write_bodies({body.pk: body for body in bodies}.values()))
    heads = []
    for checked, pk, body in zip(requests, ids, bodies, strict=True):
        head = _write_head(checked)
        made.add(pk, checked, head, len(head.octets) + body.size)
        heads.append((pk, head.octets, body.pk))
    made.insert()
    insert_rows(Content, ("mail_id", "head", "body_id"), heads)
    insert_rows(Receiver, ("mail_id", "address", "kind", "state"), _receiver_rows(requests, ids))
    return made.mails


def mail_values(request: MailRequest, now: datetime, limits: Limits) -> dict[str, Any]:
    """Choose what a mail is, by its fields, before anything is composed."""
    due_at = max(now, aware(request.not_before)) if request.not_before else now
    return {
        "kind": str(request.kind),
        "priority": int(request.priority),
        "named_sender": request.sender is not None,
        "subject": request.subject,
        "template_name": request.template_name,
        "accessed_resource": request.accessed_resource,
        "requester_ip": request.requester_ip,
        "requested_by": request.requested_by,
        "idempotency_key": request.idempotency_key,
        "resend_of_id": request.resend_of.pk if request.resend_of else None,
        "accepted_at": now,
        "due_at": due_at,
        "expires_at": due_at + (request.give_up_after or limits.give_up_after),
        "expires_untried": request.give_up_after is not None,
    }


class _Mails:
    """The mails of one call, each as a row and, from the same values, as a model."""

    def __init__(self, limits: Limits) -> None:
        """Begin the moment of accepting."""
        self.mails: list[Mail] = []
        self._rows: list[list[Any]] = []
        self._limits = limits
        self._now = database_now()
        self._usual = default_values(Mail)

    def add(self, pk: int, checked: CheckedRequest, head: Head, size: int) -> None:
        """Make one more.

        Raises:
            RequestRefusedError: It is too large.
        """
        if size > self._limits.max_size:
            field = "attachments" if checked.request.attachments else "text"
            raise RequestRefusedError({field: [too_large(size, self._limits.max_size)]}, index=checked.index)
        values = self._usual | mail_values(checked.request, self._now, self._limits)
        values["id"] = pk
        values["sender_id"] = checked.account.pk
        values["sender_address"] = checked.account.address
        values["message_id"] = head.message_id
        values["needs_smtputf8"] = head.envelope.needs_smtputf8
        values["size"] = size
        row = list(values.values())
        self._rows.append(row)
        # Not `Mail(…)`: made of a whole row it costs a third.
        self.mails.append(Mail.from_db(connection.alias, list(values), row))

    def insert(self) -> None:
        """Insert the rows."""
        # In the order of their keys: two calls with the same keys then wait for each other, and never crosswise.
        names = list(self._usual)
        by, key = names.index("requested_by"), names.index("idempotency_key")
        insert_rows(Mail, names, sorted(self._rows, key=lambda row: (row[by], row[key])))


def _share_bodies(requests: Sequence[CheckedRequest], ids: Sequence[int]) -> list[_Body]:
    """Choose the body of each request: the same for all that ask for the same text, HTML and files."""
    known: dict[tuple[str, str, tuple[Attachment, ...]], _Body] = {}
    chosen = []
    for checked, pk in zip(requests, ids, strict=True):
        asked = checked.request
        chosen.append(known.setdefault((asked.text, asked.html, tuple(asked.attachments)), _Body(pk, checked)))
    return chosen


def _write_bodies(bodies: Iterable[_Body]) -> Iterator[tuple[int, bytes]]:
    """Write one body after the other, while they are stored: all of them at once may not fit into memory."""
    encode_file = lru_cache(_FILES_REMEMBERED)(attachment_part)
    for body in bodies:
        octets = _write_body(body.first, encode_file)
        body.size = len(octets)
        yield body.pk, octets


def _write_body(checked: CheckedRequest, encode_file: Callable[[Attachment], Part]) -> bytes:
    request = checked.request
    html = replace_unsupported_fonts(request.html) if request.html else ""
    text = request.text or (text_from_html(html) if html else "")
    try:
        return compose_body(text, html, request.attachments, encode_file=encode_file)
    except ComposeError as error:
        raise _refusal(error, checked) from error


def _write_head(checked: CheckedRequest) -> Head:
    try:
        return compose_head(_addresses(checked), checked.account.display_name, checked.request.subject)
    except ComposeError as error:
        raise _refusal(error, checked) from error


def _addresses(checked: CheckedRequest) -> Parties:
    account, parties = checked.account, checked.parties
    return Parties(
        sender=read_address("sender_address", account.address),
        to=parties.of_kind(ReceiverKind.TO),
        cc=parties.of_kind(ReceiverKind.CC),
        bcc=parties.of_kind(ReceiverKind.BCC),
        reply_to=parties.reply_to or _reply_to_of(account),
    )


def _reply_to_of(account: Sender) -> tuple[Address, ...]:
    return (read_address("reply_to", account.reply_to),) if account.reply_to else ()


def _refusal(error: ComposeError, checked: CheckedRequest) -> RequestRefusedError:
    return RequestRefusedError({error.field or "subject": [error.sentence]}, index=checked.index)


def _receiver_rows(requests: Sequence[CheckedRequest], ids: Sequence[int]) -> Iterator[tuple[int, str, str, str]]:
    for checked, pk in zip(requests, ids, strict=True):
        for receiver in checked.parties.receivers:
            yield pk, receiver.text, receiver.kind.value, ReceiverState.PENDING.value
