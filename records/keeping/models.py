"""The rules of keeping, and how far the round that follows them has come. One row each."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.keeping.enums import Kind, Stage

ONLY = 1
"""Key of the one row."""


class KeepingRules(models.Model):
    """How long what is kept. Empty means for ever, or as much as there is."""

    records_days = models.PositiveIntegerField(null=True, default=400)
    contents_days = models.PositiveIntegerField(null=True, default=30)
    attachments_days = models.PositiveIntegerField(null=True, default=30)
    max_records = models.PositiveBigIntegerField(null=True, default=20_000_000)
    max_contents_size = models.PositiveBigIntegerField(null=True, default=5 * 1024**3, help_text=_("Bytes"))
    max_attachments_size = models.PositiveBigIntegerField(null=True, help_text=_("Bytes"))
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("keeping rules")
        default_permissions = ("change",)

    def __str__(self) -> str:
        """Tell the days."""
        return f"{self.records_days}, {self.contents_days}, {self.attachments_days} days"


class KeepingRound(models.Model):
    """One walk through everything, oldest first: what there is, is counted, and what need not be kept is removed.

    Each step commits what it removed together with how far it came, so that a round can be broken off anywhere.
    """

    stage = models.CharField(max_length=24, choices=Stage.choices, default=Stage.DROP_MONTHS)
    reached = models.BigIntegerField(default=0, help_text=_("Id of the last row of this stage that was looked at"))
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    records = models.PositiveBigIntegerField(default=0, help_text=_("Records when they were counted"))
    contents_size = models.PositiveBigIntegerField(default=0, help_text=_("Bytes of contents, as they are stored"))
    attachments_size = models.PositiveBigIntegerField(default=0, help_text=_("Bytes of attached files"))
    excess = models.BigIntegerField(default=0, help_text=_("So much of this stage is to go, however young"))
    removed_mails = models.PositiveBigIntegerField(default=0)
    removed_records = models.PositiveBigIntegerField(default=0)
    removed_contents = models.PositiveBigIntegerField(default=0)
    stripped_bodies = models.PositiveBigIntegerField(default=0, help_text=_("Bodies whose attachments were removed"))

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        """Tell how far it has come."""
        return f"{self.stage} {self.reached}"

    def has_counted(self, kind: Kind) -> bool:
        """Tell whether it has counted all there is of a kind."""
        return self.ended_at is not None or Stage(self.stage).has_counted(kind)

    def take_over(self, other: "KeepingRound") -> None:
        """Tell what another round removed, which this one takes the place of, with what this one does."""
        self.removed_mails += other.removed_mails
        self.removed_records += other.removed_records
        self.removed_contents += other.removed_contents
        self.stripped_bodies += other.stripped_bodies


class RemovalMark(models.Model):
    """Up to when records were removed: of the hours after it, all are there. One row, once anything was removed.

    It is moved on in the transaction that removes, and never back.
    """

    # Apart from the round: that one begins anew every hour.
    latest_at = models.DateTimeField(help_text=_("When the latest try began that was ever removed"))

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        """Tell the time."""
        return f"up to {self.latest_at:%Y-%m-%d %H:%M}"
