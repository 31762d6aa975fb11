"""From the addresses of a host to a connection."""

import socket
import time
from collections.abc import Sequence

from delivery.smtp.resolve import Target
from delivery.smtp.stream import Stream


def dial(targets: Sequence[Target], *, limit: float, deadline: float) -> Stream:
    """Connect to the first of `targets` that answers, all within `limit` seconds and the deadline.

    Each gets its fair share of the time that is left, so that one that is silent leaves time for the next.

    Raises:
        OSError: None answered; the error that says most: refused, then silent, then unreachable.
    """
    end = min(time.monotonic() + limit, deadline)
    failures: list[OSError] = []
    for number, target in enumerate(targets):
        share = (end - time.monotonic()) / (len(targets) - number)
        try:
            return Stream(_connect(target, share), target, deadline)
        except OSError as error:
            failures.append(error)
    raise min(failures, key=_says_least)


def _connect(target: Target, limit: float) -> socket.socket:
    if limit <= 0:
        raise TimeoutError
    family = socket.AF_INET6 if target.address.version == 6 else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(limit)
        connection.connect((str(target.address), target.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def _says_least(error: OSError) -> int:
    if isinstance(error, ConnectionRefusedError):
        return 0
    return 1 if isinstance(error, TimeoutError) else 2
