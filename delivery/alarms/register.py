"""Writing down what a check found: alarms are raised once, kept up to date, and cleared when all is well again.

Any number of workers may do it at once: a constraint lets one of them raise an alarm, a condition lets one clear it.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from delivery.alarms.troubles import Trouble
from delivery.alarms.webhook.calls import note_call
from records.alarms.enums import CallEvent, Severity
from records.alarms.models import Alarm

logger = logging.getLogger(__name__)

_FACTS = ("cause", "reply", "began_at", "amount", "bound")
_LEVELS = {Severity.CRITICAL: logging.ERROR, Severity.WARNING: logging.WARNING}


def register(troubles: Sequence[Trouble], now: datetime) -> None:
    """Make the open alarms tell what is wrong, and nothing else.

    Args:
        troubles: All that a check found.
        now: The database's time.
    """
    present = {trouble.key: trouble for trouble in troubles}
    open_alarms = {(alarm.kind, alarm.scope): alarm for alarm in Alarm.objects.open()}
    for key, trouble in present.items():
        if key in open_alarms:
            _keep(open_alarms[key], trouble)
        else:
            _raise(trouble, now)
    for key, alarm in open_alarms.items():
        if key not in present:
            _clear_if_settled(alarm, now)


def _raise(trouble: Trouble, now: datetime) -> None:
    sender = trouble.sender
    alarm = Alarm(
        kind=trouble.kind,
        scope=trouble.scope,
        sender=sender,
        sender_address=sender.address if sender else "",
        sender_name=sender.display_name if sender else "",
        raised_at=now,
        **_facts(trouble),
    )
    try:
        with transaction.atomic():
            alarm.save()
            note_call(alarm, CallEvent.RAISED, now)
    except IntegrityError:
        return  # another worker raised it a moment ago, or the account was deleted
    logger.log(_LEVELS[alarm.severity], "an alarm was raised", extra=_extra(alarm))


def _facts(trouble: Trouble) -> dict[str, str | int | datetime | None]:
    return {name: getattr(trouble, name) for name in _FACTS}


def _keep(alarm: Alarm, trouble: Trouble) -> None:
    """Say how it stands by now. It was bad again, if it had been good."""
    changed = {name: value for name, value in _facts(trouble).items() if getattr(alarm, name) != value}
    if changed or alarm.good_since:
        Alarm.objects.open().filter(pk=alarm.pk).update(**changed, good_since=None)


def _clear_if_settled(alarm: Alarm, now: datetime) -> None:
    """Clear the alarm if the check before found nothing wrong either: what comes and goes is one alarm, not ten."""
    still_open = Alarm.objects.open().filter(pk=alarm.pk)
    if alarm.good_since is None:
        still_open.update(good_since=now)
    if alarm.good_since is None or now - alarm.good_since < settle_time():
        return
    with transaction.atomic():
        if not still_open.update(cleared_at=now):
            return
        alarm.cleared_at = now
        note_call(alarm, CallEvent.CLEARED, now)
    logger.warning("an alarm was cleared", extra=_extra(alarm))


def settle_time() -> timedelta:
    """Tell how long nothing may be wrong before an alarm is cleared: until the next check, whoever makes it."""
    return timedelta(seconds=settings.SWEEP_SECONDS / 2)


def _extra(alarm: Alarm) -> dict[str, object]:
    return {
        "alarm_id": alarm.pk,
        "kind": alarm.kind,
        "severity": alarm.severity.value,
        "sender_id": alarm.scope or None,
        "cause": alarm.cause,
        "amount": alarm.amount,
    }
