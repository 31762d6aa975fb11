"""Finding the account that a request names; each is looked up once for all requests of a call."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from delivery.exceptions import RequestRefusedError
from senders.models import Sender
from senders.services import find_default_sender
from senders.validators import has_control_characters

LONGEST_LOOKED_FOR = 320
"""Characters; no key, caller or address that was ever stored is longer."""


def is_storable(text: str) -> bool:
    """Tell whether a short text could stand in the database at all; some databases can't even be asked for others."""
    return len(text) <= LONGEST_LOOKED_FOR and not has_control_characters(text)


class NamedAccounts:
    """The accounts that the requests of one call name."""

    def __init__(self) -> None:
        """Start without any."""
        self._found: dict[str | int | None, Sender | None] = {}

    def find(self, name: Sender | str | int | None) -> Sender | None:
        """Find the account to send with; None where none is named and there is no default.

        Raises:
            RequestRefusedError: The named account doesn't exist or is disabled.
        """
        key = name.pk if isinstance(name, Sender) else name
        if key not in self._found:
            self._found[key] = find_default_sender() if key is None else _query(key).first()
        account = self._found[key]
        if account is None and name is not None:
            raise RequestRefusedError({"sender": [_("There is no such sender account.")]})
        if account is not None and name is not None and not account.is_enabled:
            raise RequestRefusedError({"sender": [_("%(sender)s is disabled.") % {"sender": account}]})
        return account


def _query(key: str | int) -> QuerySet[Sender]:
    if isinstance(key, int):
        return Sender.objects.filter(pk=key)
    return Sender.objects.filter(address__iexact=key) if is_storable(key) else Sender.objects.none()
