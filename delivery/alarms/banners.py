"""What every page says at its top while something is wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from delivery.alarms.wording import Way, Words, tell
from records.alarms.enums import AlarmKind, Severity
from records.alarms.models import Alarm
from records.clock import database_now
from records.models import Heartbeat
from records.waiting import SILENCE

VIEW_PERMISSION = "records.view_alarm"
MAX_SHOWN = 2
"""More are named by their number: a page must stay a page."""
MISSED_SWEEPS = 4
"""After so many that nobody made, no worker is at work."""
_HAS_ITS_OWN = {AlarmKind.NOT_CONFIGURED}
"""Told by the banner of the mail configuration already."""


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """One alarm as a person may see it."""

    alarm: Alarm
    words: Words
    way: Way | None
    """Where to do something about it, if the person may."""

    @property
    def is_critical(self) -> bool:
        """Tell whether mail does not go out."""
        return self.alarm.severity is Severity.CRITICAL


@dataclass(frozen=True, slots=True)
class Banners:
    """What the pages say."""

    alarms: tuple[OpenAlarm, ...] = ()
    more: int = 0
    """Further open alarms, on their own page."""
    worker_silent_since: datetime | None = None
    """When a worker was last seen, if that is too long ago. No worker is left to raise an alarm of it."""


def find_banners(request: HttpRequest) -> Banners:
    """Find what to say to who asks for a page; nothing to who may not see alarms."""
    person: User | AnonymousUser | None = getattr(request, "user", None)
    match = request.resolver_match
    if person is None or not person.has_perm(VIEW_PERMISSION):
        return Banners()
    if match and match.view_name == "delivery:alarms":
        return Banners(worker_silent_since=find_silence())
    shown = [one for one in list_open(person) if one.alarm.kind not in _HAS_ITS_OWN]
    return Banners(tuple(shown[:MAX_SHOWN]), len(shown[MAX_SHOWN:]), find_silence())


def list_open(person: User | AnonymousUser) -> list[OpenAlarm]:
    """List the open alarms: the critical ones first, then by age."""
    alarms = sorted(Alarm.objects.open(), key=lambda alarm: (alarm.severity != Severity.CRITICAL, alarm.raised_at))
    return [show(alarm, person) for alarm in alarms]


def show(alarm: Alarm, person: User | AnonymousUser) -> OpenAlarm:
    """Put an alarm into words for a person."""
    words = tell(alarm)
    way = words.way if words.way and person.has_perm(words.way.permission) else None
    return OpenAlarm(alarm, words, way)


def find_silence() -> datetime | None:
    """Tell since when no worker was seen, if one ever was and that is too long ago."""
    seen_at = Heartbeat.objects.filter(name="worker").values_list("seen_at", flat=True).first()
    return seen_at if seen_at and seen_at < database_now() - silence_limit() else None


def silence_limit() -> timedelta:
    """Tell after what time without being seen a worker counts as gone."""
    # Workers are seen when they sweep, which the operator may have made rarer.
    return max(SILENCE, timedelta(seconds=settings.SWEEP_SECONDS * MISSED_SWEEPS))
