"""T0: accepting a mail. The one door by which mail enters, for screens, commands, tasks and the HTTP API alike."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from delivery.compose.exceptions import ComposeError
from delivery.compose.fonts import replace_unsupported_fonts
from delivery.compose.message import compose
from delivery.compose.plain_text import text_from_html
from delivery.engine.limits import get_limits
from delivery.engine.skip import skip_pending
from delivery.exceptions import MailNotConfiguredError, RequestRefusedError
from delivery.request import CheckedParties, MailRequest, aware, check_request, too_large
from delivery.values import Attachment, ComposedMail, Draft
from delivery.wake import wake
from records.clock import database_now
from records.content import store_content
from records.enums import MailKind, ReceiverKind, SkipReason
from records.models import Mail, Receiver
from senders.models import Sender
from senders.services import find_default_sender
from senders.validators import has_control_characters

_LONGEST_LOOKED_FOR = 320
"""Characters; no key, caller or address that was ever stored is longer."""


def accept_mail(
    *,
    to: Sequence[str],
    subject: str,
    cc: Sequence[str] = (),
    bcc: Sequence[str] = (),
    reply_to: Sequence[str] = (),
    text: str = "",
    html: str = "",
    attachments: Sequence[Attachment] = (),
    template_name: str = "",
    accessed_resource: str = "",
    requester_ip: str | None = None,
    requested_by: str = "",
    sender: Sender | str | int | None = None,
    idempotency_key: str = "",
    not_before: datetime | None = None,
    give_up_after: timedelta | None = None,
    resend_of: Mail | None = None,
    kind: MailKind = MailKind.MAIL,
) -> Mail:
    """Accept a mail for sending: check it, compose it once, store it in the caller's transaction, wake a worker.

    When this returns (and the caller's transaction commits), the mail will be tried.

    Args:
        to: Addresses. One that is named twice, here or in `cc` or `bcc`, gets the mail once.
        subject: On one line.
        cc: Addresses.
        bcc: Addresses that no header shows.
        reply_to: Where answers go; the account's own reply-to address where none is named.
        text: The body as text; made from the HTML where it is missing.
        html: The body as HTML; fonts that can't be shown become SimSun.
        attachments: Files that go with it.
        template_name: A label for the record.
        accessed_resource: Path or URL of what the mail is about, for the record.
        requester_ip: IP address of the client that asked.
        requested_by: Name of the user or caller that asked; idempotency keys are told apart by it.
        sender: The account, its address or its id; None: the system default sender.
        idempotency_key: A second request with the same key and caller gets the first one's mail, whatever it asks.
        not_before: Not tried earlier; a time without a zone is one of the system's.
        give_up_after: How long it is tried, counted from when it is first due; None: the system's default.
        resend_of: The mail that is sent again.
        kind: Test mail is tried once.

    Raises:
        RequestRefusedError: Fields are wrong; nothing was stored.
        MailNotConfiguredError: No sender was named and there is no system default sender. The refusal was stored,
            unless the caller's transaction is rolled back.
    """
    request = MailRequest(
        to=to, subject=subject, cc=cc, bcc=bcc, reply_to=reply_to, text=text, html=html, attachments=attachments,
        template_name=template_name, accessed_resource=accessed_resource, requester_ip=requester_ip,
        requested_by=requested_by, idempotency_key=idempotency_key, not_before=not_before,
        give_up_after=give_up_after, kind=kind,
    )  # fmt: skip
    earlier = _find_earlier(request)
    if earlier is not None:
        return earlier
    parties = check_request(request)
    account = _find_account(sender)
    if account is None:
        raise MailNotConfiguredError(_store_refusal(request, parties, resend_of).pk)
    composed = _compose(request, parties, account)
    return _store_once(request, parties, account, composed, resend_of)


def _find_earlier(request: MailRequest) -> Mail | None:
    if not request.idempotency_key:
        return None
    # What can't be stored isn't there, and some databases can't even be asked for it: it is refused a moment later.
    if not (_is_storable(request.idempotency_key) and _is_storable(request.requested_by)):
        return None
    same = {"requested_by": request.requested_by, "idempotency_key": request.idempotency_key}
    return Mail.objects.filter(**same).first()


def _find_account(sender: Sender | str | int | None) -> Sender | None:
    """Find the account to send with; None where none is named and there is no default.

    Raises:
        RequestRefusedError: The named account doesn't exist or is disabled.
    """
    if sender is None:
        return find_default_sender()
    account = _by_address(sender).first() if isinstance(sender, str) else _by_key(sender).first()
    if account is None:
        raise RequestRefusedError({"sender": [_("There is no such sender account.")]})
    if not account.is_enabled:
        raise RequestRefusedError({"sender": [_("%(sender)s is disabled.") % {"sender": account}]})
    return account


def _is_storable(text: str) -> bool:
    """Tell whether a short text could stand in the database at all."""
    return len(text) <= _LONGEST_LOOKED_FOR and not has_control_characters(text)


def _by_address(address: str) -> QuerySet[Sender]:
    return Sender.objects.filter(address__iexact=address) if _is_storable(address) else Sender.objects.none()


def _by_key(sender: Sender | int) -> QuerySet[Sender]:
    return Sender.objects.filter(pk=sender.pk if isinstance(sender, Sender) else sender)


def _compose(request: MailRequest, parties: CheckedParties, account: Sender) -> ComposedMail:
    """Write the mail as it goes over the wire.

    Raises:
        RequestRefusedError: A value can't be written into a mail, or the mail is too large.
    """
    html = replace_unsupported_fonts(request.html) if request.html else ""
    draft = Draft(
        sender_address=account.address,
        display_name=account.display_name,
        subject=request.subject,
        to=parties.of_kind(ReceiverKind.TO),
        cc=parties.of_kind(ReceiverKind.CC),
        bcc=parties.of_kind(ReceiverKind.BCC),
        reply_to=parties.reply_to or ((account.reply_to,) if account.reply_to else ()),
        text=request.text or (text_from_html(html) if html else ""),
        html=html,
        attachments=request.attachments,
    )
    try:
        composed = compose(draft)
    except ComposeError as error:
        raise RequestRefusedError({error.field or "subject": [error.sentence]}) from error
    limit = get_limits().max_size
    if len(composed.mime) > limit:
        field = "attachments" if request.attachments else "text"
        raise RequestRefusedError({field: [too_large(len(composed.mime), limit)]})
    return composed


def _store_once(
    request: MailRequest, parties: CheckedParties, account: Sender, composed: ComposedMail, resend_of: Mail | None
) -> Mail:
    """Store the mail, or find the one that another request with the same key stored at the same time."""
    try:
        # A savepoint where the caller has a transaction: it must survive losing the race.
        with transaction.atomic():
            return _store(request, parties, account, composed, resend_of)
    except IntegrityError:
        earlier = _find_earlier(request)
        if earlier is None:
            raise
        return earlier


def _store(
    request: MailRequest, parties: CheckedParties, account: Sender, composed: ComposedMail, resend_of: Mail | None
) -> Mail:
    mail = _new_mail(request, resend_of)
    mail.sender = account
    mail.sender_address = account.address
    mail.message_id = composed.message_id
    mail.needs_smtputf8 = composed.envelope.needs_smtputf8
    mail.size = len(composed.mime)
    mail.save(force_insert=True)
    store_content(mail.pk, composed.head, composed.body)
    _store_receivers(mail, parties)
    if mail.due_at <= mail.accepted_at:
        # After the commit: a worker must not look before the rows are there. Robust: the mail is accepted by then.
        transaction.on_commit(partial(wake, account.pk), robust=True)
    return mail


def _new_mail(request: MailRequest, resend_of: Mail | None) -> Mail:
    now = database_now()
    due_at = max(now, aware(request.not_before)) if request.not_before else now
    return Mail(
        kind=request.kind,
        subject=request.subject,
        template_name=request.template_name,
        accessed_resource=request.accessed_resource,
        requester_ip=request.requester_ip,
        requested_by=request.requested_by,
        idempotency_key=request.idempotency_key,
        resend_of=resend_of,
        accepted_at=now,
        due_at=due_at,
        expires_at=due_at + (request.give_up_after or get_limits().give_up_after),
        expires_untried=request.give_up_after is not None,
    )


def _store_receivers(mail: Mail, parties: CheckedParties) -> None:
    Receiver.objects.bulk_create(
        [Receiver(mail=mail, address=receiver.text, kind=receiver.kind) for receiver in parties.receivers]
    )


def _store_refusal(request: MailRequest, parties: CheckedParties, resend_of: Mail | None) -> Mail:
    """Store that mail is not configured, as a mail that ended and a record per receiver."""
    # Without its key: the same request may come again when mail is configured.
    with transaction.atomic():
        mail = _new_mail(replace(request, idempotency_key=""), resend_of)
        mail.save(force_insert=True)
        _store_receivers(mail, parties)
        skip_pending(mail, SkipReason.NOT_CONFIGURED, mail.accepted_at)
    return mail
