"""Where one can go: the tabs of the Mailbox module."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

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


DESTINATIONS = (
    Destination("senders:list", _("Sender accounts")),
    Destination("records:list", _("Mail sending record")),
    Destination("delivery:queue", _("Queue")),
    Destination("delivery:compose", _("Write mail")),
    Destination("delivery:alarms", _("Alarms")),
)


def list_tabs(person: Person, current_view: str) -> list[Tab]:
    """List the tabs that a person may open, marking the page that is shown."""
    return [
        Tab(destination.label, reverse(destination.view_name), is_current=destination.view_name == current_view)
        for destination in DESTINATIONS
        if person.has_perms(PAGE_PERMISSIONS[destination.view_name])
    ]


def find_home(person: Person) -> str | None:
    """Return the address of the first page that a person may open, or None where there is none."""
    return next((tab.url for tab in list_tabs(person, "")), None)
