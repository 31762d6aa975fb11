"""What the rules would remove now, counted among the oldest only: the answer comes at once, however much there is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, QuerySet

from records.clock import database_now
from records.keeping.enums import Kind
from records.keeping.finding import ended_mail, young_contents
from records.keeping.models import ONLY, KeepingRound, KeepingRules
from records.keeping.rules import Bounds, is_stricter, rule_for
from records.models import Body, Content, Mail

MAX_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Going:
    """What of one kind would go."""

    kind: Kind
    by_age: int
    """At most one more than `MAX_COUNTED`."""
    by_size: int
    """Records, or bytes, above what the rule allows, when they were last counted."""
    more_by_age: bool
    """Whether more may go for their age than a count below its limit tells."""
    more_by_size: bool
    """Whether more may go for their size: they are being counted."""

    @property
    def is_anything(self) -> bool:
        """Whether anything would go."""
        return bool(self.by_age or self.by_size)

    @property
    def may_be_more(self) -> bool:
        """Whether more may go than is told."""
        return self.more_by_age or self.more_by_size


def look_ahead(rules: KeepingRules) -> list[Going]:
    """Tell of each kind what the rules would remove now."""
    now = database_now()
    counted = KeepingRound.objects.filter(pk=ONLY).first() or KeepingRound()
    amounts = {
        Kind.RECORDS: counted.records,
        Kind.CONTENTS: counted.contents_size,
        Kind.ATTACHMENTS: counted.attachments_size,
    }
    going = []
    for kind, amount in amounts.items():
        rule = rule_for(kind, rules)
        before = Bounds.of(rule, now).by_age
        by_age = _count_old(kind, before) if before else 0
        going.append(
            Going(
                kind,
                by_age,
                by_size=max(amount - rule.most, 0) if rule.most is not None else 0,
                more_by_age=before is not None and by_age <= MAX_COUNTED and _are_more_old(kind, before),
                more_by_size=rule.most is not None and not counted.has_counted(kind),
            )
        )
    return going


def goes_further(wanted: KeepingRules, present: KeepingRules, going: list[Going]) -> bool:
    """Tell whether wanted rules may remove what the present ones would not. `going`: what the wanted ones remove.

    The limits are compared and not what goes by either: that is only counted up to a number, and not counted at all
    while a round has just begun.
    """
    for one in going:
        new, old = rule_for(one.kind, wanted), rule_for(one.kind, present)
        if is_stricter(new.days, old.days) and (one.by_age or one.more_by_age):
            return True
        if is_stricter(new.most, old.most) and (one.by_size or one.more_by_size):
            return True
    return False


def _count_old(kind: Kind, before: datetime) -> int:
    oldest = _ids_of(kind)[: MAX_COUNTED + 1]
    if kind is Kind.ATTACHMENTS:
        return Body.objects.filter(~Exists(young_contents(before)), pk__in=oldest).count()
    return Mail.objects.filter(ended_mail(), pk__in=oldest, finished_at__lt=before).count()


def _are_more_old(kind: Kind, before: datetime) -> bool:
    """Tell whether others than the oldest may be old enough too: the oldest may all be of mail that waits."""
    beyond = _ids_of(kind)[MAX_COUNTED : MAX_COUNTED + 1].first()
    return beyond is not None and not Mail.objects.filter(pk=beyond, accepted_at__gte=before).exists()


def _ids_of(kind: Kind) -> QuerySet[Any, int]:
    """Find what there is of a kind, oldest first, each by the id of its (first) mail."""
    match kind:
        case Kind.RECORDS:
            return Mail.objects.order_by("pk").values_list("pk", flat=True)
        case Kind.CONTENTS:
            return Content.objects.order_by("pk").values_list("pk", flat=True)
        case Kind.ATTACHMENTS:
            return Body.objects.filter(attached_size__gt=0).order_by("pk").values_list("pk", flat=True)
