"""Proof that a call is ours and of now: HMAC-SHA256 over the time and the body.

The receiver computes the same over the header `Mailbox-Timestamp`, a full stop and the raw body, compares it with
`Mailbox-Signature` in constant time, and refuses times that are more than five minutes away.
"""

import hashlib
import hmac

TIMESTAMP_HEADER = "Mailbox-Timestamp"
SIGNATURE_HEADER = "Mailbox-Signature"
MIN_SECRET_LENGTH = 16


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Sign a body.

    Args:
        secret: MAILBOX_ALARM_WEBHOOK_SECRET.
        timestamp: Seconds since 1970, UTC; of each try its own.
        body: The bytes that are sent.
    """
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"
