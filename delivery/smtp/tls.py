"""TLS with verified certificates always, and what a person must see when one is not accepted."""

import ssl
from functools import lru_cache
from typing import Any

from delivery.exceptions import SessionError
from delivery.values import CertificateFacts, TlsFacts
from records.enums import Fault, Phase
from senders.certificates import facts_from_der

MAX_CHAIN = 10


@lru_cache(maxsize=64)
def verifying_context(trusted_certificates: str) -> ssl.SSLContext:
    """Build the context that verifies chain, validity and host name; the system's CAs are trusted, and these too.

    A certificate in `trusted_certificates` need not be a CA nor its own issuer to be an anchor, so a self-signed
    server certificate can be trusted by itself. Its name and validity are checked none the less: trust in a
    certificate is trust for the names in it. One that names another host is `CERTIFICATE_WRONG_HOST`; an IP
    address as host must stand in it as an IP address.

    Kept between sessions, since reading the system's CAs costs 20 ms; a new system CA is seen after a restart.

    Args:
        trusted_certificates: PEM; empty: the system's CAs only.

    Raises:
        SessionError: The PEM cannot be read.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    # The same rules on every Python: from 3.13 on, internal CAs without newer extensions would be refused.
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    if trusted_certificates.strip():
        try:
            context.load_verify_locations(cadata=trusted_certificates)
        except (ssl.SSLError, ValueError) as error:
            raise SessionError(Phase.TLS, Fault.CERTIFICATE_INVALID, detail="trusted PEM is unreadable") from error
    return context


def looking_context() -> ssl.SSLContext:
    """Build the context with which a refused certificate is read again. Nothing may be sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def describe(connection: ssl.SSLSocket) -> TlsFacts:
    """Tell what was agreed in the handshake of a verified connection."""
    cipher = connection.cipher()
    chain = _parse([connection.getpeercert(binary_form=True) or b""])
    return TlsFacts(connection.version() or "", cipher[0] if cipher else "", chain[0] if chain else None)


def read_chain(connection: ssl.SSLSocket) -> tuple[CertificateFacts, ...]:
    """Describe the certificates that the server showed, its own first."""
    return _parse(_shown(connection) or [connection.getpeercert(binary_form=True) or b""])


def _shown(connection: ssl.SSLSocket) -> list[bytes]:
    """Get the chain as DER: public from Python 3.13 on, there already in 3.10."""
    public: Any = getattr(connection, "get_unverified_chain", None)
    if public is not None:
        return [bytes(der) for der in public()]
    private: Any = getattr(connection, "_sslobj", None)
    chain = private.get_unverified_chain() if hasattr(private, "get_unverified_chain") else None
    return [ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in chain or ()]


def _parse(chain: list[bytes]) -> tuple[CertificateFacts, ...]:
    """Describe what can be parsed: the rest isn't worth an error, whoever made it."""
    facts: list[CertificateFacts] = []
    for der in chain[:MAX_CHAIN]:
        try:
            facts.append(facts_from_der(der))
        except (ValueError, TypeError):
            continue
    return tuple(facts)
