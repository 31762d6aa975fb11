"""Telling what a round would remove, without removing it: the same steps, whose effects are only remembered."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from django.db.models.functions import Length

from records.clock import database_now
from records.keeping.enums import Stage
from records.keeping.finding import Found, Gone, shared_with_later
from records.keeping.models import KeepingRound, KeepingRules
from records.keeping.progress import count, find, move_on
from records.keeping.removing import Removed
from records.keeping.rules import Bounds, rule_for
from records.models import Content


class RisingIds:
    """Many ids in little memory, added in rising order."""

    def __init__(self) -> None:
        """Begin without any."""
        self._ids = array("q")

    def extend(self, ids: Iterable[int]) -> None:
        """Add ids, each higher than those before."""
        self._ids.extend(ids)

    def __contains__(self, wanted: object) -> bool:
        """Tell whether an id was added."""
        if not isinstance(wanted, int):
            return False
        place = bisect_left(self._ids, wanted)
        return place < len(self._ids) and self._ids[place] == wanted


class _Pretence:
    """A round that writes nothing."""

    def __init__(self, rules: KeepingRules) -> None:
        """Begin."""
        self.here = KeepingRound(began_at=database_now())
        self._rules = rules
        self._mails = RisingIds()
        self._bodies: set[int] = set()

    def take_step(self) -> None:
        """Do one step."""
        stage = Stage(self.here.stage)
        if stage in (Stage.DROP_MONTHS, Stage.FORGET_KEYS):  # nothing that is told of, or that does not come later
            move_on(self.here, Found((), 0, 0, is_last=True), Removed())
            return
        if not stage.is_removing:
            count(self.here, self._rules)
            return
        bounds = Bounds.of(rule_for(stage.kind, self._rules), database_now())
        found = find(self.here, bounds, Gone(self._mails, self._bodies))
        move_on(self.here, found, self._pretend(stage, found.ids, found.amount))

    def _pretend(self, stage: Stage, ids: Sequence[int], amount: int) -> Removed:
        match stage:
            case Stage.REMOVE_RECORDS:
                self._mails.extend(ids)
                return Removed(mails=len(ids), records=amount, contents=self._remove_contents(ids))
            case Stage.REMOVE_CONTENTS:
                return Removed(contents=self._remove_contents(ids))
            case _:
                return Removed(bodies=len(ids))

    def _remove_contents(self, mail_ids: Sequence[int]) -> int:
        """Take contents for removed: what is counted next is counted without them."""
        contents = Content.objects.filter(mail_id__in=mail_ids).order_by("mail_id")
        rows = contents.values_list(
            "body_id", "body__attached_size", Length("head"), Length("body__octets"), shared_with_later()
        )
        number = 0
        for number, (body_id, files, head, body, is_shared) in enumerate(rows, 1):  # noqa: B007  # wanted afterwards
            self.here.contents_size -= head + (0 if is_shared else body)
            if files and not is_shared:
                self.here.attachments_size -= files
                self._bodies.add(body_id)
        return number


def pretend_round(rules: KeepingRules) -> KeepingRound:
    """Tell what a whole round would do now; the round that is returned is not stored."""
    pretence = _Pretence(rules)
    while pretence.here.ended_at is None:
        pretence.take_step()
    return pretence.here
