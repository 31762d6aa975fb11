"""A real, tiny DNS server on loopback: answers from a table, counts questions, can keep silent.

with dns_server({("example.org", "MX"): ["10 mx1.qq.com."]}) as server:
    settings.MAILBOX_NAMESERVERS = [server.address]
"""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = Mapping[tuple[str, str], Sequence[str]]


@dataclass
class DnsServer:
    """What a test sees of the running server."""

    port: int
    zone: Zone
    is_silent: bool = False
    questions: list[tuple[str, str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """As MAILBOX_NAMESERVERS wants it."""
        return f"127.0.0.1:{self.port}"

    def answer(self, wire: bytes) -> bytes | None:
        """Answer one question; None: say nothing."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.questions.append((name, kind))
        if self.is_silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        values = self.zone.get((name, kind), ())
        if values:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *values))
        elif not any(known == name for known, _kind in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()


@contextmanager
def dns_server(zone: Zone, *, is_silent: bool = False) -> Iterator[DnsServer]:
    """Run a server until the block ends.

    Args:
        zone: Record texts by name and type, such as `("example.org", "MX")`.
        is_silent: Take questions and never answer.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        server = DnsServer(listening.getsockname()[1], zone, is_silent)
        thread = threading.Thread(target=_serve, args=(listening, server), name="name server of a test")
        thread.start()
        try:
            yield server
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stopper:
                stopper.sendto(b"", ("127.0.0.1", server.port))
            thread.join(10)


def _serve(listening: socket.socket, server: DnsServer) -> None:
    while True:
        wire, client = listening.recvfrom(4096)
        if not wire:
            return
        response = server.answer(wire)
        if response is not None:
            with suppress(OSError):
                listening.sendto(response, client)
