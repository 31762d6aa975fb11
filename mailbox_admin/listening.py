"""The address that `./run` listens on, and the names under which the web then answers."""

import contextlib
import errno
import ipaddress
import socket

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class ListenError(Exception):
    """The address can't be listened on. The message says what to do."""


def open_listener(host: str, port: int) -> socket.socket:
    """Listen on the address. The web process inherits the socket, so no request is refused while it restarts.

    Raises:
        ListenError: if the port is taken or not ours, or the host is not this machine's.
    """
    if not 0 <= port <= 65535:
        raise ListenError(f"{port} is no port: choose one from 1 to 65535 with --port.")
    try:
        family, _type, _protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as error:
        raise ListenError(_sentence(error, host, port)) from error


def _sentence(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program: choose another one with --port."
    if error.errno == errno.EACCES:
        return f"This user may not listen on port {port}: choose one above 1023 with --port."
    return f"{host} is not an address of this machine: choose another one with --host."


def url_of(listener: socket.socket) -> str:
    """Write the address at which a browser on this machine finds the listener."""
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "127.0.0.1" if listener.family == socket.AF_INET else "::1"
    return f"http://{_in_url(host)}:{port}/"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches that host."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def allowed_hosts(host: str) -> tuple[str, ...]:
    """List the names and addresses that reach a web that listens on `host`, as ALLOWED_HOSTS wants them."""
    names = [*_LOOPBACK_NAMES, _in_url(host)]
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_unspecified:
            names = [*_LOOPBACK_NAMES, socket.gethostname(), *map(_in_url, _own_addresses())]
    return tuple(dict.fromkeys(names))


def _own_addresses() -> list[str]:
    """Ask which addresses this machine would send from. Connecting a datagram socket sends nothing."""
    found = []
    for family, documentation_address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asker:
            asker.connect((documentation_address, 9))
            found.append(str(asker.getsockname()[0]))
    return found


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
