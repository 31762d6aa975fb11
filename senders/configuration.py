"""Whether mail is configured: it is when there is a system default sender whose password can be read."""

from dataclasses import dataclass
from enum import StrEnum

from senders.models import Sender
from senders.secrets import is_readable
from senders.services import find_default_sender


class ConfigurationState(StrEnum):
    """Where the configuration of mail stands."""

    CONFIGURED = "configured"
    """Mail that names no sender goes out through the system default sender."""
    NO_ACCOUNT = "no_account"
    """There is no sender account at all."""
    NO_DEFAULT = "no_default"
    """There are accounts, and none of them is the system default: then the accounts count as not configured too."""
    PASSWORD_UNREADABLE = "password_unreadable"  # noqa: S105
    """The default's stored password can't be decrypted with the present keys."""


@dataclass(frozen=True, slots=True)
class MailConfiguration:
    """Whether mail is configured, and with which default sender."""

    state: ConfigurationState
    default: Sender | None = None

    @property
    def is_configured(self) -> bool:
        """Whether mail that names no sender can be sent."""
        return self.state == ConfigurationState.CONFIGURED


def find_configuration() -> MailConfiguration:
    """Tell whether mail is configured."""
    default = find_default_sender()
    if default is None:
        has_account = Sender.objects.exists()
        return MailConfiguration(ConfigurationState.NO_DEFAULT if has_account else ConfigurationState.NO_ACCOUNT)
    state = ConfigurationState.CONFIGURED if is_readable(default) else ConfigurationState.PASSWORD_UNREADABLE
    return MailConfiguration(state, default)
