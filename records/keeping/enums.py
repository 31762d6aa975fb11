"""The stages of a round, in their order. Stored values never change."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(StrEnum):
    """What is kept by a rule of its own."""

    RECORDS = "records"
    """Mails, their receivers and the tries at them; what they said goes with them."""
    CONTENTS = "contents"
    """What mails said: their header fields and bodies."""
    ATTACHMENTS = "attachments"
    """Files; the body stays, with a note in the place of each."""


class Stage(models.TextChoices):
    """What a round does at present. Each kind is counted right before it is removed: then nothing is counted twice."""

    DROP_MONTHS = "drop_months", _("Dropping whole months of contents")
    """Months whose contents may all go, where each has tables of its own; and tables for the month to come."""
    COUNT_RECORDS = "count_records", _("Counting records")
    """How many tries there are."""
    REMOVE_RECORDS = "remove_records", _("Removing records")
    """Mails with all that belongs to them."""
    COUNT_HEADS = "count_heads", _("Measuring header fields")
    """How much room the mails' own header fields take."""
    COUNT_BODIES = "count_bodies", _("Measuring bodies")
    """How much room the bodies take."""
    REMOVE_CONTENTS = "remove_contents", _("Removing contents")
    """What mails said, and the bodies that no mail has any more."""
    COUNT_ATTACHMENTS = "count_attachments", _("Measuring attachments")
    """How much room attached files take."""
    REMOVE_ATTACHMENTS = "remove_attachments", _("Removing attachments")
    """Files within bodies that stay."""
    FORGET_KEYS = "forget_keys", _("Tidying the sums")
    """Names that no sum is of any more, since sums are kept for a time of their own; no rule is about them."""

    @property
    def next(self) -> "Stage | None":
        """The stage that follows; None after the last one."""
        stages = list(Stage)
        place = stages.index(self) + 1
        return stages[place] if place < len(stages) else None

    @property
    def kind(self) -> Kind:
        """What it is about, for those that a rule is about."""
        return _KINDS[self]

    @property
    def is_removing(self) -> bool:
        """Whether it removes, and does not count."""
        return self in _REMOVING.values()

    def has_counted(self, kind: Kind) -> bool:
        """Tell whether a round that is here has counted all there is of a kind."""
        stages = list(Stage)
        return stages.index(self) >= stages.index(_REMOVING[kind])


_KINDS = {
    Stage.DROP_MONTHS: Kind.CONTENTS,
    Stage.COUNT_RECORDS: Kind.RECORDS,
    Stage.REMOVE_RECORDS: Kind.RECORDS,
    Stage.COUNT_HEADS: Kind.CONTENTS,
    Stage.COUNT_BODIES: Kind.CONTENTS,
    Stage.REMOVE_CONTENTS: Kind.CONTENTS,
    Stage.COUNT_ATTACHMENTS: Kind.ATTACHMENTS,
    Stage.REMOVE_ATTACHMENTS: Kind.ATTACHMENTS,
}

_REMOVING = {
    Kind.RECORDS: Stage.REMOVE_RECORDS,
    Kind.CONTENTS: Stage.REMOVE_CONTENTS,
    Kind.ATTACHMENTS: Stage.REMOVE_ATTACHMENTS,
}
"""The stage that removes a kind: all of it was counted right before."""
