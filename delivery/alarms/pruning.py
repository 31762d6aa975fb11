"""Forgetting alarms that were over long ago, with the calls that told of them."""

from datetime import timedelta

from records.alarms.enums import CallState
from records.alarms.models import Alarm, WebhookCall
from records.clock import database_now

KEEP_ALARMS_DAYS = 90
"""How long it can be seen that something was wrong."""


def prune_alarms() -> None:
    """Drop what ended too long ago to be of use."""
    long_ago = database_now() - timedelta(days=KEEP_ALARMS_DAYS)
    Alarm.objects.filter(cleared_at__lt=long_ago).delete()
    WebhookCall.objects.exclude(state=CallState.WAITING).filter(ended_at__lt=long_ago).delete()
