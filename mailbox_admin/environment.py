"""What operators set: variables of the environment, and those of the file `env` in the data folder.

The environment wins. A value that can't be used is a sentence, which never shows the value where that may be a secret.
"""

import contextlib
import math
import os
from collections.abc import Collection
from typing import Any, Never
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

from mailbox_admin.data_dir import find_data_dir

_YES = {"1", "true", "yes", "on"}
_DATABASES = ("postgres://", "postgresql://", "sqlite://")
_NO = {"0", "false", "no", "off", ""}


class SettingError(ImproperlyConfigured):
    """A variable holds what can't be used. The message says which one, and what is wanted.

    Not raised for values that only a system check can judge, such as a broker that does not answer.
    """


class Environment:
    """Reads variables, each as what it is; one that is missing or empty has its default."""

    def __init__(self) -> None:
        """Take over the variables of the file, for this process and its children."""
        given = {name: value for name, value in os.environ.items() if value}
        environ.Env.read_env(find_data_dir() / "env", overwrite=True)
        os.environ.update(given)

    def __call__(self, name: str, *, default: str | None = None) -> str:
        """Read a text."""
        value = os.environ.get(name) or default
        if value is None:
            raise SettingError(f"{name} is not set.")
        return value

    def one_of(self, name: str, choices: Collection[str], *, default: str) -> str:
        """Read one of a few words."""
        value = self(name, default=default)
        return value if value in choices else _refuse(name, f"write one of {', '.join(choices)}")

    def int(self, name: str, *, default: int, least: int = 1, most: int | None = None) -> int:
        """Read a whole number."""
        try:
            value = int(self(name, default=str(default)))
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            bounds = f"{least} or more" if most is None else f"from {least} to {most}"
            return _refuse(name, f"write a whole number, {bounds}")
        return value

    def float(self, name: str, *, default: float) -> float:
        """Read a length of time, or another number above zero."""
        try:
            value = float(self(name, default=str(default)))
        except ValueError:
            value = math.nan
        return value if math.isfinite(value) and value > 0 else _refuse(name, "write a number above 0")

    def bool(self, name: str, *, default: bool) -> bool:
        """Read a switch. A slip of the pen must not count as off: some of them protect."""
        value = self(name, default="1" if default else "0").lower()
        return value in _YES if value in _YES | _NO else _refuse(name, "write 1 or 0")

    def list(self, name: str) -> list[str]:
        """Read what is separated by commas."""
        return [part for part in map(str.strip, self(name, default="").split(",")) if part]

    def time_zone(self, name: str, *, default: str) -> str:
        """Read the name of a time zone."""
        value = self(name, default=default)
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):  # unknown; no name at all; a folder of names
            _refuse(name, "write the name of a time zone, such as Asia/Shanghai")
        return value

    def database(self, name: str, *, default: str) -> dict[str, Any]:
        """Read the URL of a database, as Django's DATABASES wants it."""
        url = self(name, default=default)
        found: dict[str, Any] = {}
        # Asked first: the parser writes an unknown URL into a warning, password and all.
        if url.startswith(_DATABASES):
            with contextlib.suppress(ValueError):
                found = environ.Env.db_url_config(url)
        return found or _refuse(name, "write postgres://user:password@host/name", may_show=False)

    def redis(self, name: str) -> str:
        """Read the URL of a Redis; empty where there is none."""
        value = self(name, default="")
        if value and not value.startswith(("redis://", "rediss://", "redis+socket://")):
            _refuse(name, "write redis://host:6379/0", may_show=False)
        return value


def _refuse(name: str, wanted: str, *, may_show: bool = True) -> Never:
    shown = f"{name} is {os.environ[name]!r}" if may_show else f"{name} can't be used"
    raise SettingError(f"{shown}: {wanted}.")
