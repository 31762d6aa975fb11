"""Whether mail is configured: it is when there is a system default sender whose password can be read."""

from dataclasses import dataclass
from enum import StrEnum

from senders.models import Sender
from senders.secrets import is_readable


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
    """Whether mail is configured."""

    state: ConfigurationState
    default: Sender | None = None
    """Where its password can't be read."""

    @property
    def is_configured(self) -> bool:
        """Whether mail that names no sender can be sent."""
        return self.state == ConfigurationState.CONFIGURED


def configuration_of(default_id: int | None, secret: str, *, has_account: bool) -> MailConfiguration:
    """Tell whether mail is configured, from what a page read of the accounts already.

    Args:
        default_id: The system default sender, if there is one.
        secret: Its encrypted password.
        has_account: Whether there is any account.
    """
    if default_id is None:
        return MailConfiguration(ConfigurationState.NO_DEFAULT if has_account else ConfigurationState.NO_ACCOUNT)
    if is_readable(Sender(pk=default_id, secret=secret)):
        return MailConfiguration(ConfigurationState.CONFIGURED)
    return MailConfiguration(ConfigurationState.PASSWORD_UNREADABLE, Sender.objects.filter(pk=default_id).first())
