"""The clicks that mend a failure: which fields of the sender form a remedy changes, and what happens then."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from records.enums import Fault, Phase, Remedy
from records.error_book.failure import is_internal_host
from senders.enums import Encryption, LoginMethod

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

    from records.error_book import Failure

USUAL_PORTS = frozenset({25, 465, 587, 994})
"""Ports whose encryption is known. On another one the port may be right and the encryption wrong."""


@dataclass(frozen=True, slots=True)
class Mend:
    """One click: it changes fields of the form, goes to a field, or both."""

    key: str
    """The value that its button sends."""
    label: _StrPromise | str
    fields: Mapping[str, str] = field(default_factory=dict)
    """Values by field name; empty where only a person knows the right one."""
    focus: str = ""
    """The field to go to; empty: the check runs again at once."""

    @property
    def as_json(self) -> str:
        """What the script needs to do the same without a new page."""
        return json.dumps({"fields": dict(self.fields), "focus": self.focus})


def _of(remedy: Remedy, fields: Mapping[str, str] | None = None, focus: str = "") -> Mend:
    return Mend(remedy.value, remedy.label, fields or {}, focus)


def _server(encryption: Encryption, port: int) -> dict[str, str]:
    return {"encryption": encryption.value, "port": str(port)}


_SAME_PORT = {
    Encryption.SSL: Mend("same_port_ssl", _("Use SSL on this port"), {"encryption": Encryption.SSL.value}),
    Encryption.TLS: Mend("same_port_tls", _("Use TLS on this port"), {"encryption": Encryption.TLS.value}),
    Encryption.NONE: Mend("same_port_none", _("Use No Encryption on this port"), {"encryption": Encryption.NONE.value}),
}
_MENDS = {
    mend.key: mend
    for mend in (
        _of(Remedy.USE_SSL_465, _server(Encryption.SSL, 465)),
        _of(Remedy.USE_TLS_587, _server(Encryption.TLS, 587)),
        _of(Remedy.USE_TLS_25, _server(Encryption.TLS, 25)),
        _of(Remedy.USE_NO_ENCRYPTION_25, _server(Encryption.NONE, 25)),
        _of(Remedy.SIGN_IN, {"login_method": LoginMethod.ADDRESS.value}),
        _of(Remedy.SKIP_SIGN_IN, {"login_method": LoginMethod.NONE.value}),
        _of(Remedy.CHECK_LOGIN_NAME, {"login_method": LoginMethod.LOGIN_NAME.value}, focus="login_name"),
        _of(Remedy.CHECK_HOST, focus="host"),
        _of(Remedy.CHECK_ADDRESS, focus="address"),
        _of(Remedy.RETYPE_PASSWORD, focus="password"),
        _of(Remedy.SET_EHLO_NAME, focus="ehlo_name"),
        *_SAME_PORT.values(),
    )
}


def find_mend(key: str) -> Mend | None:
    """Return the click with this key; the certificate and the guide have controls of their own."""
    return _MENDS.get(key)


def choose_mends(failure: Failure, remedy: Remedy) -> tuple[Mend, ...]:
    """Choose the clicks to offer for a failure, the likeliest first.

    Args:
        failure: What happened.
        remedy: What the error book advises.
    """
    other_mode = _other_mode(failure, remedy) if failure.port not in USUAL_PORTS else None
    if other_mode and remedy is Remedy.USE_NO_ENCRYPTION_25:
        return (other_mode,)
    return tuple(mend for mend in (other_mode, find_mend(remedy), _also(failure, remedy)) if mend)


def _also(failure: Failure, remedy: Remedy) -> Mend | None:
    """Offer the password beside the login name, and the reverse: a refused sign-in never tells which was wrong."""
    if remedy is Remedy.CHECK_LOGIN_NAME or (remedy is Remedy.SIGN_IN and failure.phase is Phase.AUTH):
        return find_mend(Remedy.RETYPE_PASSWORD)
    # A provider wants the address; a server of one's own may want the account's name.
    if remedy is Remedy.RETYPE_PASSWORD and failure.fault is Fault.REPLY and is_internal_host(failure.host):
        return find_mend(Remedy.CHECK_LOGIN_NAME)
    return None


def _other_mode(failure: Failure, remedy: Remedy) -> Mend | None:
    """Find the encryption that the server seems to speak on the very port that was chosen."""
    match failure.fault, failure.encryption:
        case Fault.TLS_NOT_SPOKEN, Encryption.SSL:
            return _SAME_PORT[Encryption.TLS]
        case Fault.AUTH_CLEARTEXT | Fault.REPLY, Encryption.NONE if remedy is Remedy.USE_TLS_587:
            return _SAME_PORT[Encryption.TLS]
        case Fault.GREETING_TIMEOUT, Encryption.TLS | Encryption.NONE:
            return _SAME_PORT[Encryption.SSL]
        case Fault.STARTTLS_MISSING, Encryption.TLS if remedy is Remedy.USE_NO_ENCRYPTION_25:
            return _SAME_PORT[Encryption.NONE]
    return None


def trust(present: str, certificate: str) -> dict[str, str]:
    """Return the change that adds a certificate to those that the form trusts already."""
    return {"trusted_certificates": "\n".join(filter(None, (present.strip(), certificate.strip())))}
