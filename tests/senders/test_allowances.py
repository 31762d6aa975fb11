"""What an account used of its limits and until when it waits: windows of the clock, days of the system's time zone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from senders.allowances import Window, state_of
from senders.limits import HOLDS
from senders.models import Allowance, Sender
from senders.presets import SenderLimits

NOW = datetime(2026, 3, 10, 14, 25, 40, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _shanghai(settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"


def account(used: dict[str, Any] | None = None, **limits: Any) -> Sender:
    sender = Sender(address="reports@example.com", display_name="Reports", host="smtp.example.com", **limits)
    if used is not None:
        sender.pk = 1
        sender.allowance = Allowance(sender=sender, **used)
    return sender


def used_today(count: int) -> dict[str, Any]:
    return {"day_began": Window.DAY.begin(NOW), "day_used": count}


def test_a_minute_and_an_hour_are_those_of_the_clock() -> None:
    assert (Window.MINUTE.begin(NOW), Window.MINUTE.end(NOW)) == (
        datetime(2026, 3, 10, 14, 25, tzinfo=UTC),
        datetime(2026, 3, 10, 14, 26, tzinfo=UTC),
    )
    assert (Window.HOUR.begin(NOW), Window.HOUR.end(NOW)) == (
        datetime(2026, 3, 10, 14, tzinfo=UTC),
        datetime(2026, 3, 10, 15, tzinfo=UTC),
    )


def test_a_day_begins_at_midnight_in_the_systems_time_zone() -> None:
    assert (Window.DAY.begin(NOW), Window.DAY.end(NOW)) == (
        datetime(2026, 3, 9, 16, tzinfo=UTC),
        datetime(2026, 3, 10, 16, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("now", "hours"),
    [(datetime(2026, 3, 29, 12, tzinfo=UTC), 23), (datetime(2026, 10, 25, 12, tzinfo=UTC), 25)],
    ids=["clocks forward", "clocks back"],
)
def test_a_day_ends_at_midnight_when_the_clocks_change(settings: Settings, now: datetime, hours: int) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    assert Window.DAY.end(now).astimezone(UTC) - Window.DAY.begin(now).astimezone(UTC) == timedelta(hours=hours)


def test_an_account_without_limits_never_waits_and_shows_no_use() -> None:
    state = state_of(account(), NOW)
    assert (state.limits, state.uses, state.exhausted_until, state.hint) == (SenderLimits(), (), None, "")


def test_a_quota_that_nothing_was_sent_of_is_all_left() -> None:
    day = state_of(account(per_day=500), NOW).day
    assert day is not None
    assert (day.used, day.left, day.is_near_end) == (0, 500, False)


def test_what_was_used_today_is_shown_as_used_and_left() -> None:
    day = state_of(account(used_today(460), per_day=500), NOW).day
    assert day is not None
    assert (day.used, day.left, day.is_near_end) == (460, 40, True)


def test_what_was_used_yesterday_does_not_count_today() -> None:
    day = state_of(account(used_today(500), per_day=500), NOW + timedelta(days=1)).day
    assert day is not None
    assert day.left == 500


def test_a_bar_is_never_more_than_full() -> None:
    day = state_of(account(used_today(520), per_day=500), NOW).day
    assert day is not None
    assert (day.used, day.shown_used, day.left) == (520, 500, 0)


def test_an_account_whose_quota_is_used_up_waits_for_the_next_day() -> None:
    state = state_of(account(used_today(500), per_day=500), NOW)
    assert state.exhausted_until == Window.DAY.end(NOW)
    assert state.is_out_for_the_day(NOW)


def test_an_account_waits_for_the_longest_of_its_full_windows() -> None:
    used = {
        "minute_began": Window.MINUTE.begin(NOW), "minute_used": 30,
        "hour_began": Window.HOUR.begin(NOW), "hour_used": 100,
    }  # fmt: skip
    state = state_of(account(used, per_minute=30, per_hour=100, per_day=500), NOW)
    assert state.exhausted_until == Window.HOUR.end(NOW)
    assert not state.is_out_for_the_day(NOW)


def test_an_account_that_was_asked_to_slow_down_waits_that_long_and_says_why() -> None:
    until = NOW + timedelta(minutes=5)
    state = state_of(account({"slow_until": until, "hint": "450 4.7.1 try later"}), NOW)
    assert (state.exhausted_until, state.hint) == (until, "450 4.7.1 try later")
    over = state_of(account({"slow_until": until, "hint": "450 4.7.1 try later"}), until)
    assert (over.exhausted_until, over.slow_until, over.hint) == (None, None, "")


def test_a_server_that_said_nothing_more_today_ends_the_day_without_a_known_quota() -> None:
    state = state_of(account({"slow_until": Window.DAY.end(NOW)}), NOW)
    assert state.is_out_for_the_day(NOW)


def test_what_was_learned_is_told_while_it_is_in_force() -> None:
    used = {"learned_per_minute": 5, "learned_until": NOW + HOLDS, "hint": "421 4.7.28 slow down"}
    state = state_of(account(used), NOW)
    assert (state.learned, state.hint) == (SenderLimits(per_minute=5), "421 4.7.28 slow down")
    assert state.limits.per_minute == 5
