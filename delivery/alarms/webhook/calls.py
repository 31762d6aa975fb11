"""The rows that are webhook calls: noted with the alarm, claimed, tried, tried again, given up after a day."""

import json
import logging
import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from delivery.alarms.webhook.posting import TOTAL_SECONDS, Answer, post
from delivery.alarms.webhook.target import Target, is_configured
from delivery.alarms.wording import tell
from records.alarms.enums import CallEvent, CallState
from records.alarms.models import Alarm, WebhookCall
from records.clock import database_now

logger = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(days=1)
LEASE = timedelta(seconds=TOTAL_SECONDS * 3)
"""How long a call belongs to who tries it; a worker that dies in the midst of it leaves it to another one after."""
_FIRST_DELAY = 10.0
_LONGEST_DELAY = 3600.0
_random = random.SystemRandom()


def note_call(alarm: Alarm | None, event: CallEvent, now: datetime) -> WebhookCall | None:
    """Write down that the webhook is to be called, if there is one; in the transaction of what it tells of."""
    if not is_configured():
        return None
    call = WebhookCall(id=uuid.uuid4(), alarm=alarm, event=event, created_at=now, due_at=now)
    call.body = json.dumps(_contents(call, alarm), ensure_ascii=False)
    call.save(force_insert=True)
    return call


def _contents(call: WebhookCall, alarm: Alarm | None) -> dict[str, Any]:
    with translation.override(settings.LANGUAGE_CODE):
        head = {"id": str(call.id), "event": call.event, "created_at": _write(call.created_at)}
        return head | (_contents_of_alarm(alarm) if alarm else _contents_of_test())


def _contents_of_alarm(alarm: Alarm) -> dict[str, Any]:
    words = tell(alarm)
    return {
        "alarm": alarm.pk,
        "kind": alarm.kind,
        "severity": alarm.severity.value,
        "sender": alarm.sender_address or None,
        "sentence": words.headline if alarm.is_open else _("This is over: %(sentence)s") % {"sentence": words.headline},
        "advice": words.advice if alarm.is_open else "",
        "facts": {
            "since": _write(alarm.began_at),
            "amount": alarm.amount,
            "bound": alarm.bound,
            "cause": alarm.cause or None,
            "reply": alarm.reply or None,
        },
        "raised_at": _write(alarm.raised_at),
        "cleared_at": _write(alarm.cleared_at),
        "url": _address(f"#alarm-{alarm.pk}"),
    }


def _contents_of_test() -> dict[str, Any]:
    return {"sentence": _("This is a test call. Nothing is wrong."), "url": _address("")}


def _write(moment: datetime | None) -> str | None:
    return timezone.localtime(moment).isoformat(timespec="seconds") if moment else None


def _address(fragment: str) -> str:
    return settings.MAILBOX_URL.rstrip("/") + reverse("delivery:alarms") + fragment


def due_calls(now: datetime) -> QuerySet[WebhookCall]:
    """Find the calls to be tried now, the oldest first; of one alarm never the second before the first."""
    waiting = WebhookCall.objects.filter(state=CallState.WAITING)
    earlier = waiting.filter(alarm=OuterRef("alarm"), created_at__lt=OuterRef("created_at"))
    return waiting.filter(~Exists(earlier), due_at__lte=now).order_by("created_at", "pk")


def make_due_calls(target: Target, *, at_most: int) -> int:
    """Try the calls that are due, one after the other; returns how many were tried."""
    tried: set[uuid.UUID] = set()
    while len(tried) < at_most:
        call = due_calls(database_now()).exclude(pk__in=tried).first()
        if call is None:
            break
        tried.add(call.pk)
        try_call(call, target)
    return len(tried)


def try_call(call: WebhookCall, target: Target) -> Answer | None:
    """Try a call once; None if another worker is at it."""
    now = database_now()
    unclaimed = WebhookCall.objects.filter(pk=call.pk, state=CallState.WAITING, attempts=call.attempts, due_at__lte=now)
    if not unclaimed.update(due_at=now + LEASE, attempts=call.attempts + 1):
        return None
    call.attempts += 1
    answer = post(target, call.body.encode())
    _settle(call, answer, database_now())
    return answer


def _settle(call: WebhookCall, answer: Answer, now: datetime) -> None:
    """Write down what came of a try, unless somebody else took the call over meanwhile and knows better."""
    values: dict[str, Any] = {"status": answer.status, "fault": answer.fault or ""}
    if answer.is_delivered:
        values |= {"state": CallState.DELIVERED, "ended_at": now}
    elif now - call.created_at >= GIVE_UP_AFTER or call.event == CallEvent.TEST:
        values |= {"state": CallState.GIVEN_UP, "ended_at": now}
    else:
        values |= {"due_at": now + next_delay(call.attempts)}
    WebhookCall.objects.filter(pk=call.pk, state=CallState.WAITING, attempts=call.attempts).update(**values)
    extra = {"call_id": str(call.pk), "event": call.event, "attempts": call.attempts, "status": answer.status}
    if answer.is_delivered:
        logger.info("a webhook call was delivered", extra=extra)
    else:
        logger.warning("a webhook call failed", extra=extra | {"fault": answer.fault})


def next_delay(attempts: int) -> timedelta:
    """Choose how long to wait after so many tries: doubled each time up to a cap, and a little apart from others."""
    seconds = min(_FIRST_DELAY * 2.0 ** min(attempts - 1, 20), _LONGEST_DELAY)
    return timedelta(seconds=seconds * _random.uniform(0.8, 1.2))
