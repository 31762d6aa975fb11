"""Alarms, the webhook calls that tell of them, and the tally that the metrics read."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.alarms.enums import AlarmKind, CallEvent, CallFault, CallState, Severity
from records.enums import Outcome
from senders.models import Sender

EVERYTHING = 0
"""The scope of an alarm that belongs to no single account."""


class AlarmQuerySet(models.QuerySet["Alarm"]):
    """The named filters of alarms."""

    def open(self) -> "AlarmQuerySet":
        """Keep the alarms that are not cleared."""
        return self.filter(cleared_at__isnull=True)


class Alarm(models.Model):
    """Something is wrong that a person should look at; raised and cleared by itself."""

    kind = models.CharField(max_length=32, choices=AlarmKind.choices)
    scope = models.BigIntegerField(default=EVERYTHING, help_text=_("Id of the sender account, 0 for none"))
    sender = models.ForeignKey(Sender, null=True, on_delete=models.SET_NULL, related_name="alarms")
    sender_address = models.CharField(max_length=320, blank=True)
    sender_name = models.CharField(max_length=100, blank=True)
    cause = models.CharField(max_length=64, blank=True, help_text=_("Key of the entry in the error book"))
    reply = models.CharField(max_length=1000, blank=True)
    began_at = models.DateTimeField(null=True, help_text=_("Since when it is so; of a certificate: its end"))
    amount = models.PositiveBigIntegerField(null=True, help_text=_("Mails that wait or are held or were sent today"))
    bound = models.PositiveBigIntegerField(null=True, help_text=_("How many there may be"))
    raised_at = models.DateTimeField()
    good_since = models.DateTimeField(null=True, help_text=_("When a check first found nothing wrong any more"))
    cleared_at = models.DateTimeField(null=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        ordering = ["-raised_at", "-pk"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "scope"],
                condition=models.Q(cleared_at__isnull=True),
                name="one_open_alarm_per_kind_and_scope",
            ),
            models.CheckConstraint(condition=models.Q(kind__in=AlarmKind.values), name="alarm_kind_is_known"),
        ]
        indexes = [models.Index(fields=["-raised_at", "-id"], name="alarm_by_time")]

    def __str__(self) -> str:
        """Name the kind, and the account that it is about."""
        return f"#{self.pk} {self.kind} {self.sender_address}".rstrip()

    @property
    def is_open(self) -> bool:
        """Tell whether it is not cleared."""
        return self.cleared_at is None

    @property
    def severity(self) -> Severity:
        """How soon somebody should look."""
        return AlarmKind(self.kind).severity


class WebhookCall(models.Model):
    """One call that tells of an alarm. Id and body are the same in every try, so that receivers can drop doubles."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    alarm = models.ForeignKey(Alarm, null=True, on_delete=models.CASCADE, related_name="calls")
    event = models.CharField(max_length=8, choices=CallEvent.choices)
    state = models.CharField(max_length=10, choices=CallState.choices, default=CallState.WAITING)
    body = models.TextField()
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text=_("When to try; while a try is under way, when its lease is over"))
    ended_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text=_("What the receiver answered last"))
    fault = models.CharField(max_length=24, choices=CallFault.choices, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=CallState.values), name="webhook_call_state_is_known"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(state=CallState.WAITING), name="waiting_webhook_call_by_due"
            ),
            models.Index(fields=["-created_at", "-id"], name="webhook_call_by_time"),
        ]

    def __str__(self) -> str:
        """Name the call."""
        return f"{self.id} {self.event} {self.state}"


class Hindrance(models.Model):
    """When something last kept an account's mail waiting for good reason: a pause, a limit, a fault, no worker.

    A queue that has just begun to move again is as old as that, and no alarm.
    """

    sender = models.OneToOneField(Sender, on_delete=models.CASCADE, primary_key=True, related_name="hindrance")
    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        """Tell whose mail waited, and when."""
        return f"{self.sender_id} {self.seen_at:%Y-%m-%d %H:%M:%S}"


class Tally(models.Model):
    """How many tries of a sender address ended in one way, counted once each; for the metrics."""

    sender_address = models.CharField(max_length=320, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    tries = models.PositiveBigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["sender_address", "outcome"], name="one_tally_per_sender_and_outcome")
        ]

    def __str__(self) -> str:
        """Tell what was counted."""
        return f"{self.sender_address} {self.outcome}: {self.tries}"


class TallyMark(models.Model):
    """Up to which record the tally has counted. One row."""

    counted_to = models.BigIntegerField(default=0, help_text=_("Id of the last record that was looked at"))
    seen_to = models.BigIntegerField(default=0, help_text=_("The highest id when it was last looked; counted next"))
    seen_at = models.DateTimeField(null=True)
    open_ids = models.JSONField(default=list, help_text=_("Records that were under way when they were looked at"))

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        """Tell how far it has come."""
        return f"up to {self.counted_to}"
