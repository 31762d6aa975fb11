"""A history of records, made in the database itself: skewed as real ones are, the same in every run.

400 days up to the start of today; twenty records per address; some senders, templates and results are frequent, some
are rare, and some occurred in the first weeks only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import NOT_PROVIDED, Field, Model

from records.models import Mail, Receiver, SendingRecord
from records.rollups.adding import add_sums
from records.rollups.folding import fold

DAYS = 400
RECORDS_PER_ADDRESS = 20
RECORDS_PER_MAIL = 4
PORTION = 1_000_000
"""Records per statement."""

_FIRST = (
    "anna ben carla david elena felix greta henrik ines jonas karin lukas maria nils olga paul quentin rosa sven tanja "
    "ulrich vera walter xenia yusuf zoe amir bianca chen daria emil fatima georg hanna igor jana kemal lea milan nora"
).split()
_LAST = (
    "ackermann berger castillo dubois eriksson fischer garcia hoffmann ivanova jensen keller lindqvist moreau novak "
    "okafor petrov quist rossi schneider tanaka unger vogel wagner xu yilmaz zimmermann almeida brandt conti demir"
).split()
_DOMAINS = "example.com example.net example.org mail.example.com corp.example.net".split()


def _hash(multiplier: int) -> str:
    """Give an expression for a number below 65,536 that looks random and follows from `i`."""
    return f"(((i * {multiplier}) % 4294967296) / 65536)"


_ACCEPTED = f"(({{}} - 1) * {RECORDS_PER_MAIL})"
"""When a mail was accepted, as the number of a record that began then."""
_A, _B, _C, _D = (_hash(multiplier) for multiplier in (2654435761, 2246822519, 3266489917, 668265263))


def _skewed(number: str, names: Sequence[str], shares: Sequence[int]) -> str:
    """Give an expression for names by their shares of 1,000."""
    branches, upto = [], 0
    for name, share in zip(names, shares, strict=True):
        upto += share
        branches.append(f"WHEN {number} % 1000 < {upto} THEN '{name}'")
    return f"CASE {' '.join(branches)} END"


def _expressions(count: int) -> dict[str, str]:
    """Give what stands in the columns of record `i`, of `count`."""
    is_old = f"i < {count // 20}"
    outcome = _skewed(_C, ("accepted", "refused", "deferred", "not_connected", "skipped"), (940, 30, 15, 10, 5))
    senders = [f"sender{place}@example.com" for place in range(1, 9)]
    templates = [f"template-{place}" for place in range(1, 11)]
    return {
        "sender_address": f"CASE WHEN {is_old} AND i % 2003 = 7 THEN 'retired@example.com' "
        f"ELSE {_skewed(_A, senders, (500, 250, 120, 60, 40, 20, 9, 1))} END",
        "template_name": f"CASE WHEN {is_old} AND i % 3001 = 11 THEN 'retired' "
        f"ELSE {_skewed(_B, templates, (300, 200, 150, 100, 100, 80, 40, 20, 9, 1))} END",
        "outcome": f"CASE WHEN {is_old} AND i % 5003 = 13 THEN 'unknown' ELSE {outcome} END",
        # One address gets a fiftieth of all.
        "receiver_address": f"CASE WHEN {_D} % 50 = 0 THEN 'operations@example.com' ELSE address.address END",
    }


class Generator:
    """Writes `count` records and what they belong to into an empty database."""

    def __init__(self, count: int, say: Callable[[str], None]) -> None:
        """Prepare."""
        self._count, self._say = count, say
        self._is_sqlite = connection.vendor == "sqlite"
        self._end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def run(self) -> None:
        """Write everything, with the indexes made at the end."""
        began = time.monotonic()
        with connection.cursor() as cursor:
            self._cursor = cursor
            if self._is_sqlite:
                cursor.execute("PRAGMA foreign_keys = OFF")
            else:
                cursor.execute("SET session_replication_role = replica")  # no checks of foreign keys
                cursor.execute("SET maintenance_work_mem = '2GB'")
                cursor.execute("SET synchronous_commit = off")
            self._make_addresses()
            definitions = self._drop_indexes()
            for first in range(1, self._count + 1, PORTION):
                self._make_portion(first, min(first + PORTION - 1, self._count))
                self._say(f"{min(first + PORTION - 1, self._count):,} records after {time.monotonic() - began:.0f} s")
            for definition in definitions:
                cursor.execute(definition)
            self._tidy_up()
        self._say(f"folding the sums after {time.monotonic() - began:.0f} s")
        while fold():
            pass
        self._say(f"made {self._count:,} records in {time.monotonic() - began:.0f} s")

    def _make_addresses(self) -> None:
        self._cursor.execute("CREATE TABLE bench_address (n bigint PRIMARY KEY, address text NOT NULL)")
        first, last, domain = (
            self._pick(names, f"(n / {step})") for names, step in ((_FIRST, 1), (_LAST, 7), (_DOMAINS, 3))
        )
        self._cursor.execute(
            f"INSERT INTO bench_address SELECT n, {first} || '.' || {last} || n || '@' || {domain} "
            f"FROM {self._series(0, max(self._count // RECORDS_PER_ADDRESS, 1) - 1, 'n')}"
        )

    def _pick(self, names: list[str], number: str) -> str:
        branches = " ".join(f"WHEN {place} THEN '{name}'" for place, name in enumerate(names))
        return f"CASE {number} % {len(names)} {branches} END"

    def _series(self, first: int, last: int, name: str) -> str:
        if self._is_sqlite:
            return (
                f"(WITH RECURSIVE series({name}) AS (SELECT {first} UNION ALL SELECT {name} + 1 FROM series "
                f"WHERE {name} < {last}) SELECT {name} FROM series)"
            )
        return f"generate_series({first}::bigint, {last}::bigint) AS series({name})"

    def _moment(self, number: str) -> str:
        seconds = f"(({number} - {self._count}) * {DAYS * 86400 / self._count})"
        if self._is_sqlite:
            # As Django writes moments: with six digits, of which none may be missing when they are compared as text.
            return f"strftime('%Y-%m-%d %H:%M:%f001', '{self._end:%Y-%m-%d %H:%M:%S}', {seconds} || ' seconds')"
        return f"'{self._end.isoformat()}'::timestamptz + {seconds} * interval '1 second'"

    def _drop_indexes(self) -> list[str]:
        """Drop the indexes that are no constraints; returns the statements that make them again."""
        if self._is_sqlite:
            self._cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
                "AND tbl_name IN ('records_sendingrecord', 'records_mail')"
            )
        else:
            self._cursor.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('records_sendingrecord', "
                "'records_mail') AND indexname NOT IN (SELECT conname FROM pg_constraint)"
            )
        found = self._cursor.fetchall()
        for name, _definition in found:
            self._cursor.execute(f'DROP INDEX "{name}"')
        return [definition for _name, definition in found]

    def _make_portion(self, first: int, last: int) -> None:
        mails = self._series((first - 1) // RECORDS_PER_MAIL + 1, (last - 1) // RECORDS_PER_MAIL + 1, "i")
        moment = self._moment(_ACCEPTED.format("i"))
        mail = {
            "id": "i", "state": "'sent'", "sender_id": "NULL", "subject": "'Report ' || i",
            "message_id": "'<' || i || '@example.com>'", "requested_by": "'admin'",
            "accepted_at": moment, "due_at": moment, "expires_at": moment, "finished_at": moment,
        }  # fmt: skip
        self._insert(Mail, mail, f"{mails} WHERE NOT EXISTS (SELECT 1 FROM records_mail old WHERE old.id = i)")
        mail_id = f"((i - 1) / {RECORDS_PER_MAIL} + 1)"
        number = f"((i * 2246822519) % 4294967296) % {max(self._count // RECORDS_PER_ADDRESS, 1)}"
        addressed = f"{self._series(first, last, 'i')} JOIN bench_address address ON address.n = {number}"
        values = _expressions(self._count)
        # With a number before it: a mail may not have the same receiver twice.
        address = f"CAST(i AS text) || {values['receiver_address']}"
        receiver = {"id": "i", "mail_id": mail_id, "address": address, "state": "'accepted'"}
        self._insert(Receiver, receiver, addressed)
        own = {
            "id": "i", "mail_id": mail_id, "receiver_id": "i", "epoch": "1", "started_at": self._moment("i"),
            "ended_at": self._moment("i"), "requester_ip": "'192.0.2.7'", "server": "'mail.example.com:587'",
            "cause": f"CASE WHEN {_C} % 1000 < 940 THEN '' ELSE 'cause-' || ({_D} % 12) END",
        }  # fmt: skip
        self._insert(SendingRecord, {**values, **own}, addressed)
        self._cursor.execute(add_sums("records_sendingrecord", f"id BETWEEN {first} AND {last}"))

    def _insert(self, model: type[Model], values: dict[str, str], source: str) -> None:
        meta = model._meta
        fields = [field for field in meta.concrete_fields if field.attname in values or _default(field) is not None]
        columns = ", ".join(f'"{field.column}"' for field in fields)
        chosen = ", ".join(values.get(field.attname) or str(_default(field)) for field in fields)
        self._cursor.execute(f"INSERT INTO {meta.db_table} ({columns}) SELECT {chosen} FROM {source}")

    def _tidy_up(self) -> None:
        self._cursor.execute("DROP TABLE bench_address")
        if self._is_sqlite:
            return
        for model in (Mail, Receiver, SendingRecord):
            table = model._meta.db_table
            self._cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
            )
        self._cursor.execute("SET session_replication_role = origin")


def _default(field: Field[Any, Any]) -> str | None:
    """Give a field's default as SQL; None where it may be null."""
    if field.null or field.primary_key or field.has_db_default():
        return None
    default = field.get_default() or ("" if field.default is NOT_PROVIDED else field.get_default())
    if isinstance(default, bool) and connection.vendor != "sqlite":
        return "true" if default else "false"
    if isinstance(default, (bool, int)):
        return str(int(default))
    return f"'{default}'"
