"""No test may talk to anything but loopback: an audit hook refuses the call before a packet leaves."""

import contextlib
import ipaddress
import socket
import sys

_NAME_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_DIALS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class ForeignAddressError(RuntimeError):
    """A test tried to reach something outside this machine.

    Not an OSError on purpose: the code under test must not take it for a network error.
    """


def install() -> None:
    """Refuse foreign addresses from now on, until the process ends."""
    sys.addaudithook(_refuse_foreign_addresses)


def _refuse_foreign_addresses(event: str, arguments: tuple[object, ...]) -> None:
    if event in _NAME_LOOKUPS:
        _check_name(arguments[0])
    elif event in _DIALS:
        _check_destination(arguments[1])


def _check_name(host: object) -> None:
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if name.rstrip(".").lower().endswith(".invalid"):
        # What a resolver answers for it anyway (RFC 6761 §6.4), without asking a server.
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    if name in {"localhost", "0.0.0.0", "::", socket.gethostname()}:
        return
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name.partition("%")[0])
        return
    raise ForeignAddressError(f"a test looked up {name!r}")


def _check_destination(destination: object) -> None:
    if not isinstance(destination, tuple) or not destination:
        return  # a Unix socket, or one that is connected already
    host = str(destination[0])
    if host in {"localhost", "", socket.gethostname()}:
        return
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host.partition("%")[0])
        if address.is_loopback or address.is_unspecified:
            return
    raise ForeignAddressError(f"a test dialled {host!r}")
