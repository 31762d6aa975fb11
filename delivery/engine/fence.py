"""T2: the point of no return. Whoever does not pass here may not send the final dot."""

from collections.abc import Sequence
from enum import StrEnum

from django.db import transaction

from delivery.engine.claim import claims_as_table
from delivery.engine.given import clock, fetch_ids
from delivery.engine.values import Claim


class Refusal(StrEnum):
    """Why a final dot may not be sent."""

    NOT_MINE = "not_mine"
    """The lease is over, another claim lives, or the mail was cancelled."""
    TOO_LATE = "too_late"
    """Too little of the deadline is left to wait for the server's reply, so it would end as unknown."""
    DATABASE = "database"
    """The database did not answer: what can't be recorded isn't sent."""
    STOPPING = "stopping"
    """The worker was told to stop: the claim goes back."""


def pass_fence(claim: Claim) -> bool:
    """Move a claim past the point of no return (T2); false if it is not this worker's any more.

    Raises:
        DatabaseError: Nothing is known to be recorded; the dot must not be sent.
    """
    return claim.mail_id in pass_fences([claim])


def pass_fences(claims: Sequence[Claim]) -> frozenset[int]:
    """Move a group of claims past the point of no return (T2), in one transaction; returns the mails that passed.

    Those that did not are not this worker's any more: no dot may be sent for them. The leases stay as they are: the
    lease keeper prolongs them, and whoever sends a dot much later asks whether they still hold.

    Raises:
        DatabaseError: Nothing is known to be recorded; no dot may be sent.
    """
    if not claims:
        return frozenset()
    given = claims_as_table(claims)
    # Only a column without an index changes: PostgreSQL then writes nothing but the row (HOT).
    with transaction.atomic(durable=True):
        passed = fetch_ids(
            f"""
            UPDATE records_mail SET committed_epoch = given.epoch
            FROM {given.table}
            WHERE records_mail.id = given.id AND records_mail.epoch = given.epoch AND state = 'sending'
                AND lease_until > {clock()} AND NOT cancel_requested
            RETURNING records_mail.id
            """,  # noqa: S608  # names of our own, no value from outside
            given.parameters,
        )
    return frozenset(passed)
