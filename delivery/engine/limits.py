"""The engine's limits, read from the settings each time so that a test may change them."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.conf import settings

DOT_TIMEOUT = 600.0
"""How long the reply to the final dot is awaited, seconds (RFC 5321 §4.5.3.2.6)."""


class UnknownPolicy(StrEnum):
    """What follows a try that ended without a reply after the point of no return."""

    RETRY = "retry"
    """Try again: the mail may arrive twice, and the record says so."""
    HOLD = "hold"
    """Leave it to a person: the mail may not have arrived, and its state says so."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds where nothing else is said."""

    group_size: int
    """Mails that may be past the point of no return over one connection, at most."""
    claim_lease: float
    """How long a claim holds before the content is sent; renewed while its worker lives."""
    lease_margin: float
    """What a lease outlives the longest wait for the final reply by."""
    mail_deadline: float
    """Limit of one mail's whole dialogue; a half of it is kept for the reply to the final dot."""
    drain_time: float
    """How long one task may work for one sender before others get their turn."""
    idle_time: float
    """How long an open connection is kept without work."""
    retry_base: float
    retry_cap: float
    probe_base: float
    probe_cap: float
    unknown_policy: UnknownPolicy
    max_receivers: int
    max_size: int
    """Bytes of a composed mail."""
    max_subject_length: int
    give_up_after: timedelta
    """How long a mail is tried for where its caller says nothing."""


def get_limits() -> Limits:
    """Read the limits that hold now.

    Raises:
        ValueError: The unknown policy is neither `retry` nor `hold`.
    """
    return Limits(
        group_size=settings.MAILBOX_GROUP_SIZE,
        claim_lease=settings.MAILBOX_CLAIM_LEASE,
        lease_margin=settings.MAILBOX_LEASE_MARGIN,
        mail_deadline=settings.MAILBOX_MAIL_DEADLINE,
        drain_time=settings.MAILBOX_DRAIN_SECONDS,
        idle_time=settings.MAILBOX_IDLE_SECONDS,
        retry_base=settings.MAILBOX_RETRY_BASE,
        retry_cap=settings.MAILBOX_RETRY_CAP,
        probe_base=settings.MAILBOX_PROBE_BASE,
        probe_cap=settings.MAILBOX_PROBE_CAP,
        unknown_policy=UnknownPolicy(settings.MAILBOX_UNKNOWN_POLICY),
        max_receivers=settings.MAILBOX_MAX_RECEIVERS,
        max_size=settings.MAILBOX_MAX_SIZE,
        max_subject_length=settings.MAILBOX_MAX_SUBJECT_LENGTH,
        give_up_after=timedelta(hours=settings.MAILBOX_GIVE_UP_HOURS),
    )
