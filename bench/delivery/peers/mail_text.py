"""The mails that everybody sends: no two alike, with a plain body, about as many bytes as asked for once composed."""

HEADERS = 300
"""Bytes of the headers, about."""
LINE = "The nightly load of the orders table finished with warnings, see the log. "


def subject(number: int) -> str:
    """Return the subject of the n-th mail."""
    return f"Load {number} finished"


def receiver(number: int) -> str:
    """Return the receiver of the n-th mail."""
    return f"user{number}@example.org"


def body(number: int, size: int) -> str:
    """Return the body of the n-th mail, so long that the mail has about `size` bytes."""
    lines, rest = divmod(max(size - HEADERS, len(LINE)), len(LINE))
    first = f"Load {number}, started by hand.".ljust(rest)
    return "\n".join([first, *[LINE.rstrip()] * lines, ""])
