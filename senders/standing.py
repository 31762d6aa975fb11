"""How a sender account stands: whether anything keeps its mail, as a page says it in two words."""

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from senders.enums import CircuitState
from senders.listing import SenderRow

_SHORT = timedelta(minutes=1)
"""A limit that is over so soon is one of mails per minute: mail flows, only not all at once."""


class Standing(models.TextChoices):
    """How an account stands; the first that holds, the worst one first."""

    UNREADABLE = "unreadable", _("Password unreadable")
    """Its stored password can't be decrypted."""
    REFUSED = "refused", _("Sign-in refused")
    """Its server refused the sign-in."""
    UNREACHABLE = "unreachable", _("Not reachable")
    """No session with its server could be opened."""
    PAUSED = "paused", _("Paused")
    """A person holds its mail."""
    LIMITED = "limited", _("Limit reached")
    """It has sent what it may, or its server asked to wait."""
    DISABLED = "disabled", _("Disabled")
    """It is not to send."""
    WORKING = "working", _("Working")
    """Nothing keeps its mail."""


def standing_of(row: SenderRow) -> Standing:
    """Tell how an account stands."""
    sender, circuit, until = row.sender, row.circuit, row.allowance.exhausted_until
    if not row.is_readable:
        return Standing.UNREADABLE
    if circuit and circuit.state == CircuitState.REFUSED:
        return Standing.REFUSED
    if circuit:
        return Standing.UNREACHABLE
    if sender.paused_at:
        return Standing.PAUSED
    if not sender.is_enabled:
        return Standing.DISABLED
    return Standing.LIMITED if until and until > timezone.now() + _SHORT else Standing.WORKING
