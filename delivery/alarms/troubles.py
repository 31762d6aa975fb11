"""What is wrong now, as a check finds it. An alarm is a trouble that was written down."""

from dataclasses import dataclass
from datetime import datetime

from records.alarms.enums import AlarmKind
from records.alarms.models import EVERYTHING
from senders.models import Sender


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong."""

    kind: AlarmKind
    sender: Sender | None = None
    """The account that it is about; None: it belongs to no single one."""
    cause: str = ""
    """Key of the entry in the error book."""
    reply: str = ""
    began_at: datetime | None = None
    amount: int | None = None
    bound: int | None = None

    @property
    def scope(self) -> int:
        """The id of the account, or EVERYTHING."""
        return self.sender.pk if self.sender else EVERYTHING

    @property
    def key(self) -> tuple[str, int]:
        """What at most one open alarm may have."""
        return (self.kind.value, self.scope)
