"""Which IP addresses may be dialled: a sender account must not become a probe into the machine's own network."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NEVER_DIALLED: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network (RFC 1122 §3.2.1.3): Linux takes it for loopback
        "169.254.0.0/16",  # link-local, and the metadata service of nearly every cloud
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and limited broadcast
        "100.100.100.200/32",  # metadata service of Aliyun
        "168.63.129.16/32",  # host service of Azure
        "192.0.0.192/32",  # metadata service of Oracle Cloud
        "::/128",
        "fe80::/10",  # link-local
        "ff00::/8",  # multicast
        "fd00:ec2::/32",  # metadata service of AWS
        "fd20:ce::254/128",  # metadata service of Google Cloud
    )
)
"""Refused whatever the settings say: no mail server is there, and what is there gives out credentials."""

_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_TEREDO = ip_network("2001::/32")
_SIX_TO_FOUR = ip_network("2002::/16")
_IPV4_COMPATIBLE = ip_network("::/96")
_IPV4_TRANSLATED = ip_network("::ffff:0:0:0/96")
_ISATAP_MARKS = (0x00005EFE, 0x02005EFE)


@dataclass(frozen=True, slots=True)
class DialPolicy:
    """What may be dialled beside `NEVER_DIALLED`, which never is."""

    forbid_private: bool = False
    """Only addresses that are reachable from everywhere: no loopback, no private network."""
    only: tuple[Network, ...] = ()
    """If any: nothing outside these networks; what is inside them may be private."""

    @classmethod
    def of_networks(cls, *networks: str, forbid_private: bool = False) -> "DialPolicy":
        """Build a policy that allows these networks only, such as `127.0.0.0/8`; without any: all.

        Raises:
            ValueError: One is no network.
        """
        return cls(forbid_private, tuple(ip_network(network) for network in networks))

    def permits(self, address: Address) -> bool:
        """Tell whether `address`, and every IPv4 address that it embeds, may be dialled."""
        return all(self._permits_plain(plain) for plain in (_unmapped(address), *_embedded(address)))

    def _permits_plain(self, address: Address) -> bool:
        if _is_within(address, NEVER_DIALLED):
            return False
        if self.only:
            return _is_within(address, self.only)
        return not self.forbid_private or _is_public(address)


def load_dial_policy() -> DialPolicy:
    """Read the policy from MAILBOX_FORBID_PRIVATE_NETWORKS and MAILBOX_DIAL_ONLY.

    Raises:
        ValueError: MAILBOX_DIAL_ONLY holds something else than networks.
    """
    return DialPolicy.of_networks(*settings.MAILBOX_DIAL_ONLY, forbid_private=settings.MAILBOX_FORBID_PRIVATE_NETWORKS)


def _is_within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _is_public(address: Address) -> bool:
    if address in _SIX_TO_FOUR:  # its IPv4 address decides; Python changed its mind about the range itself
        return True
    return address.is_global and not (isinstance(address, IPv6Address) and address.is_site_local)


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _embedded(address: Address) -> Iterator[IPv4Address]:
    """List the IPv4 addresses at which a packet to an IPv6 address may come out.

    RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo), RFC 5214 (ISATAP), RFC 4291 §2.5.5.1 and RFC 2765.
    """
    if isinstance(address, IPv4Address):
        return
    number = int(address)
    if _is_within(address, _NAT64) or address in _IPV4_TRANSLATED:
        yield IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        yield IPv4Address(number >> 80 & 0xFFFFFFFF)
    if address in _TEREDO:
        yield IPv4Address(number >> 64 & 0xFFFFFFFF)
        yield IPv4Address(~number & 0xFFFFFFFF)
    if number >> 32 & 0xFFFFFFFF in _ISATAP_MARKS:
        yield IPv4Address(number & 0xFFFFFFFF)
    if address in _IPV4_COMPATIBLE and not address.is_loopback and not address.is_unspecified:
        yield IPv4Address(number & 0xFFFFFFFF)
