"""Certificates that an account trusts beside the system's own: read from PEM, checked, described."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext as _

MAX_PEM_LENGTH = 100_000
"""Characters; a CA bundle of an organisation is far smaller, the bundle of a browser larger."""
MAX_NAME_LENGTH = 300
MAX_NAMES = 20
"""A person compares them by eye; certificates of hosting companies list hundreds."""
_UNPARSABLE = (
    ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType,
)  # fmt: skip
"""What the parser raises for what a hostile server may show, or a person paste."""
_LABEL = re.compile(r"-----BEGIN ([^\r\n-]{1,60})-----")
_CERTIFICATE_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says of itself; times in UTC."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    fingerprint_sha256: str
    """Upper-case hexadecimal pairs parted by colons."""
    pem: str
    names: tuple[str, ...] = ()
    """The host names and IP addresses that it is for, at most `MAX_NAMES` of them."""

    @property
    def days_left(self) -> int:
        """Whole days until it expires; negative once it has."""
        return (self.not_after - datetime.now(UTC)).days


def facts_from_der(der: bytes) -> CertificateFacts:
    """Describe one certificate as a TLS handshake shows it.

    Raises:
        ValueError: It cannot be parsed.
    """
    try:
        return _facts(x509.load_der_x509_certificate(der))
    except _UNPARSABLE as error:
        raise ValueError("not a certificate that can be parsed") from error


def read_certificates(pem: str) -> tuple[CertificateFacts, ...]:
    """Describe the certificates in `pem`, each once, in the order given; expired ones too.

    Raises:
        ValidationError: Too large, a private key, something else than a certificate, or unparsable.
    """
    if len(pem) > MAX_PEM_LENGTH:
        raise ValidationError(
            _("This is too large. Paste only the certificate of the mail server or of its issuer."), code="too_large"
        )
    _refuse_other_blocks(_LABEL.findall(pem))
    try:
        facts = [_facts(certificate) for certificate in x509.load_pem_x509_certificates(pem.encode())]
    except _UNPARSABLE as error:
        raise _unparsable() from error
    return tuple({one.fingerprint_sha256: one for one in facts}.values())


def check_certificates(pem: str) -> tuple[CertificateFacts, ...]:
    """Describe the certificates in `pem`, all of which must be valid today.

    Raises:
        ValidationError: As `read_certificates`, or one is expired or not yet valid.
    """
    certificates = read_certificates(pem)
    for certificate in certificates:
        _refuse_outside_validity(certificate)
    return certificates


def _refuse_other_blocks(labels: list[str]) -> None:
    if any("PRIVATE KEY" in label for label in labels):
        raise ValidationError(
            _(
                "This is a private key, and was not stored. Paste the certificate only; "
                "the key belongs on the mail server and nowhere else."
            ),
            code="private_key",
        )
    if not labels:
        raise _unparsable()
    for label in labels:
        if label not in _CERTIFICATE_LABELS:
            raise ValidationError(
                _("This holds a %(label)s. Paste the certificate, which begins with BEGIN CERTIFICATE."),
                code="not_a_certificate",
                params={"label": label},
            )


def _unparsable() -> ValidationError:
    return ValidationError(
        _(
            "This is not a certificate in PEM form. Paste all of it, "
            "from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----."
        ),
        code="unparsable",
    )


def _refuse_outside_validity(certificate: CertificateFacts) -> None:
    now = datetime.now(UTC)
    if certificate.not_after < now:
        raise ValidationError(
            _("The certificate of %(subject)s expired on %(date)s. Ask whoever runs the mail server for the new one."),
            code="expired",
            params={"subject": certificate.subject, "date": date_format(certificate.not_after)},
        )
    if certificate.not_before > now:
        raise ValidationError(
            _(
                "The certificate of %(subject)s is valid from %(date)s only. "
                "If that is past already, correct this machine's clock."
            ),
            code="not_yet_valid",
            params={"subject": certificate.subject, "date": date_format(certificate.not_before)},
        )


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    return CertificateFacts(
        subject=_readable(certificate.subject.rfc4514_string()),
        issuer=_readable(certificate.issuer.rfc4514_string()),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint_sha256=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        names=tuple(_readable(name) for name in _names(certificate)[:MAX_NAMES]),
    )


def _names(certificate: x509.Certificate) -> list[str]:
    """List the hosts that a certificate is for (RFC 9525: the subject's name does not count)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, *_UNPARSABLE):
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def _readable(text: str) -> str:
    """Write a name on one line: whoever made the certificate chose its characters."""
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return shown[:MAX_NAME_LENGTH]
