"""Who asks: the address of the client, also behind a proxy."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class TrustedProxyMiddleware:
    """Put the client's address into REMOTE_ADDR, which the peer's is unless that is one of our own TRUSTED_PROXIES.

    X-Forwarded-For is read from its end, since everything before the last trusted proxy's word can be forged.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Read the networks of the proxies once."""
        self.get_response = get_response
        self._proxies = [ipaddress.ip_network(network) for network in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request as one of its client."""
        request.META["REMOTE_ADDR"] = _plain(self._client_of(request))
        return self.get_response(request)

    def _client_of(self, request: HttpRequest) -> str:
        nearest: str = _plain(request.META.get("REMOTE_ADDR", ""))
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
        while self._is_proxy(nearest) and hops:
            hop = hops.pop()
            if not _is_address(hop):
                break
            nearest = _plain(hop)
        return nearest

    def _is_proxy(self, address: str) -> bool:
        return _is_address(address) and any(ipaddress.ip_address(address) in network for network in self._proxies)


def _plain(text: str) -> str:
    """Write an address as databases and TRUSTED_PROXIES know it.

    Without the zone of a link-local one, and as IPv4 where it came over a socket of IPv6.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
