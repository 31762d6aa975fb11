"""Message-IDs that tell when they were made, so that a mail is found by its own without an index for them.

The left part is 32 hexadecimal digits, of which the first twelve are the milliseconds since 1970 and the others random:
the order of a version 7 UUID (RFC 9562 §5.7), without its marks. It tells no more than the Date field does.
"""

import re
import secrets
import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OURS = re.compile(r"<?([0-9a-f]{12})[0-9a-f]{20}@.+", re.ASCII)
_LAST = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


def make_message_id(domain: str) -> str:
    """Make a new Message-ID (RFC 5322 §3.6.4), in angle brackets."""
    milliseconds = int(time.time() * 1000)
    return f"<{milliseconds:012x}{secrets.token_hex(10)}@{domain}>"


def find_time_made(message_id: str) -> datetime | None:
    """Tell when a Message-ID was made, by the clock of whoever made it; None where it is not one of ours."""
    match = _OURS.fullmatch(message_id)
    milliseconds = int(match[1], 16) if match else _LAST
    return _EPOCH + timedelta(milliseconds=milliseconds) if milliseconds < _LAST else None
