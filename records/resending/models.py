"""Orders to send many mails again, and what is left to do of each."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from records.resending.enums import LeftOut, ResendingState

if TYPE_CHECKING:
    Counts = models.JSONField[dict[str, int], dict[str, int]]

UNFINISHED = (ResendingState.COLLECTING, ResendingState.SENDING)


class Resending(models.Model):
    """One order: every mail of the records that filters keep goes again, once, as a new mail.

    Done in batches of one transaction each, so that it can be broken off anywhere and continued by anyone.
    """

    ticket = models.UUIDField(unique=True, help_text=_("Of the page that was confirmed: it can be sent in twice"))
    query = models.TextField(help_text=_("The filters as an address writes them"))
    time_zone = models.CharField(max_length=64, help_text=_("Whose days the filters mean"))
    position = models.CharField(max_length=40, help_text=_("Older records are still to be read"))
    up_to_id = models.BigIntegerField(help_text=_("Records that were written later are left alone"))
    to = models.CharField(max_length=320, blank=True, help_text=_("Another receiver; empty: their own"))
    is_for_failed = models.BooleanField(
        default=False, help_text=_("The filters keep no try that went well: who has the mail by now is left out")
    )
    # Not a key: an account that is deleted meanwhile must not turn into none, which means the own of each mail.
    sender_id = models.BigIntegerField(null=True, help_text=_("The account that sends; empty: the own of each mail"))
    state = models.CharField(max_length=10, choices=ResendingState.choices, default=ResendingState.COLLECTING)
    total = models.PositiveIntegerField(default=0, help_text=_("Mails that are meant"))
    sent = models.PositiveIntegerField(default=0, help_text=_("Mails that were asked for again"))
    left_out: "Counts" = models.JSONField(default=dict, help_text=_("How many were left out, by the reason"))
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    done_by = models.CharField(max_length=150, help_text=_("What the person was called then"))
    requester_ip = models.GenericIPAddressField(null=True)
    began_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=150, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=ResendingState.values), name="resending_state_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=[*UNFINISHED], finished_at__isnull=True)
                | (~models.Q(state__in=[*UNFINISHED]) & models.Q(finished_at__isnull=False)),
                name="only_ended_resending_has_an_end",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(finished_at__isnull=True), name="unfinished_resending"),
        ]

    def __str__(self) -> str:
        """Tell who wanted it, and how far it is."""
        return f"resending {self.pk} by {self.done_by}: {self.sent} of {self.total}"

    @property
    def handled(self) -> int:
        """How many mails are dealt with."""
        return self.sent + self.left_out_in_all

    @property
    def left_out_in_all(self) -> int:
        """How many mails were left out, for whatever reason."""
        return sum(self.left_out.values())

    @property
    def is_unfinished(self) -> bool:
        """Tell whether there is more to do."""
        return self.state in UNFINISHED


class ResendingReceiver(models.Model):
    """A receiver of a mail that is to go again. Gone when the mail went; kept, once per mail, where it was left out."""

    resending = models.ForeignKey(Resending, on_delete=models.CASCADE, related_name="receivers", db_index=False)
    # Not keys: whoever deletes old mail need not look here, and what is gone by then is left out.
    mail_id = models.BigIntegerField()
    receiver_id = models.BigIntegerField()
    left_out = models.CharField(max_length=16, choices=LeftOut.choices, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["resending", "left_out", "mail_id", "receiver_id"], name="resending_names_a_receiver_once"
            ),
            models.CheckConstraint(
                condition=models.Q(left_out__in=["", *LeftOut.values]), name="reason_to_leave_out_is_known"
            ),
        ]

    def __str__(self) -> str:
        """Name the mail."""
        return f"{self.mail_id} in {self.resending_id}"
