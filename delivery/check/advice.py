"""What a person is told about a failure: cause, fix, guide, and the clicks that mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from delivery.check.mends import choose_mends
from records.enums import Remedy
from records.error_book import explain

if TYPE_CHECKING:
    from delivery.check.events import Verdict
    from delivery.check.mends import Mend
    from senders.certificates import CertificateFacts


@dataclass(frozen=True, slots=True)
class Advice:
    """The explanation of one failure in the active language."""

    cause: str
    fix: str
    guide: str
    """Slug of the guide that helps; empty: none."""
    mends: tuple[Mend, ...]
    certificate: CertificateFacts | None
    """The certificate to compare and trust, where that mends it."""
    shown: CertificateFacts | None = None
    """The server's own certificate, to be read where trusting it would not mend anything."""


def advise(verdict: Verdict) -> Advice | None:
    """Explain the failure of a check; None where nothing failed that a person could mend."""
    if verdict.failure is None:
        return None
    entry = explain(verdict.failure)
    trusts = entry.remedy == Remedy.TRUST_CERTIFICATE
    chain = verdict.certificates
    return Advice(
        cause=str(entry.cause),
        fix=str(entry.fix),
        guide=entry.guide,
        mends=choose_mends(verdict.failure, entry.remedy),
        certificate=_to_trust(chain) if trusts else None,
        shown=chain[0] if chain and not trusts else None,
    )


def _to_trust(chain: tuple[CertificateFacts, ...]) -> CertificateFacts | None:
    """Choose what to trust: the root that the server showed, which outlives renewals, or else its own certificate."""
    roots = (one for one in chain if one.subject == one.issuer)
    return next(roots, chain[0] if chain else None)
