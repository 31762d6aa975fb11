"""How a person reads the list, as it was chosen or as it is usual."""

import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest

from records.listing.columns import Column, choose_columns, usual_columns
from records.listing.enums import Density
from records.listing.models import ListPreference


@dataclass(frozen=True, slots=True)
class Look:
    """How the list is shown to one person."""

    columns: list[Column]
    is_usual: bool
    """The columns are the manual's."""
    density: Density
    browser_time_zone: str
    """What the browser said; empty: nothing yet."""
    asks_browser: bool
    """No time zone was chosen by hand: that of the browser holds."""


def person_of(request: HttpRequest) -> User:
    """Return who is signed in, as somebody is for every page of the list."""
    assert request.user.is_authenticated
    return request.user


def person_id(request: HttpRequest) -> int:
    """Return the id of who is signed in."""
    return person_of(request).pk


def find_look(person: User) -> Look:
    """Find how a person reads the list. A column that was chosen and may not be seen any more is left out."""
    found = _find_kept(person) or ListPreference(user=person)
    columns = choose_columns(found.columns.split(",")) if found.columns else usual_columns()
    return Look(
        [column for column in columns if column.may_be_seen_by(person)],
        is_usual=not found.columns,
        density=Density(found.density),
        browser_time_zone=found.browser_time_zone,
        asks_browser=not found.time_zone,
    )


def find_time_zone(person: User) -> zoneinfo.ZoneInfo | None:
    """Find the time zone that a person chose, or else the browser named; None where neither did."""
    found = _find_kept(person)
    names = (found.time_zone, found.browser_time_zone) if found else ()
    return next((zone for name in names if (zone := _zone(name))), None)


def keep_look(user_id: int, *, columns: Iterable[str], density: Density, time_zone: str) -> None:
    """Keep how a person reads the list. `time_zone`: empty for the browser's."""
    keys = [column.key for column in choose_columns(columns)]
    usual = [column.key for column in usual_columns()]
    # What is usual is kept as such, so that it stays usual in a later version.
    _keep(user_id, columns="" if keys == usual else ",".join(keys), density=density, time_zone=time_zone)


def keep_browser_time_zone(user_id: int, name: str) -> bool:
    """Keep the time zone that a person's browser named, if there is one of that name; tell whether there is."""
    is_known = _zone(name) is not None
    if is_known:
        _keep(user_id, browser_time_zone=name)
    return is_known


def list_time_zones() -> list[str]:
    """List the names of the time zones that can be chosen, the system's among them."""
    return sorted({name for name in zoneinfo.available_timezones() if "/" in name} | {"UTC", settings.TIME_ZONE})


def _find_kept(person: User) -> ListPreference | None:
    # Asked for once a request: whose it is remembers it, also that there is none.
    return getattr(person, "list_preference", None)


def _keep(user_id: int, **values: Any) -> None:
    ListPreference.objects.update_or_create(pk=user_id, defaults=values)


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        # Whatever a browser may have said: no such zone, a path, or a folder.
        return None
