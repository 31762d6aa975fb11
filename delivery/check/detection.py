"""Detect settings: from the address alone to mail servers that answer, best first."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from delivery.check.mail_exchangers import find_preset_by_exchangers
from delivery.check.name_server import NameServer
from delivery.exceptions import SessionError
from delivery.smtp.policy import DialPolicy, load_dial_policy
from delivery.smtp.session import open_session
from delivery.values import ServerSettings
from records.enums import Fault
from senders.enums import Encryption
from senders.presets import Preset, find_preset_by_domain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from senders.validators import Address

DETECT_SECONDS = 10.0
"""Limit of everything: names, connections, handshakes."""
PROBE_SECONDS = 4.0
"""Limit of each step of a probe."""
PORTS: tuple[tuple[int, Encryption], ...] = ((465, Encryption.SSL), (587, Encryption.TLS), (25, Encryption.TLS))
MAX_HOSTS = 3
_UNTRUSTED = {
    Fault.CERTIFICATE_SELF_SIGNED,
    Fault.CERTIFICATE_UNKNOWN_ISSUER,
    Fault.CERTIFICATE_EXPIRED,
    Fault.CERTIFICATE_NOT_YET_VALID,
    Fault.CERTIFICATE_WRONG_HOST,
    Fault.CERTIFICATE_INVALID,
}


class Grade(IntEnum):
    """How sure a proposal is; the smaller, the better."""

    PRESET = 0
    """A known provider's own settings."""
    SECURE = 1
    """It answered over TLS with a certificate that is trusted."""
    UNTRUSTED = 2
    """It answered over TLS; its certificate has yet to be trusted."""
    CLEAR = 3
    """It answered, and offers no encryption."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Settings to put into the form."""

    host: str
    port: int
    encryption: Encryption
    grade: Grade
    preset: Preset | None = None

    @property
    def is_untrusted(self) -> bool:
        """Tell whether its certificate has yet to be trusted."""
        return self.grade is Grade.UNTRUSTED

    @property
    def is_clear(self) -> bool:
        """Tell whether the server offers no encryption."""
        return self.grade is Grade.CLEAR


def detect(
    address: Address, *, ports: Sequence[tuple[int, Encryption]] = PORTS, policy: DialPolicy | None = None
) -> tuple[Proposal, ...]:
    """Find mail servers for an address: its provider by domain, by mail exchanger, then what answers on common names.

    Args:
        address: The sender address.
        ports: Ports to probe, each with what is spoken there, best first.
        policy: Which addresses may be dialled; None: as the settings say.
    """
    known = find_preset_by_domain(address.domain)
    if known and known.host:
        return _of_preset(known)
    domain = address.ascii.rpartition("@")[2]
    names = NameServer(deadline=time.monotonic() + DETECT_SECONDS / 2)
    exchangers = names.mail_exchangers(domain)
    hosted = find_preset_by_exchangers(exchangers)
    if hosted and hosted.host:
        return _of_preset(hosted)
    hosts = _with_addresses(_candidates(domain, exchangers), names)
    return probe(hosts, ports, policy or load_dial_policy(), deadline=time.monotonic() + DETECT_SECONDS / 2)


def _of_preset(preset: Preset) -> tuple[Proposal, ...]:
    ways = ((preset.port, preset.encryption), *((way.port, way.encryption) for way in preset.alternatives))
    return tuple(Proposal(preset.host, port, encryption, Grade.PRESET, preset) for port, encryption in ways)


def _candidates(domain: str, exchangers: Iterable[str]) -> tuple[str, ...]:
    """List the names under which a mail server usually stands; a foreign exchanger takes no mail from us."""
    own = (host for host in exchangers if host == domain or host.endswith(f".{domain}"))
    return tuple(dict.fromkeys((f"smtp.{domain}", f"mail.{domain}", *own)))


def _with_addresses(hosts: Iterable[str], names: NameServer) -> tuple[str, ...]:
    return tuple(host for host in hosts if names.has_address(host))[:MAX_HOSTS]


def probe(
    hosts: Iterable[str], ports: Sequence[tuple[int, Encryption]], policy: DialPolicy, *, deadline: float
) -> tuple[Proposal, ...]:
    """Greet all hosts on all ports at once, without signing in, and return what answered, best first."""
    tries = [
        ServerSettings(host=host, port=port, encryption=encryption, timeout=PROBE_SECONDS)
        for host in hosts
        for port, encryption in ports
    ]
    if not tries:
        return ()
    with ThreadPoolExecutor(max_workers=len(tries), thread_name_prefix="detect") as pool:
        answers = pool.map(lambda settings: _greet(settings, policy, deadline), tries)
        return tuple(sorted(filter(None, answers), key=lambda proposal: proposal.grade))


def _greet(settings: ServerSettings, policy: DialPolicy, deadline: float) -> Proposal | None:
    """Open a session and leave; None where no mail server answered."""
    try:
        open_session(settings, policy=policy, deadline=deadline).quit()
    except SessionError as error:
        return _proposal_despite(error, settings)
    return Proposal(settings.host, settings.port, settings.encryption, Grade.SECURE)


def _proposal_despite(error: SessionError, settings: ServerSettings) -> Proposal | None:
    if error.fault in _UNTRUSTED:
        return Proposal(settings.host, settings.port, settings.encryption, Grade.UNTRUSTED)
    if error.fault is Fault.STARTTLS_MISSING:
        return Proposal(settings.host, settings.port, Encryption.NONE, Grade.CLEAR)
    return None
