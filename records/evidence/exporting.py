"""Writing records as evidence: who got what account's mail when, and what the servers said. Never what a mail says."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q

from records.clock import database_now
from records.evidence.keys import id_of, signing_key, text_of
from records.evidence.lines import FORMAT, chain
from records.models import SendingRecord

_AT_ONCE = 1000
"""Records that are held at once."""
_COLUMNS = {
    "record": "pk",
    "mail": "mail_id",
    "message_id": "mail__message_id",
    "requested_by": "mail__requested_by",
    "requester_ip": "requester_ip",
    "kind_of_mail": "kind",
    "template": "template_name",
    "accessed_resource": "accessed_resource",
    "sender": "sender_address",
    "receiver": "receiver_address",
    "try": "epoch",
    "outcome": "outcome",
    "phase": "phase",
    "fault": "fault",
    "skip_reason": "skip_reason",
    "reply_code": "reply_code",
    "enhanced_status": "enhanced_status",
    "reply_text": "reply_text",
    "queue_id": "queue_id",
    "server": "server",
    "tls_version": "tls_version",
    "tls_cipher": "tls_cipher",
    "started_at": "started_at",
    "ended_at": "ended_at",
}
"""What a line tells, by the name of the record's field."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records are meant."""

    since: datetime
    until: datetime
    """Tries that began then or later are not."""
    sender: str = ""
    """Address of the account; empty: all of them."""

    def as_query(self) -> Q:
        """Ask for them."""
        asked = Q(started_at__gte=self.since, started_at__lt=self.until)
        return asked & Q(sender_address=self.sender) if self.sender else asked


def stream_evidence(selection: Selection, by: str) -> Iterator[bytes]:
    """Give the lines of evidence, each with its end; little is held at once, however many there are.

    Args:
        selection: Which records.
        by: Who asks for it, as the file tells.

    Raises:
        KeyringError: There is no usable encryption key to derive the signing key from.
    """
    key = signing_key()
    public = key.public_key()
    header = {
        "kind": "header",
        "format": FORMAT,
        "exported_at": _moment(database_now()),
        "exported_by": by,
        "since": _moment(selection.since),
        "until": _moment(selection.until),
        "sender": selection.sender,
        "key_id": id_of(public),
        "public_key": text_of(public),
    }
    return chain(_contents(header, selection), key)


def _contents(header: dict[str, Any], selection: Selection) -> Iterator[dict[str, Any]]:
    yield header
    number = 0
    for number, values in enumerate(_read(selection), 1):  # noqa: B007  # wanted afterwards
        yield {"kind": "record", **dict(zip(_COLUMNS, map(_as_json, values), strict=True))}
    yield {"kind": "end", "records": number}


def _read(selection: Selection) -> Iterator[tuple[Any, ...]]:
    """Read records by the time that they began, and by id where times are equal, a portion at a time.

    Not by a cursor: PostgreSQL would write all rows aside first, or keep a transaction open for as long as it takes.
    """
    # The columns that the order is by stand behind the others.
    records = SendingRecord.objects.filter(selection.as_query()).order_by("started_at", "pk")
    rows = records.values_list(*_COLUMNS.values(), "started_at", "pk")
    portion = list(rows[:_AT_ONCE])
    while portion:
        for *values, _began, _pk in portion:
            yield tuple(values)
        *_values, began, pk = portion[-1]
        later = Q(started_at__gt=began) | Q(started_at=began, pk__gt=pk)
        # Stated apart for the index: databases don't see it in the disjunction.
        portion = list(rows.filter(later, started_at__gte=began)[:_AT_ONCE]) if len(portion) == _AT_ONCE else []


def _as_json(value: Any) -> Any:
    return _moment(value) if isinstance(value, datetime) else value


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
