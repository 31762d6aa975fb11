"""What every page shows around its content: theme, language, tabs."""

from dataclasses import dataclass

from django.conf import settings
from django.db import models
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from mailbox_admin.navigation import OVERVIEW, Tab, find_overview, list_tabs

THEME_COOKIE = "theme"


class Theme(models.TextChoices):
    """How the pages are coloured."""

    LIGHT = "light", _("Light")
    """Dark text on a light ground."""
    AUTO = "auto", _("As the system")
    """As the operating system is set."""
    DARK = "dark", _("Dark")
    """Light text on a dark ground."""


_ICONS = {Theme.LIGHT: "sun", Theme.AUTO: "monitor", Theme.DARK: "moon"}
_SHORT_LANGUAGE_NAMES = {"en": "EN", "zh-hans": "中文"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One button of the theme or language switch."""

    value: str
    label: str | Promise
    is_current: bool
    icon: str = ""
    short: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """What stands around the content of a page."""

    theme: str
    themes: list[Choice]
    languages: list[Choice]
    overview: Tab | None
    """The way to it, for who may open it."""
    tabs: list[Tab]
    is_mailbox: bool
    """Whether the page is one of the Mailbox module."""


def find_theme(request: HttpRequest) -> Theme:
    """Read the theme from its cookie; anything unknown is AUTO."""
    value = request.COOKIES.get(THEME_COOKIE, "")
    return Theme(value) if value in Theme.values else Theme.AUTO


def shell(request: HttpRequest) -> dict[str, Shell]:
    """Give templates the variable `shell`."""
    theme = find_theme(request)
    language = get_language()
    match = request.resolver_match
    user = getattr(request, "user", None)
    view_name = match.view_name if match else ""
    return {
        "shell": Shell(
            theme=theme.value,
            themes=[Choice(each.value, each.label, each == theme, icon=_ICONS[each]) for each in Theme],
            languages=[
                Choice(code, name, code == language, short=_SHORT_LANGUAGE_NAMES[code])
                for code, name in settings.LANGUAGES
            ],
            overview=find_overview(user, view_name) if user else None,
            tabs=list_tabs(user, view_name) if user else [],
            is_mailbox=bool(match and match.namespace and view_name != OVERVIEW.view_name),
        )
    }
