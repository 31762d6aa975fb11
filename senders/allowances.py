"""What an account used of its limits, and until when it waits; read here, written by claiming.

Windows are fixed, on the database clock: a minute and an hour are those of UTC, a day begins at midnight in the
system's time zone.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from django.utils import timezone

from senders.limits import find_allowance, learned_limits, limits_of
from senders.models import Allowance, Sender
from senders.presets import SenderLimits


class Window(StrEnum):
    """A span of time in which the number of mails is limited."""

    MINUTE = "minute"
    """A minute of UTC."""
    HOUR = "hour"
    """An hour of UTC."""
    DAY = "day"
    """From midnight to midnight in the system's time zone."""

    def begin(self, now: datetime) -> datetime:
        """Tell when the window that holds a moment began."""
        match self:
            case Window.MINUTE:
                return now.astimezone(UTC).replace(second=0, microsecond=0)
            case Window.HOUR:
                return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            case Window.DAY:
                return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)

    def end(self, now: datetime) -> datetime:
        """Tell when the window that holds a moment ends and the next one begins."""
        if self is Window.DAY:
            # Into the next day however the clocks change, and then back to its midnight.
            return self.begin(self.begin(now).replace(hour=12) + timedelta(days=1))
        return self.begin(now) + {Window.MINUTE: timedelta(minutes=1), Window.HOUR: timedelta(hours=1)}[self]

    def limit(self, limits: SenderLimits) -> int | None:
        """Read this window's limit."""
        return {Window.MINUTE: limits.per_minute, Window.HOUR: limits.per_hour, Window.DAY: limits.per_day}[self]


@dataclass(frozen=True, slots=True)
class WindowUse:
    """How much of one limit is used."""

    window: Window
    used: int
    limit: int
    ends_at: datetime

    @property
    def left(self) -> int:
        """How many more mails may go out before the window ends."""
        return max(self.limit - self.used, 0)

    @property
    def shown_used(self) -> int:
        """How far a bar is filled: a mail to many receivers may use more than there is."""
        return min(self.used, self.limit)

    @property
    def is_near_end(self) -> bool:
        """Tell whether nine tenths are used."""
        return self.used * 10 >= self.limit * 9


@dataclass(frozen=True, slots=True)
class AllowanceState:
    """What an account may send now, what it used, and what its server taught us."""

    limits: SenderLimits
    """The limits in force, learned ones included."""
    uses: tuple[WindowUse, ...]
    """One per window that is limited, the shortest first."""
    slow_until: datetime | None
    """The server asked to wait until then; None where it did not, or that is over."""
    learned: SenderLimits
    """What is in force because the server complained."""
    learned_until: datetime | None
    hint: str
    """The reply that the above was learned from; empty where nothing of it is in force."""

    @property
    def exhausted_until(self) -> datetime | None:
        """Tell when mail flows again; None where it flows now."""
        ends = [use.ends_at for use in self.uses if not use.left]
        return max([*ends, *([self.slow_until] if self.slow_until else [])], default=None)

    @property
    def day(self) -> WindowUse | None:
        """The day's quota, where there is one."""
        return next((use for use in self.uses if use.window is Window.DAY), None)

    def is_out_for_the_day(self, now: datetime) -> bool:
        """Tell whether nothing more goes out today: the quota is used up, or the server said so."""
        until = self.exhausted_until
        return until is not None and until >= Window.DAY.end(now)


def state_of(sender: Sender, now: datetime | None = None) -> AllowanceState:
    """Tell how an account stands with its limits.

    Args:
        sender: Best loaded with its `allowance`, which else costs a query.
        now: The database's time; None: this machine's.
    """
    moment = now or timezone.now()
    allowance, limits = find_allowance(sender), limits_of(sender, moment)
    learned = learned_limits(allowance, moment)
    slow_until = allowance.slow_until if allowance else None
    is_slow = slow_until is not None and slow_until > moment
    return AllowanceState(
        limits=limits,
        uses=tuple(_uses(allowance, limits, moment)),
        slow_until=slow_until if is_slow else None,
        learned=learned,
        learned_until=allowance.learned_until if allowance and learned.is_limited else None,
        hint=allowance.hint if allowance and (is_slow or learned.is_limited) else "",
    )


def used_in(window: Window, allowance: Allowance | None, now: datetime) -> int:
    """Tell how many mails were claimed since the window began."""
    if allowance is None:
        return 0
    began, used = {
        Window.MINUTE: (allowance.minute_began, allowance.minute_used),
        Window.HOUR: (allowance.hour_began, allowance.hour_used),
        Window.DAY: (allowance.day_began, allowance.day_used),
    }[window]
    return used if began == window.begin(now) else 0


def _uses(allowance: Allowance | None, limits: SenderLimits, now: datetime) -> list[WindowUse]:
    return [
        WindowUse(window, used_in(window, allowance, now), limit, window.end(now))
        for window in Window
        if (limit := window.limit(limits)) is not None
    ]
