"""Names to addresses, in bounded time, checked against the dial policy."""

import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import chain, zip_longest
from queue import Empty, SimpleQueue

from delivery.exceptions import SessionError
from delivery.smtp.policy import Address, DialPolicy
from records.enums import Fault, Phase

MAX_ADDRESSES = 6
"""More are not tried: a hostile zone could name hundreds of silent ones."""
_LOOKUPS_AT_ONCE = threading.BoundedSemaphore(32)
"""Each lookup that hangs keeps a thread until the C library gives up."""

_Answer = list[Address] | Exception


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be dialled; a name is never looked up a second time."""

    address: Address
    port: int

    def __str__(self) -> str:
        """Write it as `192.0.2.1:25` or `[2001:db8::1]:25`."""
        return f"[{self.address}]:{self.port}" if self.address.version == 6 else f"{self.address}:{self.port}"


def resolve(host: str, port: int, policy: DialPolicy, *, limit: float) -> tuple[Target, ...]:
    """Find the addresses of `host` that may be dialled, the resolver's order kept, families alternating.

    Args:
        host: A host name, an A-label for an IDN, or an IP address with or without brackets.
        port: The port to be dialled.
        policy: What may be dialled.
        limit: Seconds; `getaddrinfo` itself knows no limit.

    Raises:
        SessionError: The host has no address, or none that may be dialled.
        OSError: The resolver failed; `TimeoutError` if it was silent.
    """
    if not host:  # the resolver would take it for this machine
        raise SessionError(Phase.RESOLVE, Fault.NAME_NOT_FOUND)
    found = _literal(host) or _look_up(host, limit)
    permitted = [address for address in found if policy.permits(address)]
    if found and not permitted:
        raise SessionError(Phase.RESOLVE, Fault.ADDRESS_FORBIDDEN, detail=", ".join(map(str, found[:MAX_ADDRESSES])))
    if not permitted:
        raise SessionError(Phase.RESOLVE, Fault.NAME_NOT_FOUND)
    return tuple(Target(address, port) for address in _alternating(permitted)[:MAX_ADDRESSES])


def _literal(host: str) -> list[Address]:
    """Read an IP address; a zone (RFC 4007 §11) means link-local, which is never dialled."""
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "%" in bare:
        raise SessionError(Phase.RESOLVE, Fault.ADDRESS_FORBIDDEN, detail="an address with a zone")
    try:
        return [ip_address(bare)]
    except ValueError:
        return []


def _look_up(host: str, limit: float) -> list[Address]:
    if not _LOOKUPS_AT_ONCE.acquire(timeout=max(0.0, limit)):
        raise TimeoutError
    answers: SimpleQueue[_Answer] = SimpleQueue()
    threading.Thread(target=_ask, args=(host, answers), name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.0, limit))
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _ask(host: str, answers: "SimpleQueue[_Answer]") -> None:
    try:
        rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        answers.put(_addresses(str(row[4][0]) for row in rows))
    except (OSError, ValueError) as error:  # UnicodeError of a bad label is a ValueError
        answers.put(error if isinstance(error, OSError | UnicodeError) else OSError(str(type(error))))
    finally:
        _LOOKUPS_AT_ONCE.release()


def _addresses(texts: Iterable[str]) -> list[Address]:
    """Parse what the resolver gave, each once; a zone is kept, so that the policy sees link-local."""
    return list(dict.fromkeys(ip_address(text) for text in texts))


def _alternating(addresses: list[Address]) -> list[Address]:
    """Put the families by turns (RFC 8305 §4), so that one that leads nowhere can't use up the time."""
    first = [address for address in addresses if address.version == addresses[0].version]
    other = [address for address in addresses if address.version != addresses[0].version]
    return [address for address in chain(*zip_longest(first, other)) if address is not None]
