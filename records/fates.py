"""The receivers of a mail by how they fared."""

from dataclasses import dataclass
from itertools import groupby

from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber

from records.enums import ReceiverState
from records.models import Mail, Receiver

MAX_ALIKE = 100
"""So many receivers that fared alike are shown."""
# Those are looked for who did not get it: they stand first.
_ORDER = sorted(ReceiverState, key=lambda state: (state.is_served, state is ReceiverState.ACCEPTED))


@dataclass(frozen=True, slots=True)
class Fate:
    """The receivers of a mail that fared alike."""

    state: ReceiverState
    receivers: list[Receiver]
    """Of these, as many as are shown."""
    count: int

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.count - len(self.receivers)


def find_fates(mail: Mail) -> list[Fate]:
    """Find the receivers of a mail by how they fared, those that it was accepted for last."""
    counted = mail.receivers.annotate(
        alike=Window(Count("pk"), partition_by=F("state")),
        place=Window(RowNumber(), partition_by=F("state"), order_by="pk"),
    )
    receivers = counted.filter(place__lte=MAX_ALIKE).order_by("state", "pk")
    fates = []
    for state, group in groupby(receivers, key=lambda receiver: receiver.state):
        first, *others = group
        fates.append(Fate(ReceiverState(state), [first, *others], first.alike))
    return sorted(fates, key=lambda fate: _ORDER.index(fate.state))
