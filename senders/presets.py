"""Mail servers of known providers, read once from `data/presets.toml`.

A preset fills the form; it never decides how mail is sent. Facts stay in the data file.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from senders.bilingual import NO_TEXT, Bilingual, read_bilingual
from senders.enums import Encryption, LoginMethod

PRESETS_FILE = Path(__file__).parent / "data" / "presets.toml"


class SecretKind(StrEnum):
    """What a provider wants to be typed as the password."""

    PASSWORD = "password"  # noqa: S105
    """The password of the mailbox itself."""
    AUTHORIZATION_CODE = "authorization_code"
    """A code that the provider makes for one client, shown once."""
    APP_PASSWORD = "app_password"  # noqa: S105
    """A password for one application, made where two-step verification is on."""
    CLIENT_PASSWORD = "client_password"  # noqa: S105
    """A password for mail clients, apart from the one of the web page."""
    API_KEY = "api_key"
    """A key of a sending service."""
    SMTP_CREDENTIALS = "smtp_credentials"
    """A user name and password that a sending service makes for SMTP only."""
    OAUTH = "oauth"
    """No password at all: the provider wants OAuth 2.0 (RFC 7628)."""
    NONE = "none"
    """Nothing: the server asks for no sign-in."""


@dataclass(frozen=True, slots=True)
class SecretWording:
    """How the password field is named and explained for one kind of secret."""

    label: Bilingual
    help: Bilingual


@dataclass(frozen=True, slots=True)
class ServerPort:
    """A port and the encryption that is spoken on it."""

    port: int
    encryption: Encryption


@dataclass(frozen=True, slots=True)
class SenderLimits:
    """How much an account may send; None where nothing limits it. A mail to three receivers counts as three mails."""

    connections: int | None = None
    """Connections at once, over all workers."""
    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None

    @property
    def limits_mails(self) -> bool:
        """Tell whether the number of mails in any span of time is limited."""
        return any(limit is not None for limit in (self.per_minute, self.per_hour, self.per_day))

    @property
    def placeholders(self) -> str:
        """Write the limits as a script of the form reads them, in the order of its fields."""
        limits = (self.connections, self.per_minute, self.per_hour, self.per_day)
        return " ".join(str(limit or "-") for limit in limits)

    @property
    def is_limited(self) -> bool:
        """Tell whether anything is limited."""
        return self.limits_mails or self.connections is not None


NO_LIMITS = SenderLimits()


@dataclass(frozen=True, slots=True)
class Preset:
    """The mail server of one provider, and what signing in to it takes."""

    key: str
    name: Bilingual
    hosts: tuple[str, ...]
    """The first fills the form; empty where only the user knows it (Exchange)."""
    host_patterns: tuple[str, ...]
    """Shell-style patterns of further hosts of this provider."""
    port: int
    encryption: Encryption
    alternatives: tuple[ServerPort, ...]
    domains: tuple[str, ...]
    """Mail domains that belong to this provider."""
    secret_kind: SecretKind
    login_method: LoginMethod
    login_name: str
    """A fixed login name, such as `apikey`; empty where the user has one of their own."""
    guide: str
    """Slug in `senders.guides`; empty where there is none."""
    is_common: bool
    """Whether it is worth a chip above the search field."""
    is_recognised: bool
    """Whether its host names this provider; false for loopback."""
    weight: int
    """Smaller stands first."""
    note: Bilingual
    aliases: tuple[str, ...]
    limits: SenderLimits
    """What the provider says it takes from one account."""
    limits_of_domains: SenderLimits
    """The same for addresses of the provider's own domains, which are often free accounts."""

    @property
    def host(self) -> str:
        """Return the host that fills the form, or an empty string."""
        return self.hosts[0] if self.hosts else ""

    @property
    def secret(self) -> SecretWording:
        """Return how to name and explain the password field."""
        return SECRET_WORDINGS[self.secret_kind]

    @property
    def search_text(self) -> str:
        """Return everything that a search for this preset should find, in lower case."""
        words = (self.key, self.name.en, self.name.zh, *self.aliases, *self.hosts, *self.domains)
        return " ".join(words).lower()

    def limits_for(self, address: str) -> SenderLimits:
        """Return what the provider takes from the account with this address."""
        return self.limits_of_domains if address.rpartition("@")[2].lower() in self.domains else self.limits

    def has_host(self, host: str) -> bool:
        """Tell whether a host name in lower case is one of this provider's."""
        return host in self.hosts or any(fnmatchcase(host, pattern) for pattern in self.host_patterns)


def _read_port(table: Mapping[str, Any]) -> ServerPort:
    return ServerPort(port=table["port"], encryption=Encryption(table["encryption"]))


def _read_preset(table: Mapping[str, Any], weight: int) -> Preset:
    limits = table.get("limits", {})
    return Preset(
        key=table["key"],
        name=read_bilingual(table["name"]),
        hosts=tuple(table.get("hosts", ())),
        host_patterns=tuple(table.get("host_patterns", ())),
        port=table["port"],
        encryption=Encryption(table["encryption"]),
        alternatives=tuple(_read_port(each) for each in table.get("alternatives", ())),
        domains=tuple(table.get("domains", ())),
        secret_kind=SecretKind(table["secret_kind"]),
        login_method=LoginMethod(table.get("login_method", LoginMethod.ADDRESS)),
        login_name=table.get("login_name", ""),
        guide=table.get("guide", ""),
        is_common=table.get("common", False),
        is_recognised=table.get("recognised", True),
        weight=weight,
        note=read_bilingual(table["note"]) if "note" in table else NO_TEXT,
        aliases=tuple(table.get("aliases", ())),
        limits=SenderLimits(**limits),
        limits_of_domains=SenderLimits(**table.get("limits_of_domains", limits)),
    )


def _read_secret_wordings(tables: Mapping[str, Any]) -> dict[SecretKind, SecretWording]:
    return {
        SecretKind(kind): SecretWording(label=read_bilingual(table["label"]), help=read_bilingual(table["help"]))
        for kind, table in tables.items()
    }


_FILE = tomllib.loads(PRESETS_FILE.read_text(encoding="utf-8"))
SECRET_WORDINGS = _read_secret_wordings(_FILE["secret_kinds"])
PRESETS: tuple[Preset, ...] = tuple(
    _read_preset(table, weight) for weight, table in enumerate(_FILE["presets"], start=1)
)
"""All presets, in the order in which a list should show them."""
_BY_DOMAIN = {domain: preset for preset in PRESETS for domain in preset.domains}


def find_preset_by_host(host: str) -> Preset | None:
    """Return the preset whose provider runs a mail server of this name, in any case and with or without end dot."""
    wanted = host.strip().rstrip(".").lower()
    return next((preset for preset in PRESETS if preset.is_recognised and preset.has_host(wanted)), None)


def find_preset_by_domain(domain: str) -> Preset | None:
    """Return the preset of the provider that a mail domain belongs to."""
    return _BY_DOMAIN.get(domain.strip().rstrip(".").lower())


def find_preset(key: str) -> Preset | None:
    """Return the preset with this key."""
    return next((preset for preset in PRESETS if preset.key == key), None)
