"""Sentences for the facts of a finished step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery.values import StepStatus
from records.enums import Phase
from senders.enums import Encryption

if TYPE_CHECKING:
    from collections.abc import Callable

    from delivery.values import ServerSettings, StepEvent, TlsFacts

EXPIRES_SOON_DAYS = 21
"""A certificate with fewer days left is warned about: renewals usually come at 30."""


def describe(event: StepEvent, settings: ServerSettings) -> tuple[str, ...]:
    """Say what a finished or skipped step found, one sentence a line."""
    if event.status is StepStatus.SKIPPED:
        return _describe_skipped(event.phase, settings)
    return tuple(line for line in _DESCRIBERS[event.phase](event, settings) if line)


def warn(event: StepEvent, settings: ServerSettings) -> tuple[str, ...]:
    """Say what a person should look at although the step went well."""
    if event.phase is Phase.AUTH and event.status is StepStatus.DONE and settings.encryption is Encryption.NONE:
        return (_("The password travelled in clear text. Choose SSL or TLS if the server offers it."),)
    certificate = event.tls.certificate if event.tls else None
    if event.phase is Phase.TLS and certificate and certificate.days_left < EXPIRES_SOON_DAYS:
        return (_("The certificate expires soon. Ask for a new one before mail stops."),)
    return ()


def _describe_skipped(phase: Phase, settings: ServerSettings) -> tuple[str, ...]:
    if phase is Phase.TLS and settings.credentials:
        return (_("No encryption chosen: the password travels in clear text."),)
    if phase is Phase.TLS:
        return (_("No encryption chosen."),)
    if phase is Phase.AUTH:
        return (_("No sign-in chosen."),)
    return ()


def _resolve(event: StepEvent, settings: ServerSettings) -> tuple[str, ...]:
    return (f"{settings.host} → {event.facts.get('addresses', '')}",)


def _connect(event: StepEvent, settings: ServerSettings) -> tuple[str, ...]:
    peer = event.facts.get("peer") or f"{settings.host}:{settings.port}"
    return (_("%(peer)s is open") % {"peer": peer},)


def _tls(event: StepEvent, _settings: ServerSettings) -> tuple[str, ...]:
    return _describe_tls(event.tls) if event.tls else ()


def _describe_tls(tls: TlsFacts) -> tuple[str, ...]:
    agreed = f"{tls.version}, {tls.cipher}"
    if tls.certificate is None:
        return (agreed,)
    days = max(tls.certificate.days_left, 0)
    return (
        agreed,
        _("Certificate of %(subject)s") % {"subject": tls.certificate.subject},
        _("Issued by %(issuer)s") % {"issuer": tls.certificate.issuer},
        ngettext("Valid for %(days)s more day", "Valid for %(days)s more days", days) % {"days": days},
    )


def _greeting(event: StepEvent, _settings: ServerSettings) -> tuple[str, ...]:
    return (event.facts.get("banner", ""), event.facts.get("extensions", ""))


def _auth(event: StepEvent, settings: ServerSettings) -> tuple[str, ...]:
    login = settings.credentials.login if settings.credentials else ""
    mechanism = event.facts.get("mechanism", "")
    if mechanism:
        return (_("Signed in as %(login)s (%(mechanism)s)") % {"login": login, "mechanism": mechanism},)
    return (_("Signed in as %(login)s") % {"login": login},)


def _path(event: StepEvent, _settings: ServerSettings) -> tuple[str, ...]:
    return (event.facts.get("path", ""),)


def _content(event: StepEvent, _settings: ServerSettings) -> tuple[str, ...]:
    size = event.facts.get("size", "")
    return (_("%(size)s bytes") % {"size": size},) if size else ()


_DESCRIBERS: dict[Phase, Callable[[StepEvent, ServerSettings], tuple[str, ...]]] = {
    Phase.RESOLVE: _resolve,
    Phase.CONNECT: _connect,
    Phase.TLS: _tls,
    Phase.GREETING: _greeting,
    Phase.AUTH: _auth,
    Phase.MAIL: _path,
    Phase.RCPT: _path,
    Phase.DATA: _content,
}
