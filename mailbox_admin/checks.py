"""System checks: a wrong setting is a sentence with a hint, not a stack trace. Ids never change their meaning.

Those registered with `deploy=True` are asked by `manage.py check --deploy`.
"""

import ipaddress
import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Advice

from mailbox_admin.data_dir import is_private
from mailbox_admin.health import broker_state
from mailbox_admin.metrics import MIN_TOKEN_LENGTH
from senders import keyring
from senders.exceptions import KeyringError

_LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
_NETWORK_SETTINGS = ("MAILBOX_DIAL_ONLY", "TRUSTED_PROXIES")


@register(Tags.security, deploy=True)
def check_secret_key(**_: Any) -> list[CheckMessage]:
    """Tell of a secret key that can be guessed."""
    if len(settings.SECRET_KEY) >= 50 and len(set(settings.SECRET_KEY)) >= 5:
        return []
    hint = "Take it out of the environment, and `manage.py prepare` makes one; or set 50 random characters."
    return [Error("SECRET_KEY is too easy to guess.", hint=hint, id="mailbox.E001")]


@register(Tags.security)
def check_data_dir(**_: Any) -> list[CheckMessage]:
    """Tell of a data folder that others can read, or that this process can't write."""
    folder = settings.DATA_DIR
    if not folder.exists():
        return []
    if not is_private(folder):
        return [Error(f"{folder} can be read by others.", hint=f"Close it: chmod 700 '{folder}'", id="mailbox.E002")]
    if not os.access(folder, os.W_OK | os.X_OK):
        hint = "Run as its owner, or name another folder in MAILBOX_DATA_DIR."
        return [Error(f"{folder} cannot be written.", hint=hint, id="mailbox.E003")]
    return []


@register(Tags.security)
def check_keys(**_: Any) -> list[CheckMessage]:
    """Tell of encryption keys that can't be read, or that others can read."""
    try:
        keyring.load_keyring()
    except KeyringError as error:
        hint = "Bring the key file back from a backup; without it, stored passwords must be typed again."
        return [Error(f"The encryption keys cannot be used: {error}.", hint=hint, id="mailbox.E004")]
    file = keyring.key_file()
    if not keyring.uses_environment() and file.exists() and not keyring.is_private(file):
        return [Error(f"{file} can be read by others.", hint=f"Close it: chmod 600 '{file}'", id="mailbox.E005")]
    return []


@register(Tags.security, deploy=True)
def check_keys_exist(**_: Any) -> list[CheckMessage]:
    """Tell of keys that were never made."""
    if keyring.uses_environment() or keyring.key_file().exists():
        return []
    return [Advice("There are no encryption keys yet.", hint="Run `manage.py prepare`.", id="mailbox.W006")]


@register(Tags.security)
def check_networks(**_: Any) -> list[CheckMessage]:
    """Tell of settings that should be lists of networks and are not."""
    return [
        Error(f"{name} holds {text!r}, which is no network.", hint="Write 10.0.0.0/8, or ::1.", id="mailbox.E007")
        for name in _NETWORK_SETTINGS
        for text in getattr(settings, name)
        if not _is_network(text)
    ]


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


@register(Tags.security)
def check_policy(**_: Any) -> list[CheckMessage]:
    """Tell of a policy for mail of unknown fate that does not exist."""
    if settings.MAILBOX_UNKNOWN_POLICY in {"retry", "hold"}:
        return []
    problem = f"MAILBOX_UNKNOWN_POLICY is {settings.MAILBOX_UNKNOWN_POLICY!r}."
    return [Error(problem, hint="Set it to `retry` or to `hold`.", id="mailbox.E008")]


@register(Tags.security, deploy=True)
def check_hosts(**_: Any) -> list[CheckMessage]:
    """Tell of host names that are too many or too few."""
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts: anybody could make links in our pages lead elsewhere."
        return [Error("ALLOWED_HOSTS allows any name.", hint=hint, id="mailbox.E009")]
    if set(settings.ALLOWED_HOSTS) <= _LOOPBACK_HOSTS:
        hint = "Set ALLOWED_HOSTS to the name that people type, such as mailbox.example.org."
        return [Advice("Only this machine can open Mailbox.", hint=hint, id="mailbox.W010")]
    return []


@register(Tags.security, deploy=True)
def check_https(**_: Any) -> list[CheckMessage]:
    """Tell that passwords travel in clear text."""
    if settings.BEHIND_HTTPS:
        return []
    hint = "Put a proxy with a certificate before it and set BEHIND_HTTPS=1."
    return [Advice("Mailbox is served without HTTPS.", hint=hint, id="mailbox.W011")]


@register(Tags.security, deploy=True)
def check_database_fits(**_: Any) -> list[CheckMessage]:
    """Tell of SQLite where several machines may be at work."""
    is_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if not (is_sqlite and settings.REDIS_URL):
        return []
    hint = "Set DATABASE_URL to a PostgreSQL; or leave REDIS_URL out on a single machine."
    return [Advice("SQLite serves one machine, while Redis is meant for several.", hint=hint, id="mailbox.W012")]


@register(Tags.compatibility, deploy=True)
def check_broker(**_: Any) -> list[CheckMessage]:
    """Tell of a broker that does not answer; mail still goes out, by the sweep."""
    if broker_state() == "ok":
        return []
    hint = "Start Redis, or correct REDIS_URL. Until then workers look for mail by themselves, every SWEEP_SECONDS."
    return [Advice("The broker does not answer.", hint=hint, id="mailbox.W013")]


@register(Tags.security, deploy=True)
def check_mail_may_leave(**_: Any) -> list[CheckMessage]:
    """Remind of a limit that belongs to demonstrations and tests."""
    if not settings.MAILBOX_DIAL_ONLY:
        return []
    problem = f"Mail servers are dialled in {', '.join(settings.MAILBOX_DIAL_ONLY)} only."
    return [Advice(problem, hint="Take MAILBOX_DIAL_ONLY out to send anywhere.", id="mailbox.W014")]


@register(Tags.security)
def check_metrics_token(**_: Any) -> list[CheckMessage]:
    """Tell of a token that is too short to keep strangers out; it opens nothing."""
    if not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= MIN_TOKEN_LENGTH:
        return []
    problem = f"METRICS_TOKEN has fewer than {MIN_TOKEN_LENGTH} characters, and lets nobody in."
    return [Error(problem, hint="Set it to 32 random characters.", id="mailbox.E015")]


@register(Tags.security)
def check_address(**_: Any) -> list[CheckMessage]:
    """Tell of an address of Mailbox itself that links can't begin with."""
    if not settings.MAILBOX_URL or settings.MAILBOX_URL.startswith(("https://", "http://")):
        return []
    problem = f"MAILBOX_URL is {settings.MAILBOX_URL!r}, which is no address of a page."
    return [Error(problem, hint="Write https://mailbox.example.org.", id="mailbox.E016")]
