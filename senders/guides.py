"""Step-by-step guides to the providers' settings, read once from `data/guides/*.toml`."""

import datetime as dt
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from senders.bilingual import Bilingual, read_bilingual

GUIDES_FOLDER = Path(__file__).parent / "data" / "guides"


class GuideNotFoundError(LookupError):
    """No guide has this slug.

    Raised by `get_guide`; `find_guide` returns None instead.
    """


class FormField(models.TextChoices):
    """The fields of the sender form that a guide says the value of, named as the form names them."""

    HOST = "host", _("Mail Server (SMTP)")
    """Where to connect."""
    PORT = "port", _("Port")
    """On which port."""
    ENCRYPTION = "encryption", _("Encryption Method")
    """How the connection is protected."""
    ADDRESS = "address", _("Sender Address")
    """As whom mail is sent."""
    PASSWORD = "password", _("Password")
    """What to sign in with."""
    DISPLAY_NAME = "display_name", _("Displayed Name")
    """The name beside the address."""
    LOGIN_METHOD = "login_method", _("Sign in with")
    """Which name to sign in with."""
    TRUSTED_CERTIFICATES = "trusted_certificates", _("Trusted certificate")
    """The certificate of an internal CA."""


@dataclass(frozen=True, slots=True)
class FieldValue:
    """What to type or choose in one field of the form."""

    field: FormField
    value: Bilingual


@dataclass(frozen=True, slots=True)
class Notice:
    """A change at the provider on a known day; the sentence depends on whether that day has come."""

    effective_on: dt.date
    before: Bilingual
    since: Bilingual

    def text_on(self, day: dt.date) -> str:
        """Return the sentence as it is true on a day, with the date written in the active language."""
        sentence = self.before if day < self.effective_on else self.since
        return str(sentence).replace("{date}", date_format(self.effective_on, "DATE_FORMAT"))

    def __str__(self) -> str:
        """Return the sentence as it is true today."""
        return self.text_on(timezone.localdate())


@dataclass(frozen=True, slots=True)
class Guide:
    """How to get an account of one provider ready, and what to type in the form."""

    slug: str
    title: Bilingual
    summary: Bilingual
    notices: tuple[Notice, ...]
    steps: tuple[Bilingual, ...]
    """To be numbered from 1."""
    values: tuple[FieldValue, ...]
    mistakes: tuple[Bilingual, ...]


def _read_notice(table: Mapping[str, Any]) -> Notice:
    return Notice(
        effective_on=table["effective_on"], before=read_bilingual(table["before"]), since=read_bilingual(table["since"])
    )


def _read_texts(tables: Sequence[Mapping[str, str]]) -> tuple[Bilingual, ...]:
    return tuple(read_bilingual(table) for table in tables)


def _read_value(table: Mapping[str, Any]) -> FieldValue:
    return FieldValue(field=FormField(table["field"]), value=read_bilingual(table["value"]))


def _read_guide(path: Path) -> Guide:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return Guide(
        slug=path.stem,
        title=read_bilingual(table["title"]),
        summary=read_bilingual(table["summary"]),
        notices=tuple(_read_notice(each) for each in table.get("notices", ())),
        steps=_read_texts(table["steps"]),
        values=tuple(_read_value(each) for each in table["values"]),
        mistakes=_read_texts(table["mistakes"]),
    )


GUIDES: tuple[Guide, ...] = tuple(_read_guide(path) for path in sorted(GUIDES_FOLDER.glob("*.toml")))
_BY_SLUG = {guide.slug: guide for guide in GUIDES}


def find_guide(slug: str) -> Guide | None:
    """Return the guide with this slug."""
    return _BY_SLUG.get(slug)


def get_guide(slug: str) -> Guide:
    """Return the guide with this slug.

    Raises:
        GuideNotFoundError: If there is none.
    """
    guide = find_guide(slug)
    if guide is None:
        raise GuideNotFoundError(slug)
    return guide
