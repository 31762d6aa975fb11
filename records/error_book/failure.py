"""What is known of a failure, and what follows from it for looking it up."""

import ipaddress
import re
from dataclasses import dataclass

from records.enums import Fault, Phase
from senders.enums import Encryption, LoginMethod
from senders.presets import Preset, find_preset_by_host

_LONGEST_TEXT = 1000
_LEADING_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?![\d.])", re.ASCII)
_INTERNAL_ENDINGS = (".local", ".lan", ".internal", ".intranet", ".corp", ".home.arpa", ".localdomain")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as a session or a record knows it; what is not known stays empty."""

    phase: Phase | None
    fault: Fault
    reply_code: int | None = None
    enhanced_status: str = ""
    reply_text: str = ""
    host: str = ""
    port: int | None = None
    encryption: Encryption | None = None
    login_method: LoginMethod | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A failure with what is derived from it once, before all rules are tried."""

    failure: Failure
    text: str
    """The reply in lower case, white space collapsed, at most 1,000 characters of it."""
    status: str
    """The enhanced status code, taken from the text where the session found none."""
    preset: Preset | None
    is_internal: bool

    @property
    def provider(self) -> str:
        """Return the key of the provider's preset, or an empty string."""
        return self.preset.key if self.preset else ""


def is_internal_host(host: str) -> bool:
    """Tell whether a host is of the own network: a private or loopback address, or a name that is not public."""
    name = host.strip().rstrip(".").lower()
    try:
        return ipaddress.ip_address(name.strip("[]")).is_private
    except ValueError:
        return bool(name) and ("." not in name or name.endswith(_INTERNAL_ENDINGS))


def derive_facts(failure: Failure) -> Facts:
    """Return a failure with what follows from it."""
    text = " ".join(failure.reply_text[:_LONGEST_TEXT].lower().split())
    leading = _LEADING_STATUS.match(text)
    return Facts(
        failure=failure,
        text=text,
        status=failure.enhanced_status or (leading.group() if leading else ""),
        preset=find_preset_by_host(failure.host),
        is_internal=is_internal_host(failure.host),
    )
