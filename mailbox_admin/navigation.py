"""Where one can go: the tabs of the Mailbox module, and which permission each page asks for."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

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
    Destination("delivery:compose", _("Write mail")),
)

# What each address asks for, so that the page for "not allowed" can name it. A test holds it against the views.
PERMISSIONS: dict[str, tuple[str, ...]] = {
    "senders:list": ("senders.view_sender",),
    "senders:add": ("senders.add_sender",),
    "senders:edit": ("senders.change_sender",),
    "senders:delete": ("senders.delete_sender",),
    "senders:set_default": ("senders.set_default_sender",),
    "senders:guide": ("senders.view_sender",),
    "records:list": ("records.view_sendingrecord",),
    "records:detail": ("records.view_sendingrecord",),
    "records:export": ("records.export_records",),
    "records:preview": ("records.view_content",),
    "records:attachment": ("records.view_content",),
    "delivery:check": ("senders.test_sender", "senders.add_sender"),
    "delivery:check_saved": ("senders.test_sender",),
    "delivery:detect": ("senders.test_sender",),
    "delivery:compose": ("records.send_mail",),
    "delivery:accepted": ("records.send_mail",),
    "delivery:resend": ("records.send_mail",),
    "delivery:cancel": ("records.cancel_mail",),
}


def list_tabs(person: Person, current_view: str) -> list[Tab]:
    """List the tabs that a person may open, marking the page that is shown."""
    return [
        Tab(destination.label, reverse(destination.view_name), is_current=destination.view_name == current_view)
        for destination in DESTINATIONS
        if person.has_perms(PERMISSIONS[destination.view_name])
    ]


def find_home(person: Person) -> str | None:
    """Return the address of the first page that a person may open, or None where there is none."""
    return next((tab.url for tab in list_tabs(person, "")), None)
