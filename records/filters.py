"""What the record list is narrowed to, how an address says it, and the date ranges that are one click away."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.db import models
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records.enums import Outcome, Phase, ResultClass
from records.wall_clock import find_moment, read_clock

NEEDED_FOR_SUBJECTS = "records.view_content"
"""The permission to read subjects, and to search for them: whoever can search for one can find it out."""
NO_CAUSE = "none"
"""What stands in the place of a cause's key for tries that went wrong without one."""


class DayRange(models.TextChoices):
    """Days that end today, whatever day today is: what an address or a saved view says stays true tomorrow."""

    TODAY = "today", _("Today")
    """Since midnight."""
    WEEK = "7d", _("7 days")
    """Today and the six days before."""
    MONTH = "30d", _("30 days")
    """Today and the 29 days before."""

    def days(self) -> tuple[date, date]:
        """Return the first and the last day, in the active time zone."""
        today = timezone.localdate()
        return today - timedelta(days=_LENGTHS[self.value] - 1), today


_LENGTHS = {"today": 1, "7d": 7, "30d": 30}


@dataclass(frozen=True, slots=True)
class RecordFilters:
    """One set of filters; what is empty does not narrow. Days and times are those of the active time zone."""

    sender: str = ""
    receiver: str = ""
    """Part of the address, in whatever case."""
    template: str = ""
    since: date | None = None
    """First day."""
    until: date | None = None
    """Last day, included."""
    since_time: time | None = None
    """Of the first day: what began before is left out. None: the whole day counts."""
    until_time: time | None = None
    """Of the last day: what began from then on is left out. None: the whole day counts."""
    result: ResultClass | None = None
    mail_id: int | None = None
    outcome: Outcome | None = None
    cause: str = ""
    """Key of an entry of the error book, or `NO_CAUSE`."""
    phase: Phase | None = None
    """The step in which the try ended."""
    requester: str = ""
    """Who asked for the mail: an IP address, or a user name in whatever case."""
    subject: str = ""
    """Part of the mail's subject, in whatever case."""
    message_id: str = ""
    """The whole Message-ID, angle brackets included."""
    range: DayRange | None = None
    """Where the days are relative: which. `since` and `until` hold what it means today."""

    @property
    def is_active(self) -> bool:
        """Tell whether anything is filtered at all."""
        return self != RecordFilters()

    @property
    def starts_at(self) -> datetime | None:
        """The moment from which on records are kept."""
        return find_moment(self.since, self.since_time or time.min) if self.since else None

    @property
    def ends_at(self) -> datetime | None:
        """The moment before which records are kept."""
        if self.until and self.until_time:
            return find_moment(self.until, self.until_time, is_end=True)
        # As the next day begins, so that no moment is of both days, and none of neither.
        return find_moment(self.until + timedelta(days=1), time.min) if self.until else None

    @property
    def requester_is_address(self) -> bool:
        """Tell whether the requester is an IP address, and no user name."""
        try:
            validate_ipv46_address(self.requester)
        except ValidationError:
            return False
        return True

    @property
    def possible_outcomes(self) -> set[Outcome]:
        """The outcomes that tries may have which they keep, as far as result, outcome and cause tell."""
        possible = set(Outcome)
        if self.result:
            possible &= set(self.result.outcomes)
        if self.outcome:
            possible &= {self.outcome}
        if self.cause:
            # What went well needs no explanation.
            possible -= {Outcome.ACCEPTED}
        return possible

    @property
    def may_keep_success(self) -> bool:
        """Tell whether a try that went well may be among what they keep: such a try ends with the content."""
        return Outcome.ACCEPTED in self.possible_outcomes and self.phase in {None, Phase.DATA}

    def with_fixed_days(self) -> "RecordFilters":
        """Return the same, but with the days that are meant today: those days they go on meaning."""
        return replace(self, range=None)

    def between(self, starts_at: datetime | None, ends_at: datetime | None) -> "RecordFilters":
        """Return the same, but for the time from one moment to another, as clocks of the active time zone show them.

        Where clocks show an hour twice it may begin earlier or end later, by that hour at most.
        """
        since, since_time = read_clock(starts_at) if starts_at else (None, None)
        until, until_time = read_clock(ends_at) if ends_at else (None, None)
        if until and until_time == time.min:
            until, until_time = until - timedelta(days=1), None
        if since_time == time.min:
            since_time = None
        return replace(self, since=since, since_time=since_time, until=until, until_time=until_time, range=None)

    def as_parameters(self) -> dict[str, str]:
        """Return the parameters of an address that leads to what these filters keep; relative days stay relative."""
        since, until = _write_moment(self.since, self.since_time), _write_moment(self.until, self.until_time)
        days = {"range": self.range} if self.range else {"since": since, "until": until}
        values = {
            "receiver": self.receiver,
            "sender": self.sender,
            "template": self.template,
            **days,
            "result": self.result,
            "outcome": self.outcome,
            "cause": self.cause,
            "phase": self.phase,
            "requester": self.requester,
            "subject": self.subject,
            "message_id": self.message_id,
            "mail": self.mail_id,
        }
        return {name: str(value) for name, value in values.items() if value}

    def as_query(self) -> str:
        """Return what follows the question mark in such an address."""
        return urlencode(self.as_parameters())


def _write_moment(day: date | None, moment: time | None) -> str:
    if not day:
        return ""
    return f"{day}T{moment:%H:%M:%S}".removesuffix(":00") if moment else str(day)


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A date range that is one click away."""

    range: DayRange
    is_current: bool

    @property
    def label(self) -> str | Promise:
        """Its words on the page."""
        return self.range.label


def list_shortcuts(filters: RecordFilters) -> list[Shortcut]:
    """List today, the last 7 and the last 30 days, marking the one that is chosen."""
    days = None if filters.since_time or filters.until_time else (filters.since, filters.until)
    return [Shortcut(each, is_current=filters.range is each or days == each.days()) for each in DayRange]
