"""The name by which this machine introduces itself in EHLO (RFC 5321 §4.1.1.1, §4.1.3)."""

import re
import socket
import threading
from functools import cache
from ipaddress import ip_address

LOOKUP_LIMIT = 1.0
"""Seconds that the first session waits for the machine's name; later ones take what has come by then."""
_NAME = re.compile(
    r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.IGNORECASE
)
_LITERAL = re.compile(r"\[(?:[0-9.]{7,15}|IPv6:[0-9a-f:.]{2,45})\]", re.IGNORECASE)
_SINGLE_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


def choose_ehlo_name(wanted: str, local_address: str) -> str:
    """Choose the name to introduce with: the wanted one, the machine's FQDN, or an address literal.

    Args:
        wanted: What the account says; empty: nothing.
        local_address: The IP address of this end of the connection.
    """
    ascii_name = _as_ascii(wanted)
    if any(pattern.fullmatch(ascii_name) for pattern in (_NAME, _LITERAL, _SINGLE_LABEL)):
        return ascii_name
    return _machine_name().wait() or address_literal(local_address)


def address_literal(address: str) -> str:
    """Write an IP address as RFC 5321 §4.1.3 does; a zone is of no use to the other side."""
    parsed = ip_address(address.partition("%")[0])
    return f"[IPv6:{parsed}]" if parsed.version == 6 else f"[{parsed}]"


def is_public_name(name: str) -> bool:
    """Tell whether `name` is a host name with a domain, fit for other machines."""
    lowered = name.lower()
    return _NAME.fullmatch(name) is not None and not lowered.startswith("localhost.") and ".localhost" not in lowered


class _MachineName:
    """Asks for the machine's name once, in a thread: `getfqdn` hangs for seconds where names don't resolve."""

    def __init__(self) -> None:
        self._known = threading.Event()
        self._name = ""
        threading.Thread(target=self._ask, name="machine name", daemon=True).start()

    def _ask(self) -> None:
        name = socket.getfqdn()
        self._name = name if is_public_name(name) else ""
        self._known.set()

    def wait(self) -> str:
        """Give the name, or nothing where there is none yet."""
        self._known.wait(LOOKUP_LIMIT)
        return self._name


@cache
def _machine_name() -> _MachineName:
    return _MachineName()


def _as_ascii(name: str) -> str:
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
