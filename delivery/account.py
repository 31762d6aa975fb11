"""From a sender account to what a session needs. The one place where a stored password is read for sending."""

from delivery.values import Credentials, ServerSettings
from senders.enums import Encryption, LoginMethod
from senders.models import Sender
from senders.secrets import unseal


def server_settings(sender: Sender, password: str) -> ServerSettings:
    """Write the account, saved or not, as the settings of a session.

    Args:
        sender: The account.
        password: In clear; not used where the account does not sign in.
    """
    signs_in = sender.login_method != LoginMethod.NONE
    return ServerSettings(
        host=sender.host,
        port=sender.port,
        encryption=Encryption(sender.encryption),
        credentials=Credentials(sender.login, password) if signs_in else None,
        trusted_certificates=sender.trusted_certificates,
        ehlo_name=sender.ehlo_name,
        timeout=float(sender.timeout),
    )


def open_settings(sender: Sender) -> ServerSettings:
    """Write a saved account as the settings of a session, its stored password decrypted.

    Raises:
        SecretUnreadableError: The stored password cannot be decrypted with the present keys.
    """
    return server_settings(sender, unseal(sender))
