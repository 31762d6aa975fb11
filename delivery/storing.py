"""T0 proper: composing the mails of one call and storing them, in a few statements however many there are."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from delivery.compose.addressing import Parties, read_address
from delivery.compose.exceptions import ComposeError
from delivery.compose.fonts import replace_unsupported_fonts
from delivery.compose.headers import text_field
from delivery.compose.message import Head, compose_body, compose_head
from delivery.compose.parts import Part, attachment_part
from delivery.compose.plain_text import text_from_html
from delivery.engine.limits import Limits
from delivery.exceptions import RequestRefusedError
from delivery.masking.copies import MaskedCopy, mask
from delivery.masking.files import Files
from delivery.masking.rules import Rule, read_rules
from delivery.masking.vault import Sealable, seal_all
from delivery.request import MailRequest, aware
from delivery.request_rules import CheckedParties, too_large
from delivery.values import Attachment
from records.bulk import allot_ids_now, default_values, expect_rows, insert_rows, one_of
from records.enums import ReceiverState
from records.keeping.stripping import strip_files
from records.masking.models import Masking
from records.models import Body, Content, Mail, Receiver
from records.months.calendar import month_of
from records.packing import pack
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
    original: MailRequest | None = None
    """What is sent, where the request is its masked copy."""
    copy: MaskedCopy | None = None


@dataclass(slots=True)
class _Body:
    """A body that is written once, for all requests of the call that ask for the same."""

    pk: int
    """The id of the first mail that it is for: ids of mails are never used twice either."""
    first: CheckedRequest
    size: int = 0
    """Bytes; known when it was written."""

    @property
    def is_stripped(self) -> bool:
        """Tell whether notes stand in the place of its files."""
        return self.first.copy is not None and self.first.copy.strips_files


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of the requests of one call."""

    ids: list[int]
    """Of their mails, in their order."""
    accepted_at: datetime


def store(requests: Sequence[CheckedRequest], limits: Limits) -> Stored:
    """Compose and store mails, within the caller's transaction.

    Raises:
        RequestRefusedError: A value can't be written into a mail, or a mail is too large.
        IntegrityError: A key is taken, or an account was deleted meanwhile.
    """
    expect_rows(len(requests))
    ids, now = allot_ids_now(Mail, len(requests))
    rules = read_rules()
    if rules or any(one.request.secrets for one in requests):
        files = Files()
        requests = [_mask(one, rules, files) for one in requests]
    masked = {pk: one for pk, one in zip(ids, requests, strict=True) if one.copy}
    sizes = _seal(masked) if masked else {}
    bodies = _share_bodies(requests, ids)
    heads: list[tuple[int, bytes, int]] = []
    month = month_of(now)
    insert_rows(
        Body,
        ("id", "octets", "packing", "attached_size", "month"),
        ((*row, month) for row in _write_bodies({body.pk: body for body in bodies}.values())),
    )
    _insert_mails(requests, _write_mails(zip(requests, ids, bodies, strict=True), heads, sizes, now, limits))
    insert_rows(Content, ("mail_id", "head", "body_id", "month"), ((*head, month) for head in heads))
    insert_rows(Receiver, ("mail_id", "address", "kind", "state"), _receiver_rows(requests, ids))
    if masked:
        _note_masking(masked, bodies, now)
    return Stored(ids, now)


def _mask(checked: CheckedRequest, rules: Sequence[Rule], files: Files) -> CheckedRequest:
    """Put the masked copy in the place of a request that has secrets."""
    copy = mask(checked.request, rules, files)
    return replace(checked, request=copy.request, original=checked.request, copy=copy) if copy else checked


def _seal(masked: Mapping[int, CheckedRequest]) -> dict[int, int]:
    """Seal the originals of mails; returns how many bytes each has beside its masked header fields."""
    sizes: dict[int, int] = {}
    seal_all(_write_originals(masked, sizes))
    return sizes


def _write_originals(masked: Mapping[int, CheckedRequest], sizes: dict[int, int]) -> Iterator[Sealable]:
    encode_file = lru_cache(_FILES_REMEMBERED)(attachment_part)
    for pk, checked in masked.items():
        assert checked.original is not None
        assert checked.copy is not None
        body = _write_body(replace(checked, request=checked.original), encode_file)
        field, shown = (_write_subject(one) for one in (checked.original.subject, checked.request.subject))
        sizes[pk] = len(body) + len(field) - len(shown)
        yield Sealable(pk, field, body, checked.copy.secrets)


def _write_subject(subject: str) -> bytes:
    return text_field("Subject", subject).encode() + b"\r\n"


def _note_masking(masked: Mapping[int, CheckedRequest], bodies: Sequence[_Body], now: datetime) -> None:
    """Keep which mails are masked copies, and by what."""
    rows = [
        Masking(mail_id=pk, by_caller=one.copy.by_caller, rule_names=list(one.copy.rule_names))
        for pk, one in masked.items()
        if one.copy
    ]
    Masking.objects.bulk_create(rows)
    stripped = {body.pk for body in bodies if body.is_stripped}
    if stripped:
        Body.objects.filter(pk__in=one_of(stripped)).update(attachments_removed_at=now)


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


def _write_mails(
    requests: Iterable[tuple[CheckedRequest, int, _Body]],
    heads: list[tuple[int, bytes, int]],
    sizes: Mapping[int, int],
    now: datetime,
    limits: Limits,
) -> Iterator[list[Any]]:
    """Write the header fields of one mail after the other, and what its row holds."""
    usual = default_values(Mail)
    for checked, pk, body in requests:
        head = _write_head(checked)
        size = len(head.octets) + sizes.get(pk, body.size)
        _refuse_if_too_large(checked, size, limits.max_size)
        heads.append((pk, head.octets, body.pk))
        own = {
            "id": pk,
            "sender_id": checked.account.pk,
            "sender_address": checked.account.address,
            "message_id": head.message_id,
            "needs_smtputf8": head.needs_smtputf8,
            "size": size,
            "has_secrets": checked.copy is not None,
        }
        yield list((usual | mail_values(checked.request, now, limits) | own).values())


def _insert_mails(requests: Sequence[CheckedRequest], rows: Iterable[Sequence[Any]]) -> None:
    names = list(default_values(Mail))
    if any(checked.request.idempotency_key for checked in requests):
        # In the order of their keys: two calls with the same keys then wait for each other, and never crosswise.
        by, key = names.index("requested_by"), names.index("idempotency_key")
        rows = sorted(rows, key=lambda row: (row[by], row[key]))
    insert_rows(Mail, names, rows)


def _share_bodies(requests: Sequence[CheckedRequest], ids: Sequence[int]) -> list[_Body]:
    """Choose the body of each request: the same for all that ask for the same text, HTML and files."""
    known: dict[tuple[str, str, tuple[Attachment, ...], bool | None], _Body] = {}
    chosen = []
    for checked, pk in zip(requests, ids, strict=True):
        asked = checked.request
        strips = checked.copy.strips_files if checked.copy else None  # masked copies share with their like alone
        key = (asked.text, asked.html, tuple(asked.attachments), strips)
        chosen.append(known.setdefault(key, _Body(pk, checked)))
    return chosen


def _write_bodies(bodies: Iterable[_Body]) -> Iterator[tuple[int, bytes, int, int]]:
    """Write one body after the other, while they are stored: all of them at once may not fit into memory."""
    encode_file = lru_cache(_FILES_REMEMBERED)(attachment_part)
    for body in bodies:
        octets = _write_body(body.first, encode_file)
        body.size = len(octets)
        if body.is_stripped:
            yield body.pk, *pack(strip_files(octets, None)), 0
            continue
        yield body.pk, *pack(octets), sum(len(file.content) for file in body.first.request.attachments)


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
    parties = checked.parties
    sender, reply_to = _read_own_addresses(checked.account.address, checked.account.reply_to)
    return Parties(sender, parties.to, parties.cc, parties.bcc, parties.reply_to or reply_to)


@lru_cache(maxsize=64)
def _read_own_addresses(address: str, reply_to: str) -> tuple[Address, tuple[Address, ...]]:
    """Read what an account says of itself: where mail comes from, and where answers go."""
    answers_to = (read_address("reply_to", reply_to),) if reply_to else ()
    return read_address("sender_address", address), answers_to


def _refusal(error: ComposeError, checked: CheckedRequest) -> RequestRefusedError:
    return RequestRefusedError({error.field or "subject": [error.sentence]}, index=checked.index)


def _refuse_if_too_large(checked: CheckedRequest, size: int, limit: int) -> None:
    if size > limit:
        field = "attachments" if checked.request.attachments else "text"
        raise RequestRefusedError({field: [too_large(size, limit)]}, index=checked.index)


def _receiver_rows(requests: Sequence[CheckedRequest], ids: Sequence[int]) -> Iterator[tuple[int, str, str, str]]:
    for checked, pk in zip(requests, ids, strict=True):
        for receiver in checked.parties.receivers:
            yield pk, receiver.address, receiver.kind.value, ReceiverState.PENDING.value
