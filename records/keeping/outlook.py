"""What the rules would remove now, counted among the oldest only: the answer comes at once, however much there is."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, QuerySet

from records.clock import database_now
from records.keeping.enums import Kind
from records.keeping.finding import ended_mail, young_contents
from records.keeping.models import ONLY, KeepingRound, KeepingRules
from records.keeping.rules import Bounds, rule_for
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

    @property
    def is_anything(self) -> bool:
        """Whether anything would go."""
        return bool(self.by_age or self.by_size)


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
        excess = max(amount - rule.most, 0) if rule.most is not None else 0
        going.append(Going(kind, _count_old(kind, before) if before else 0, excess))
    return going


def _count_old(kind: Kind, before: datetime) -> int:
    match kind:
        case Kind.RECORDS:
            oldest = Mail.objects.order_by("pk")
            return _old(oldest, before).count()
        case Kind.CONTENTS:
            oldest = Mail.objects.filter(pk__in=Content.objects.order_by("pk").values("pk")[: MAX_COUNTED + 1])
            return _old(oldest, before).count()
        case Kind.ATTACHMENTS:
            with_files = Body.objects.filter(attached_size__gt=0).order_by("pk").values("pk")[: MAX_COUNTED + 1]
            return Body.objects.filter(~Exists(young_contents(before)), pk__in=with_files).count()


def _old(mails: QuerySet[Mail], before: datetime) -> QuerySet[Mail]:
    oldest = mails.values("pk")[: MAX_COUNTED + 1]
    return Mail.objects.filter(ended_mail(), pk__in=oldest, finished_at__lt=before)
