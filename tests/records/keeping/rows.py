"""Mails of different ages, for the tests of keeping."""

from datetime import date, datetime, timedelta
from typing import Any

from delivery.compose.message import compose_body
from delivery.values import Attachment
from records.clock import database_now
from records.keeping.models import ONLY, KeepingRound, KeepingRules
from records.keeping.pretending import pretend_round
from records.keeping.rounds import run_whole
from records.keeping.rules import get_rules
from records.models import Body, Content, Mail
from records.months.calendar import month_of, this_month
from records.packing import pack
from tests.records.rows import make_mail, make_record

NEVER = {
    "records_days": None,
    "contents_days": None,
    "attachments_days": None,
    "max_records": None,
    "max_contents_size": None,
    "max_attachments_size": None,
}
HEAD = b"Subject: Rows were loaded\r\n"


def set_rules(**rules: Any) -> KeepingRules:
    """Keep everything for ever, but for what is said."""
    return KeepingRules.objects.update_or_create(pk=ONLY, defaults={**NEVER, **rules})[0]


def old_mail(days: float, *, records: int = 1, body: Body | None = None, text: str = "", **values: Any) -> Mail:
    """Store a mail that was accepted and sent so many days ago, with its content and a record."""
    at = database_now() - timedelta(days=days)
    given = {"accepted_at": at, "due_at": at, "expires_at": at + timedelta(days=1), "finished_at": at}
    mail = make_mail(**{**given, **values}, size=500)
    stored = body or store_body(mail.pk, text or f"Mail {mail.pk}", month=month_of(mail.accepted_at))
    Content.objects.create(mail=mail, head=HEAD, body=stored, month=stored.month)
    for number in range(records):
        make_record(mail, receiver_address=f"user{number}@example.net", started_at=at)
    return mail


def store_body(pk: int, text: str, *files: Attachment, month: date | None = None) -> Body:
    """Store a body as a mail has it that was accepted in a month; the present one, if none is given."""
    packed = pack(compose_body(text, "", files))
    size = sum(len(file.content) for file in files)
    return Body.objects.create(
        pk=pk, octets=packed.octets, packing=packed.packing, attached_size=size, month=month or this_month()
    )


def mail_with_files(days: float, *files: Attachment, **values: Any) -> Mail:
    """Store a mail with files."""
    mail = old_mail(days, **values)
    body = compose_body("See the files.", "", files)
    packed = pack(body)
    Body.objects.filter(pk=mail.pk).update(
        octets=packed.octets, packing=packed.packing, attached_size=sum(len(file.content) for file in files)
    )
    return mail


def what_is_left() -> tuple[list[int], list[int], list[int]]:
    """List the mails, those that still have content, and the bodies."""
    return (
        list(Mail.objects.order_by("pk").values_list("pk", flat=True)),
        list(Content.objects.order_by("pk").values_list("pk", flat=True)),
        list(Body.objects.order_by("pk").values_list("pk", flat=True)),
    )


def today() -> date:
    """The day by the database's clock."""
    moment: datetime = database_now()
    return moment.date()


def prune() -> KeepingRound:
    """Tell what would go, remove it, and make sure that both are the same."""
    told = pretend_round(get_rules())
    did = run_whole(pause=0)
    for name in ("removed_mails", "removed_records", "removed_contents", "stripped_bodies"):
        assert getattr(told, name) == getattr(did, name), name
    return did
