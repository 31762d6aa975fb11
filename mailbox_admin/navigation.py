"""Where one can go: the overview, and the tabs of the Mailbox module."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from mailbox_admin.addresses import find_address
from mailbox_admin.permissions import PAGE_PERMISSIONS

Person = User | AnonymousUser


@dataclass(frozen=True, slots=True)
class Destination:
    """A page that the navigation leads to."""

    view_name: str
    label: str | Promise


@dataclass(frozen=True, slots=True)
class Tab:
    """A destination as one person sees it on one page."""

    label: str | Promise
    url: str
    is_current: bool


OVERVIEW = Destination("records:overview", _("Dashboard"))
DESTINATIONS = (
    Destination("senders:list", _("Sender accounts")),
    Destination("records:list", _("Mail sending record")),
    Destination("delivery:queue", _("Queue")),
    Destination("delivery:compose", _("Write mail")),
    Destination("delivery:alarms", _("Alarms")),
    Destination("records:keeping", _("Keeping")),
    Destination("delivery:masking", _("Masking")),
)


def list_tabs(person: Person, current_view: str) -> list[Tab]:
    """List the tabs that a person may open, marking the page that is shown."""
    tabs = (_find_tab(destination, person, current_view) for destination in DESTINATIONS)
    return [tab for tab in tabs if tab]


def find_overview(person: Person, current_view: str) -> Tab | None:
    """Return the way to the overview, or None for a person who may not open it."""
    return _find_tab(OVERVIEW, person, current_view)


def find_first_tab(person: Person) -> str | None:
    """Return the address of the first tab that a person may open, or None where there is none."""
    return next((tab.url for tab in list_tabs(person, "")), None)


def find_home(person: Person) -> str | None:
    """Return the address of the first page that a person may open, or None where there is none."""
    overview = find_overview(person, "")
    return overview.url if overview else find_first_tab(person)


def _find_tab(destination: Destination, person: Person, current_view: str) -> Tab | None:
    if not person.has_perms(PAGE_PERMISSIONS[destination.view_name]):
        return None
    url = find_address(destination.view_name)
    return Tab(destination.label, url, is_current=destination.view_name == current_view)
