"""Writing records as evidence: who got what account's mail when, and what the servers said. Never what a mail says."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db.models import Q

from records.clock import database_now
from records.evidence.covering import find_covered_until
from records.evidence.keys import id_of, signing_key, text_of
from records.evidence.lines import FORMAT, Line, chain
from records.keeping.completeness import find_latest_removed
from records.models import SendingRecord
from records.paging import Position

AT_ONCE = 1000
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
UNTIL = "until"
"""When the time ends that the file covers."""
REMOVED = "removed_up_to"
"""When the latest try began that keeping had removed by then, in header and end; null: that was before the time."""


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


def cover(selection: Selection) -> Selection:
    """Leave out of a selection the time of which not every try is recorded yet; all of it, where that is none."""
    until = min(selection.until, find_covered_until())
    return replace(selection, until=max(until, selection.since))


def stream_evidence(selection: Selection, by: str) -> Iterator[bytes]:
    """Give the lines of evidence, each with its end; little is held at once, however many there are.

    Args:
        selection: Which records, as `cover` gives it.
        by: Who asks for it, as the file tells.

    Raises:
        KeyringError: There is no usable encryption key to derive the signing key from.
    """
    key = signing_key()
    return chain(_contents(write_header(selection, by, key.public_key()), selection), key)


def write_header(selection: Selection, by: str, public: Ed25519PublicKey) -> Line:
    """Write the line that a file begins with."""
    return {
        "kind": "header",
        "format": FORMAT,
        "exported_at": _moment(database_now()),
        "exported_by": by,
        "since": _moment(selection.since),
        UNTIL: _moment(selection.until),
        "sender": selection.sender,
        REMOVED: _find_removed(selection),
        "key_id": id_of(public),
        "public_key": text_of(public),
    }


def write_end(selection: Selection, records: int) -> Line:
    """Write the line that a file ends with, once all of its records were read."""
    # Once more: keeping may have removed more since the header was written.
    return {"kind": "end", "records": records, REMOVED: _find_removed(selection)}


def _find_removed(selection: Selection) -> str | None:
    """Find when the latest try began that keeping has removed; None where that was before the time."""
    latest = find_latest_removed()
    return _moment(latest) if latest and latest >= selection.since else None


def _contents(header: Line, selection: Selection) -> Iterator[Line]:
    yield header
    number = 0
    after: Position | None = None
    while True:
        portion = read_portion(selection, after)
        yield from portion.lines
        number += len(portion.lines)
        after = portion.last
        if after is None:
            break
    yield write_end(selection, number)


class Portion(NamedTuple):
    """Some records as lines, and the last one, behind which the next portion begins; None: there is none."""

    lines: list[Line]
    last: Position | None


def read_portion(selection: Selection, after: Position | None) -> Portion:
    """Read the next records by the time that they began, and by id where times are equal.

    Not by a cursor: PostgreSQL would write all rows aside first, or keep a transaction open for as long as it takes.
    """
    # The columns that the order is by stand behind the others.
    records = SendingRecord.objects.filter(selection.as_query()).order_by("started_at", "pk")
    if after:
        later = Q(started_at__gt=after.started_at) | Q(started_at=after.started_at, pk__gt=after.record_id)
        # Stated apart for the index: databases don't see it in the disjunction.
        records = records.filter(later, started_at__gte=after.started_at)
    rows = list(records.values_list(*_COLUMNS.values(), "started_at", "pk")[:AT_ONCE])
    last = Position(*rows[-1][-2:]) if len(rows) == AT_ONCE else None
    return Portion([_write(values) for *values, _began, _pk in rows], last)


def _write(values: list[Any]) -> Line:
    return {"kind": "record", **dict(zip(_COLUMNS, map(_as_json, values), strict=True))}


def _as_json(value: Any) -> Any:
    return _moment(value) if isinstance(value, datetime) else value


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
