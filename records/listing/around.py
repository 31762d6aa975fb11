"""What stands around the records of a list, asked for along with them: choices, views, what waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from records.listing.choices import CHOICES
from records.listing.saved_views import asking_for_views
from records.waiting import asking_for_waiting, read_waiting

if TYPE_CHECKING:
    from datetime import datetime

    from records.statements import Question, Rows
    from records.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around the records."""

    views: Rows
    """That the person saved."""
    waiting: Waiting | None
    now: datetime
    """By the database's clock, when the records were found."""
    choices: Rows
    """Of the filters; empty where their form is not shown."""


def asking_for_around(user_id: int, *, has_form: bool) -> list[Question]:
    """Ask what stands around the records that somebody looks at. `has_form`: with the form of the filters."""
    return [asking_for_views(user_id), asking_for_waiting(), *([CHOICES] if has_form else [])]


def read_around(answers: list[Rows]) -> Around:
    """Read what was asked by `asking_for_around`."""
    views, waits, *choices = answers
    return Around(views, *read_waiting(waits), choices[0] if choices else [])
