"""When a mail is tried again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from delivery.engine.circuit import probe_interval
from delivery.engine.retry import LONGEST_HINT, next_delay, read_hint


@given(st.integers(min_value=0, max_value=1000))
def test_the_delay_lies_between_three_seconds_and_the_doubled_base(attempts: int) -> None:
    ceiling = min(1800.0, 30.0 * 2.0 ** min(max(attempts - 1, 0), 30))
    assert timedelta(seconds=3) <= next_delay(attempts) <= timedelta(seconds=ceiling)


def test_delays_are_spread_over_the_whole_range(settings: Settings) -> None:
    delays = sorted(next_delay(3) for _ in range(400))
    assert delays[40] < timedelta(seconds=60)
    assert delays[-40] > timedelta(seconds=60)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Greylisted, please try again in 300 seconds", 300),
        ("4.7.1 Try again after 5 minutes", 300),
        ("Too many mails, retry in 1 hour", 3600),
        ("please retry in 90s", 90),
        ("wait 10 min and try again", 600),
        ("come back in 9 hours", LONGEST_HINT.total_seconds()),
        ("try again in 99999 hours", LONGEST_HINT.total_seconds()),
        ("try again later", 0),
        ("Mailbox busy", 0),
        ("550 5.1.1 no such user 300 seconds", 0),
        ("", 0),
    ],
)
def test_a_hint_is_read_out_of_the_reply(text: str, seconds: float) -> None:
    assert read_hint(text) == timedelta(seconds=seconds)


def test_a_hint_is_the_least_delay() -> None:
    assert next_delay(1, ["Busy", "try again in 300 seconds"]) >= timedelta(seconds=300)
    assert next_delay(1, ["try again in 300 seconds"]) <= timedelta(seconds=303)


@given(st.text(max_size=3000))
def test_no_reply_makes_the_hint_raise_or_exceed_its_limit(text: str) -> None:
    assert timedelta() <= read_hint(text) <= LONGEST_HINT


@given(st.integers(min_value=1, max_value=10_000))
def test_probes_are_never_further_apart_than_the_cap(failures: int) -> None:
    assert timedelta(seconds=12) <= probe_interval(failures) <= timedelta(seconds=360)
