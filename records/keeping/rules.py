"""What the rules of keeping say at a moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from records.keeping.enums import Kind
from records.keeping.models import ONLY, KeepingRules

REST = timedelta(hours=1)
"""So long everything is kept after its mail has ended, whatever its size: a worker may still be about to note a try."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind is kept."""

    days: int | None
    most: int | None
    """Records, or bytes."""


def is_stricter(limit: int | None, before: int | None) -> bool:
    """Tell whether a limit lets less stay than the one before it; None sets none."""
    return limit is not None and (before is None or limit < before)


def get_rules() -> KeepingRules:
    """Return the rules in force; those that come with the product where nobody set others."""
    return KeepingRules.objects.filter(pk=ONLY).first() or KeepingRules(pk=ONLY)


def rule_for(kind: Kind, rules: KeepingRules) -> Rule:
    """Choose what the rules say of a kind."""
    match kind:
        case Kind.RECORDS:
            return Rule(rules.records_days, rules.max_records)
        case Kind.CONTENTS:
            return Rule(rules.contents_days, rules.max_contents_size)
        case Kind.ATTACHMENTS:
            return Rule(rules.attachments_days, rules.max_attachments_size)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which mails are old enough, by the time that they ended."""

    by_age: datetime | None
    """What ended before may go for its age; None: nothing may."""
    at_rest: datetime
    """What ended before may go where there is too much."""
    now: datetime

    @classmethod
    def of(cls, rule: Rule, now: datetime) -> "Bounds":
        """Apply a rule to a moment."""
        at_rest = now - REST
        if rule.days is None:
            return cls(None, at_rest, now)
        return cls(min(at_rest, now - timedelta(days=rule.days)), at_rest, now)

    def is_old(self, ended_at: datetime) -> bool:
        """Tell whether a mail that ended then may go for its age."""
        return self.by_age is not None and ended_at < self.by_age

    def latest(self, *, has_excess: bool) -> datetime | None:
        """Tell before when a mail must have ended to go; None where none may."""
        return self.at_rest if has_excess else self.by_age
