"""The named filters of sending records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from django.db import connections, models
from django.db.models import Q

if TYPE_CHECKING:
    from datetime import datetime

    from records.enums import ResultClass
    from records.models import SendingRecord  # noqa: F401  # named in a string below
    from records.paging import Position

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
    """The named filters of sending records. Each returns what it keeps."""

    def sent_by(self, address: str) -> SendingRecordQuerySet:
        """Keep the tries of one sender address, also of an account that is gone."""
        return self.filter(sender_address=address)

    def to_receiver(self, part: str) -> SendingRecordQuerySet:
        """Keep the tries at receivers whose address contains `part`, in whatever case."""
        return self.filter(receiver_address__icontains=part)

    def with_template(self, name: str) -> SendingRecordQuerySet:
        """Keep the tries of mail made from one template."""
        return self.filter(template_name=name)

    def with_result(self, result: ResultClass) -> SendingRecordQuerySet:
        """Keep the tries with one result."""
        return self.filter(outcome__in=result.outcomes)

    def started_from(self, moment: datetime) -> SendingRecordQuerySet:
        """Keep the tries that began at `moment` or later."""
        return self.filter(started_at__gte=moment)

    def started_before(self, moment: datetime) -> SendingRecordQuerySet:
        """Keep the tries that began earlier than `moment`."""
        return self.filter(started_at__lt=moment)

    def of_mail(self, mail_id: int) -> SendingRecordQuerySet:
        """Keep the tries of one mail."""
        return self.filter(mail_id=mail_id)

    def newest_first(self) -> SendingRecordQuerySet:
        """Order as the list does."""
        return self.order_by("-started_at", "-id")

    def oldest_first(self) -> SendingRecordQuerySet:
        """Order as a story is told."""
        return self.order_by("started_at", "id")

    def older_than(self, position: Position) -> SendingRecordQuerySet:
        """Keep what comes after a position when the newest is first."""
        return self.filter(
            # Stated apart for the index: databases don't see it in the disjunction.
            Q(started_at__lte=position.started_at)
            & (Q(started_at__lt=position.started_at) | Q(started_at=position.started_at, id__lt=position.record_id))
        )

    def newer_than(self, position: Position) -> SendingRecordQuerySet:
        """Keep what comes before a position when the newest is first."""
        return self.filter(
            Q(started_at__gte=position.started_at)
            & (Q(started_at__gt=position.started_at) | Q(started_at=position.started_at, id__gt=position.record_id))
        )

    def count_up_to(self, limit: int) -> int:
        """Count, but stop at `limit`: the list must not read the whole table to show a number."""
        return self.order_by().values("pk")[:limit].count()

    def list_known(self, field: Known) -> list[str]:
        """List the values of a field that occur in any record, at most MAX_KNOWN_VALUES, in order.

        See `known_values`.
        """
        with connections[self.db].cursor() as cursor:
            cursor.execute(known_values(field))
            return [value for (value,) in cursor.fetchall()]
