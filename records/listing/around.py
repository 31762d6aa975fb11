"""What stands around the records of a list, asked for at once: what there is to choose from, views, what waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from records.listing.choices import CHOICES
from records.listing.saved_views import asking_for_views
from records.statements import fetch_together
from records.waiting import asking_for_waiting, read_waiting

if TYPE_CHECKING:
    from datetime import datetime

    from records.statements import Rows
    from records.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around the records."""

    choices: Rows
    """Of the filters; empty where their form is not shown."""
    views: Rows
    """That the person saved."""
    waiting: Waiting | None
    now: datetime
    """By the database's clock, before the records were looked for."""


def find_around(user_id: int, *, has_form: bool) -> Around:
    """Find what stands around the records that somebody looks at. `has_form`: with the form of the filters."""
    choices = [CHOICES] if has_form else []
    views, waits, *chosen = fetch_together(asking_for_views(user_id), asking_for_waiting(), *choices)
    waiting, now = read_waiting(waits)
    return Around(chosen[0] if chosen else [], views, waiting, now)
