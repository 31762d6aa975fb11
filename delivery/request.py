"""What a caller asks to be sent; `delivery.request_rules` says what may stand in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from delivery.values import Attachment
from records.enums import MailKind, Priority
from records.models import Mail
from senders.models import Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRequest:
    """A mail as its caller asks for it; nothing of it is checked yet."""

    to: Sequence[str]
    """Addresses. One that is named twice, here or in `cc` or `bcc`, gets the mail once."""
    subject: str
    """On one line."""
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    """Addresses that no header shows."""
    reply_to: Sequence[str] = ()
    """Where answers go; the account's own reply-to address where none is named."""
    text: str = ""
    """The body as text; made from the HTML where it is missing."""
    html: str = ""
    """The body as HTML; fonts that can't be shown become SimSun."""
    attachments: Sequence[Attachment] = ()
    secrets: Sequence[str] = field(default=(), repr=False)
    """What only the receivers may see, such as a code or a link: masked in whatever is kept of the mail."""
    template_name: str = ""
    """A label for the record."""
    accessed_resource: str = ""
    """Path or URL of what the mail is about, for the record."""
    requester_ip: str | None = None
    """IP address of the client that asked."""
    requested_by: str = ""
    """Name of the user or caller that asked; idempotency keys are told apart by it."""
    sender: Sender | str | int | None = None
    """The account, its address or its id; None: the system default sender."""
    idempotency_key: str = ""
    """A second request with the same key and caller gets the first one's mail, whatever it asks."""
    not_before: datetime | None = None
    """Not tried earlier; a time without a zone is one of the system's."""
    give_up_after: timedelta | None = None
    """How long it is tried, counted from when it is first due; None: the system's default."""
    priority: Priority = Priority.NORMAL
    """`HIGH` where a person waits for it, such as for a sign-in code; `BULK` where nobody does."""
    resend_of: Mail | None = None
    """The mail that is sent again."""
    kind: MailKind = MailKind.MAIL
    """Test mail is tried once."""


def aware(moment: datetime) -> datetime:
    """Take a time without a zone as one of the system's time zone."""
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
