"""Sending records: of a mail, in order, and which values occur in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from django.db import connections, models

if TYPE_CHECKING:
    from records.models import SendingRecord  # noqa: F401  # named in a string below

MAX_KNOWN_VALUES = 300
Known = Literal["sender_address", "template_name"]
"""Fields whose values can be chosen from."""


def known_values(field: Known) -> str:
    """Return a statement that lists the values of a field that occur in any record, in order.

    DISTINCT reads the whole table; this jumps from value to value along the field's index.
    """
    first, following = (
        f"(SELECT {field} FROM records_sendingrecord WHERE {field} > {before} ORDER BY {field} LIMIT 1)"  # noqa: S608
        for before in ("''", "known.value")
    )
    return f"""
        WITH RECURSIVE known(value) AS (
            SELECT {first} UNION ALL SELECT {following} FROM known WHERE known.value IS NOT NULL
        )
        SELECT value FROM known WHERE value IS NOT NULL LIMIT {MAX_KNOWN_VALUES}
    """  # noqa: S608  # names of our own model, nothing from outside


class SendingRecordQuerySet(models.QuerySet["SendingRecord"]):
    """Sending records by their mail, and in order; what filters keep is found in `records.search`."""

    def of_mail(self, mail_id: int) -> SendingRecordQuerySet:
        """Keep the tries of one mail."""
        return self.filter(mail_id=mail_id)

    def newest_first(self) -> SendingRecordQuerySet:
        """Order as the list does."""
        return self.order_by("-started_at", "-id")

    def oldest_first(self) -> SendingRecordQuerySet:
        """Order as a story is told."""
        return self.order_by("started_at", "id")

    def list_known(self, field: Known) -> list[str]:
        """List the values of a field that occur in any record, at most MAX_KNOWN_VALUES, in order.

        See `known_values`.
        """
        with connections[self.db].cursor() as cursor:
            cursor.execute(known_values(field))
            return [value for (value,) in cursor.fetchall()]
