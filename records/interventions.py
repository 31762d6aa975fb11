"""What people did to mails beyond writing them: one row per mail and deed, and one per deed done to many at once."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Deed(models.TextChoices):
    """What a person may do to a mail that was accepted."""

    CANCEL = "cancel", _("Cancelled")
    """It waited, and is not sent to anyone who has not got it."""
    RETRY = "retry", _("Tried again")
    """It had ended; whoever has not got it is tried again."""
    SEND_NOW = "send_now", _("Sent without waiting")
    """It waited for its next try or its time, and became due at once."""
    ARRIVED = "arrived", _("Arrived, says a person")
    """It may have arrived; a person says that it did."""
    SEND_AGAIN = "send_again", _("Sent again, though it may have arrived")
    """It may have arrived; it is tried again, and may arrive twice."""
    GIVE_UP = "give_up", _("Given up by a person")
    """It may have arrived; it counts as failed and is not tried again."""
    PROLONG = "prolong", _("Time of a pause given back")
    """Sending was paused; the pause does not count against its time to give up. Kept of many at once only."""


class Intervention(models.Model):
    """One deed of one person at one mail. Never changed."""

    mail = models.ForeignKey("records.Mail", on_delete=models.CASCADE, related_name="interventions")
    deed = models.CharField(max_length=16, choices=Deed.choices)
    done_by = models.CharField(max_length=150)
    done_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ["done_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(deed__in=Deed.values), name="intervention_deed_is_known"),
        ]

    def __str__(self) -> str:
        """Tell who did what to which mail."""
        return f"{self.mail_id}: {self.deed} by {self.done_by}"


class BulkState(models.TextChoices):
    """How far a deed at many mails is."""

    GOING = "going", _("Going on")
    """Batch after batch is done."""
    DONE = "done", _("Done")
    """It was done to all that were meant. Final."""
    CANCELLED = "cancelled", _("Cancelled")
    """A person stopped it: the rest stays as it was. Final."""
    WITHDRAWN = "withdrawn", _("Not allowed any more")
    """Whoever began it was deactivated since, or may not do it any more: the rest stays as it was. Final."""


class BulkIntervention(models.Model):
    """One deed at every mail that a set of filters keeps, done in batches and continued by whoever finds it unfinished.

    Each batch moves `last_id` on in its own transaction, so that it can be broken off anywhere.
    """

    deed = models.CharField(max_length=16, choices=Deed.choices)
    filters: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    # Kept when the person is deleted: empty would mean that nobody has to be allowed.
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        db_index=False,
        help_text=_("Who must be allowed to; empty: nobody, as for a command"),
    )
    done_by = models.CharField(max_length=150)
    began_at = models.DateTimeField()
    up_to_id = models.BigIntegerField(help_text=_("Mail that was accepted later is left alone"))
    last_id = models.BigIntegerField(default=0, help_text=_("Every mail up to this one is dealt with"))
    changed = models.PositiveIntegerField(default=0, help_text=_("Mails that it was done to"))
    state = models.CharField(max_length=10, choices=BulkState.choices, default=BulkState.GOING)
    finished_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=150, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(deed__in=Deed.values), name="bulk_intervention_deed_is_known"),
            models.CheckConstraint(
                condition=models.Q(state__in=BulkState.values), name="bulk_intervention_state_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state=BulkState.GOING, finished_at__isnull=True)
                | (~models.Q(state=BulkState.GOING) & models.Q(finished_at__isnull=False)),
                name="only_ended_bulk_intervention_has_an_end",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(finished_at__isnull=True), name="unfinished_intervention"),
        ]

    def __str__(self) -> str:
        """Tell who does what, and how far it is."""
        return f"{self.deed} by {self.done_by}: {self.changed}"

    @property
    def is_unfinished(self) -> bool:
        """Tell whether there is more to do."""
        return self.finished_at is None
