"""Writing sending records: once, when a try ended, or as open when it takes long. In bulk, by one statement.

The same transaction adds what ended to the sums that the overview reads (`records.rollups`).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import connection

from delivery.engine.causes import cause_of
from delivery.engine.given import Given, run
from delivery.engine.values import Ending, Server
from delivery.values import Reply, TlsFacts
from records.enums import Outcome
from records.rollups.adding import ENDED, READ_COLUMNS, add_sums, take_off_sums

_OWN = {
    "receiver_id": "bigint", "epoch": "integer", "reply_code": "integer", "enhanced_status": "text",
    "reply_text": "text", "queue_id": "text", "started_at": "timestamptz", "ended_at": "timestamptz",
}  # fmt: skip
_TRY = {name: _OWN[name] for name in ("receiver_id", "epoch")}
"""What names a record; the first columns of its own ones."""
_SHARED = ("outcome", "phase", "fault", "skip_reason", "cause", "server", "tls_version", "tls_cipher")
_SNAPSHOT = ("kind", "sender_address", "requester_ip", "template_name", "accessed_resource")
"""What a list of records shows without a join: copied from the mail."""
_CHANGES = [name for name in (*_OWN, *_SHARED) if name not in {"receiver_id", "epoch", "started_at"}]
_NO_REPLY = Reply(0)
_NO_SERVER = Server()


@dataclass(frozen=True, slots=True)
class TryRecord:
    """What is written of one try at one receiver."""

    receiver_id: int
    epoch: int
    ending: Ending
    started_at: datetime
    ended_at: datetime | None
    server: Server = _NO_SERVER
    tls: TlsFacts | None = None
    queue_id: str = ""


class _Shared(NamedTuple):
    """What many tries have in common; in the order of `_SHARED`."""

    outcome: str
    phase: str
    fault: str
    skip_reason: str
    cause: str
    server: str
    tls_version: str
    tls_cipher: str


def write_records(records: Iterable[TryRecord]) -> None:
    """Write how tries ended; one that stands as open, or was settled otherwise before, is overwritten.

    Their mails are locked, so that nobody else writes records of them meanwhile.
    """
    for shared, rows in _by_likeness(records).items():
        _take_off(rows)
        _end_alike(shared, rows)


def write_first_records(records: Iterable[TryRecord]) -> None:
    """Write how tries ended whose claim still holds: a record of them stands as open at most."""
    for shared, rows in _by_likeness(records).items():
        _end_alike(shared, rows)


def open_records(records: Iterable[TryRecord]) -> None:
    """Write tries as open, so that they are seen while they last; what stands already is left as it is."""
    for shared, rows in _by_likeness(records).items():
        given = Given.of(_OWN, rows)
        run(_insertion(given, "NOTHING"), [*shared, *given.parameters])


def _by_likeness(records: Iterable[TryRecord]) -> dict[_Shared, list[tuple[Any, ...]]]:
    alike: dict[_Shared, list[tuple[Any, ...]]] = defaultdict(list)
    shared_by = cache(_shared)
    for record in records:
        # Without the reply: nothing that is shared depends on it but the cause of a failure.
        ending = _without_reply(record.ending) if record.ending.outcome is Outcome.ACCEPTED else record.ending
        alike[shared_by(ending, record.server, record.tls)].append(_own(record))
    return alike


def _without_reply(ending: Ending) -> Ending:
    return Ending(ending.outcome, ending.phase)


def _shared(ending: Ending, server: Server, tls: TlsFacts | None) -> _Shared:
    return _Shared(
        outcome=str(ending.outcome),
        phase=str(ending.phase or ""),
        fault=str(ending.fault or ""),
        skip_reason=str(ending.skip_reason or ""),
        cause="" if ending.outcome is Outcome.SENDING else cause_of(ending, server)[:64],
        server=str(server)[:320],
        tls_version=tls.version[:16] if tls else "",
        tls_cipher=tls.cipher[:64] if tls else "",
    )


def _own(record: TryRecord) -> tuple[Any, ...]:
    reply = record.ending.reply or _NO_REPLY
    return (
        record.receiver_id,
        record.epoch,
        reply.code or None,
        reply.enhanced_status[:16],
        reply.text[:1000],
        record.queue_id[:200] if record.ending.outcome is Outcome.ACCEPTED else "",
        record.started_at,
        record.ended_at,
    )


def _take_off(rows: list[tuple[Any, ...]]) -> None:
    """Take tries off the sums that were settled otherwise before."""
    given = Given.of(_TRY, [row[: len(_TRY)] for row in rows])
    stands = f"record.receiver_id = given.receiver_id AND record.epoch = given.epoch AND {ENDED}"
    run(take_off_sums(f"records_sendingrecord record, {given.table}", stands), given.parameters)


def _end_alike(shared: _Shared, rows: list[tuple[Any, ...]]) -> None:
    given = Given.of(_OWN, rows)
    changes = ", ".join(f"{name} = excluded.{name}" for name in _CHANGES)
    insertion = _insertion(given, f"UPDATE SET {changes}")
    if connection.vendor == "postgresql":
        # One trip to the server instead of two.
        written = f"WITH written AS ({insertion} RETURNING {', '.join(READ_COLUMNS)})"
        run(f"{written} {add_sums('written')}", [*shared, *given.parameters])
        return
    run(insertion, [*shared, *given.parameters])
    given = Given.of(_TRY, [row[: len(_TRY)] for row in rows])
    is_it = "record.receiver_id = given.receiver_id AND record.epoch = given.epoch"
    run(add_sums(f"{given.table} CROSS JOIN records_sendingrecord record", is_it), given.parameters)


def _insertion(given: Given, on_conflict: str) -> str:
    columns = ", ".join(["mail_id", *_SNAPSHOT, "receiver_address", *_OWN, *_SHARED])
    snapshot = ", ".join(f"mail.{name}" for name in _SNAPSHOT)
    own = ", ".join(f"given.{name}" for name in _OWN)
    constants = ", ".join(["%s"] * len(_SHARED))
    return f"""
        INSERT INTO records_sendingrecord ({columns})
        SELECT mail.id, {snapshot}, receiver.address, {own}, {constants}
        FROM {given.table}
        JOIN records_receiver receiver ON receiver.id = given.receiver_id
        JOIN records_mail mail ON mail.id = receiver.mail_id
        WHERE true
        ORDER BY given.started_at, given.receiver_id
        ON CONFLICT (receiver_id, epoch) DO {on_conflict}
        """  # noqa: S608  # names of our own, no value from outside
