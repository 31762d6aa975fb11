"""When a mail is tried again."""

import random
import re
from collections.abc import Iterable
from datetime import timedelta

from delivery.engine.limits import get_limits

LONGEST_HINT = timedelta(hours=4)
"""A server that asks for more patience than this is asked again earlier."""
LEAST_DELAY = 3.0
"""Seconds that the shortest wait takes: a server that said "later" is not asked again in the same breath."""

_HINT = re.compile(
    r"\b(?:again|retry|retried|wait|after|in|for)\b[^0-9]{0,20}(?P<number>[0-9]{1,5})\s{0,3}"
    r"(?P<unit>seconds?|secs?|s|minutes?|mins?|m|hours?|h)\b",
    re.IGNORECASE,
)
_UNITS = {"s": 1, "m": 60, "h": 3600}
_random = random.SystemRandom()


def next_delay(attempts: int, reply_texts: Iterable[str] = ()) -> timedelta:
    """Choose how long to wait after the given number of counted tries.

    Full jitter: anything between (nearly) nothing and the doubled base, so that mails that failed together do not
    come back together. A server's hint ("try again in 300 seconds") is the least.
    """
    limits = get_limits()
    ceiling = min(limits.retry_cap, limits.retry_base * 2.0 ** min(max(attempts - 1, 0), 30))
    backoff = timedelta(seconds=max(_random.uniform(0, ceiling), min(LEAST_DELAY, ceiling)))
    hint = max((read_hint(text) for text in reply_texts), default=timedelta())
    return max(backoff, hint + backoff * 0.1) if hint else backoff


def read_hint(text: str) -> timedelta:
    """Read the time to wait out of a reply's text; zero where it names none."""
    found = _HINT.search(text[:1000])
    if not found:
        return timedelta()
    seconds = int(found["number"]) * _UNITS[found["unit"][0].lower()]
    return min(timedelta(seconds=seconds), LONGEST_HINT)
