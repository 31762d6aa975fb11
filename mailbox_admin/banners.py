"""What every page may have to tell at its top. One statement sees whether there is anything; mostly there is not.

Asked room by room, these questions took a third of the time of a page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from django.db import connection
from django.utils.functional import SimpleLazyObject

from delivery.alarms.banners import Banners, find_banners, silence_limit
from delivery.control.banners import Pauses, find_pauses
from records.statements import Question, fetch_together
from senders.configuration import MailConfiguration, configuration_of
from senders.stand_ins import StandingIn, find_standing_in

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest

    from records.statements import Rows

_SEEN_BEFORE = {
    "postgresql": "seen_at < statement_timestamp() - make_interval(secs => %s)",
    "sqlite": "seen_at < strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', -%s || ' seconds')",
}
_KEPT = "glance_of_banners"
_GLANCE = """
    SELECT
        (SELECT id FROM senders_sender WHERE is_default),
        (SELECT secret FROM senders_sender WHERE is_default),
        EXISTS (SELECT 1 FROM senders_sender),
        EXISTS (SELECT 1 FROM senders_fallback),
        EXISTS (SELECT 1 FROM records_deliverypause)
            OR EXISTS (SELECT 1 FROM senders_sender WHERE paused_at IS NOT NULL),
        EXISTS (SELECT 1 FROM records_alarm WHERE cleared_at IS NULL)
            OR EXISTS (SELECT 1 FROM records_heartbeat WHERE name = 'worker' AND {seen_before})
"""


@dataclass(frozen=True, slots=True)
class Glance:
    """Whether a page has anything to tell, as one statement sees it."""

    default_id: int | None
    """The system default sender."""
    default_secret: str | None = field(repr=False)
    """Its encrypted password."""
    has_account: bool
    has_stand_ins: bool
    has_pauses: bool
    has_alarms: bool
    """Or no worker was seen lately."""


def asking_for_glance() -> Question:
    """Ask whether there is anything to tell."""
    seen_before = _SEEN_BEFORE[connection.vendor]
    return Question(_GLANCE.format(seen_before=seen_before), [silence_limit().total_seconds()])


def take_glance() -> Glance:
    """See whether there is anything to tell."""
    (rows,) = fetch_together(asking_for_glance())
    return _read(rows)


def keep_glance(person: User, found: Rows) -> None:
    """Keep with a person, who is read anew for each request, what `asking_for_glance` found."""
    setattr(person, _KEPT, found)


def _read(found: Rows) -> Glance:
    ((default_id, secret, *has),) = found
    return Glance(default_id, secret, *map(bool, has))


def banners(request: HttpRequest) -> dict[str, object]:
    """Give templates what banners tell of; each is looked up when a page first uses it."""

    @cache
    def glance() -> Glance:
        # What a request changes may be what there is to tell.
        person = getattr(request, "user", None) if request.method in {"GET", "HEAD"} else None
        kept = getattr(person, _KEPT, None)
        return _read(kept) if kept else take_glance()

    def configuration() -> MailConfiguration:
        seen = glance()
        return configuration_of(seen.default_id, seen.default_secret or "", has_account=seen.has_account)

    def standing_in() -> list[StandingIn]:
        return find_standing_in() if glance().has_stand_ins else []

    def pauses() -> Pauses:
        return find_pauses(request) if glance().has_pauses else Pauses()

    def alarms() -> Banners:
        return find_banners(request) if glance().has_alarms else Banners()

    return {
        "mail_configuration": SimpleLazyObject(configuration),
        "standing_in": SimpleLazyObject(standing_in),
        "pauses": SimpleLazyObject(pauses),
        "alarm_banners": SimpleLazyObject(alarms),
    }
