"""What filters ask of a record, as SQL that reads one row of `record`, and its mail by id where it must: no joins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Field

from records.enums import Outcome
from records.filters import NO_CAUSE
from records.models import SendingRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from records.filters import RecordFilters


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, or several that must all hold, with their parameters."""

    sql: str
    parameters: tuple[Any, ...] = ()
    reads_mail: bool = False
    """It looks the mail of each row up, which takes several times as long."""


TRUE = Condition("TRUE")


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Join conditions; none at all are always true."""
    found = list(conditions)
    if not found:
        return TRUE
    return Condition(
        " AND ".join(condition.sql for condition in found),
        tuple(value for condition in found for value in condition.parameters),
        any(condition.reads_mail for condition in found),
    )


def equals(column: str, value: object) -> Condition:
    """Ask for a value of a record's own."""
    field = SendingRecord._meta.get_field(column)  # noqa: SLF001  # a public interface, its name notwithstanding
    assert isinstance(field, Field)
    return Condition(f"record.{column} = %s", (field.get_db_prep_value(value, connection),))


def has_outcome(outcome: Outcome) -> Condition:
    """Ask for an outcome that is not success, in the words of the index of those."""
    if connection.vendor == "sqlite":
        # Not a parameter: SQLite compares the texts of conditions to find that the index applies.
        return Condition("NOT (record.outcome = 'accepted') AND record.outcome = %s", (str(outcome),))
    # PostgreSQL sees that by itself, and takes a second condition for one that makes the first still rarer.
    return Condition("record.outcome = %s", (str(outcome),))


def any_outcome(outcomes: Iterable[Outcome]) -> Condition:
    """Ask for one of several outcomes."""
    values = [str(outcome) for outcome in outcomes]
    return Condition(f"record.outcome IN ({', '.join(['%s'] * len(values))})", tuple(values))


def has_cause(cause: str) -> Condition:
    """Ask for a cause, or for what went wrong without one."""
    if cause == NO_CAUSE:
        return Condition("record.cause = '' AND record.outcome <> %s", (str(Outcome.ACCEPTED),))
    return equals("cause", cause)


def contains(expression: str, part: str) -> Condition:
    """Ask for a part of a text, in whatever case."""
    pattern = f"%{_escape(part)}%"
    if connection.vendor == "postgresql":
        # By the database's own rules on both sides, which are those of the index as well.
        return Condition(f"lower({expression}) LIKE lower(%s)", (pattern,))
    if all(letter.isascii() or letter.upper() == letter == letter.lower() for letter in part):
        # Its LIKE knows the case of ASCII alone, and what else is in the part has none.
        return Condition(rf"{expression} LIKE %s ESCAPE '\'", (pattern,))
    return Condition(f"{expression} REGEXP %s", (f"(?i){_as_regex(part)}",))


def _escape(part: str) -> str:
    return part.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _as_regex(part: str) -> str:
    # Letter by letter, so that no letter stands for more than itself.
    return "".join(f"\\U{ord(letter):08x}" if not letter.isalnum() else letter for letter in part)


def of_receiver(part: str) -> Condition:
    """Ask for a part of the receiver's address."""
    return contains("record.receiver_address", part)


def list_conditions(filters: RecordFilters) -> dict[str, Condition]:
    """List what filters ask for, by the names of their fields; the days are not among it, they bound every walk."""
    found: dict[str, Condition] = {}
    columns = {"sender": "sender_address", "template": "template_name", "mail_id": "mail_id"}
    for name, column in {**columns, "phase": "phase"}.items():
        if value := getattr(filters, name):
            found[name] = equals(column, value)
    if filters.cause:
        found["cause"] = has_cause(filters.cause)
    if filters.receiver:
        found["receiver"] = of_receiver(filters.receiver)
    if filters.result:
        found["result"] = any_outcome(filters.result.outcomes)
    if filters.outcome:
        found["outcome"] = any_outcome([filters.outcome])
    return {**found, **_of_mail(filters)}


def _of_mail(filters: RecordFilters) -> dict[str, Condition]:
    found: dict[str, Condition] = {}
    if filters.subject:
        found["subject"] = _reading_mail(contains(_mail_s("subject"), filters.subject))
    if filters.message_id:
        found["message_id"] = Condition(f"{_mail_s('message_id')} = %s", (filters.message_id,), reads_mail=True)
    if filters.requester and filters.requester_is_address:
        found["requester"] = equals("requester_ip", filters.requester)
    elif filters.requester:
        requester = f"lower({_mail_s('requested_by')}) = lower(%s)"
        found["requester"] = Condition(requester, (filters.requester,), reads_mail=True)
    return found


def _mail_s(column: str) -> str:
    return f"(SELECT mail.{column} FROM records_mail mail WHERE mail.id = record.mail_id)"  # noqa: S608  # our own names


def _reading_mail(condition: Condition) -> Condition:
    return Condition(condition.sql, condition.parameters, reads_mail=True)
