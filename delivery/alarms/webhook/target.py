"""Where the webhook is, and whether it may be called."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from delivery.alarms.webhook.signing import MIN_SECRET_LENGTH
from delivery.smtp.opening import ascii_host
from delivery.smtp.policy import DialPolicy

_PORTS = {"https": 443, "http": 80}
_OWN_NETWORKS = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")


class TargetError(Exception):
    """MAILBOX_ALARM_WEBHOOK or its secret can't be used. The message says which and why, and shows neither."""


@dataclass(frozen=True, slots=True)
class Target:
    """The webhook. Its path and query may hold a token of the receiver, so they are never shown."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)
    secret: str = field(repr=False)
    policy: DialPolicy

    @property
    def label(self) -> str:
        """The part of the URL that may be shown."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """Host and port as a URL and the Host field write them; without the port where it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def is_configured() -> bool:
    """Tell whether somebody is to be told of alarms."""
    return bool(settings.MAILBOX_ALARM_WEBHOOK)


def read_target() -> Target:
    """Read the settings.

    Raises:
        TargetError: They can't be used.
    """
    parts = _split(settings.MAILBOX_ALARM_WEBHOOK)
    secret = settings.MAILBOX_ALARM_WEBHOOK_SECRET
    if len(secret) < MIN_SECRET_LENGTH:
        problem = _("MAILBOX_ALARM_WEBHOOK_SECRET has fewer than %(least)d characters.")
        raise TargetError(problem % {"least": MIN_SECRET_LENGTH})
    return Target(
        scheme=parts.scheme,
        host=ascii_host(parts.hostname or ""),
        port=parts.port or _PORTS[parts.scheme],
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        secret=secret,
        policy=_policy(parts.scheme),
    )


def _split(url: str) -> SplitResult:
    problem = _("MAILBOX_ALARM_WEBHOOK is no URL of the form https://host/path.")
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in _PORTS and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError as error:
        raise TargetError(problem) from error
    if not is_usable or not url.isascii() or not url.isprintable() or " " in url:
        raise TargetError(problem)
    if parts.username is not None or parts.password is not None:
        raise TargetError(_("MAILBOX_ALARM_WEBHOOK names a user; calls are signed instead."))
    return parts


def _policy(scheme: str) -> DialPolicy:
    """Tell what may be dialled: never link-local or a metadata service; in clear text only the own networks.

    MAILBOX_FORBID_PRIVATE_NETWORKS is about hosts that people type; this one is the operator's own.
    """
    if scheme == "https" or settings.MAILBOX_ALARM_WEBHOOK_ALLOW_HTTP:
        return DialPolicy()
    return DialPolicy.of_networks(*_OWN_NETWORKS)
