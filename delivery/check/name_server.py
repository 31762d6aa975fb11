"""Questions of Detect settings to the name server, each answered within a limit."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import dns.exception
import dns.name
import dns.resolver
from django.conf import settings
from dns.nameserver import Do53Nameserver

if TYPE_CHECKING:
    from collections.abc import Sequence

DNS_PORT = 53
ANSWER_SECONDS = 5.0
"""Limit of one question, tries at all name servers included."""
MAX_EXCHANGERS = 10


class NameServer:
    """The machine's name servers, or those that MAILBOX_NAMESERVERS lists; one deadline for all questions."""

    def __init__(self, *, deadline: float, addresses: Sequence[str] | None = None) -> None:
        """Keep the deadline (`time.monotonic`) and choose whom to ask."""
        self._deadline = deadline
        self._resolver = _resolver(settings.MAILBOX_NAMESERVERS if addresses is None else addresses)

    def mail_exchangers(self, domain: str) -> tuple[str, ...]:
        """Return the hosts that take mail for a domain, most preferred first; none when there is no answer."""
        with contextlib.suppress(dns.exception.DNSException):
            answer = self._resolver.resolve(domain, "MX", lifetime=self._seconds(), search=False)
            records = sorted(answer, key=lambda record: (record.preference, record.exchange))[:MAX_EXCHANGERS]
            names = (record.exchange.to_text(omit_final_dot=True).lower() for record in records)
            # A lone dot says that the domain takes no mail (RFC 7505).
            return tuple(name for name in names if name not in ("", "."))
        return ()

    def has_address(self, host: str) -> bool:
        """Tell whether a host name has an IPv4 or IPv6 address."""
        return any(self._has(host, kind) for kind in ("A", "AAAA"))

    def _has(self, host: str, kind: str) -> bool:
        with contextlib.suppress(dns.exception.DNSException):
            return bool(self._resolver.resolve(host, kind, lifetime=self._seconds(), search=False))
        return False

    def _seconds(self) -> float:
        return max(min(ANSWER_SECONDS, self._deadline - time.monotonic()), 0.01)


def _resolver(addresses: Sequence[str]) -> dns.resolver.Resolver:
    if not addresses:
        with contextlib.suppress(dns.resolver.NoResolverConfiguration):
            return dns.resolver.Resolver()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [_name_server(address) for address in addresses]
    return resolver


def _name_server(text: str) -> Do53Nameserver:
    """Read `address`, `address:port` or `[IPv6 address]:port`."""
    if text.startswith("["):
        host, _bracket, rest = text[1:].partition("]")
        return Do53Nameserver(host, int(rest.removeprefix(":") or DNS_PORT))
    if text.count(":") == 1:
        host, _colon, port = text.partition(":")
        return Do53Nameserver(host, int(port))
    return Do53Nameserver(text, DNS_PORT)
