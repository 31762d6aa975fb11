"""What was asked (Mail, Content, Body, Receiver) and what was tried (SendingRecord)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.alarms.models import Alarm, Hindrance, Tally, TallyMark, WebhookCall  # noqa: F401  # tables of this room
from records.dialogue.models import Dialogue  # noqa: F401  # tables of this room
from records.enums import (
    Fault,
    MailKind,
    MailState,
    Outcome,
    Packing,
    Phase,
    Priority,
    ReceiverKind,
    ReceiverState,
    ResultClass,
    SkipReason,
)
from records.export.models import ExportOrder, ExportPiece  # noqa: F401  # tables of this room
from records.interventions import BulkIntervention, Intervention  # noqa: F401  # tables of this room
from records.keeping.models import KeepingRound, KeepingRules, RemovalMark  # noqa: F401  # tables of this room
from records.listing.models import ListPreference, SavedView  # noqa: F401  # tables of this room
from records.masking.models import Masking, MaskingRule, SealedContent  # noqa: F401  # tables of this room
from records.months.calendar import this_month
from records.packing import unpack
from records.querysets import SendingRecordQuerySet
from records.resending.models import Resending, ResendingReceiver  # noqa: F401  # tables of this room
from records.rollups.models import (  # noqa: F401  # tables of this room
    DayRollup,
    HourTotal,
    MonthRollup,
    Rollup,
    RollupDelta,
    RollupKey,
)
from records.search.models import KnownAddress, SearchMark  # noqa: F401  # tables of this room
from records.viewing.models import ContentView  # noqa: F401  # tables of this room
from senders.models import Sender

WAITING_STATES = (MailState.QUEUED, MailState.RETRY)
UNFINISHED_STATES = (*WAITING_STATES, MailState.SENDING)
UNSENT_STATES = (MailState.FAILED, MailState.EXPIRED, MailState.PARTLY_SENT, MailState.CANCELLED)
"""Ended, and not everybody has got it."""


class MailQuerySet(models.QuerySet["Mail"]):
    """The named filters of mails."""

    def waiting(self) -> "MailQuerySet":
        """Keep the mails that wait for a worker."""
        # The end is asked for as well, for the indexes: SQLite matches a condition on NULL, and not a list of states.
        return self.filter(state__in=WAITING_STATES, finished_at__isnull=True)

    def unsent(self) -> "MailQuerySet":
        """Keep the mails that ended while not everybody has got them."""
        # All but the last is asked for the index, word for word as its condition has it: SQLite looks no deeper.
        return self.filter(~models.Q(state=MailState.SENT), finished_at__isnull=False, state__in=UNSENT_STATES)


class Mail(models.Model):
    """One mail that was asked for: its state is the roll-up of its receivers."""

    kind = models.CharField(max_length=8, choices=MailKind.choices, default=MailKind.MAIL)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    state = models.CharField(max_length=16, choices=MailState.choices, default=MailState.QUEUED)
    # Keys without an index of their own are found by one that begins with them, or are null nearly always: every
    # index costs each mail a write per step of its way.
    sender = models.ForeignKey(Sender, null=True, on_delete=models.SET_NULL, related_name="mails", db_index=False)
    stands_in_for = models.ForeignKey(
        Sender,
        null=True,
        on_delete=models.SET_NULL,
        related_name="mails_by_others",
        # Hardly any mail has it: an index of those that do, below, costs the others nothing.
        db_index=False,
        help_text=_("The account it was accepted for, while another sends it"),
    )
    named_sender = models.BooleanField(
        default=True, help_text=_("The caller named the account, and did not leave it to the system default")
    )
    sender_address = models.CharField(max_length=320, blank=True)
    subject = models.CharField(max_length=1000, blank=True)
    message_id = models.CharField(max_length=320, blank=True)
    needs_smtputf8 = models.BooleanField(default=False)
    size = models.PositiveIntegerField(default=0, help_text=_("Bytes of the composed mail"))
    template_name = models.CharField(max_length=200, blank=True)
    accessed_resource = models.CharField(max_length=1000, blank=True)
    requester_ip = models.GenericIPAddressField(null=True)
    requested_by = models.CharField(max_length=150, blank=True)
    idempotency_key = models.CharField(max_length=200, blank=True)
    resend_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="resends", db_index=False)
    epoch = models.PositiveIntegerField(default=0, help_text=_("Number of the present claim"))
    committed_epoch = models.PositiveIntegerField(
        default=0, help_text=_("The last claim that passed the point of no return")
    )
    attempts = models.PositiveIntegerField(default=0, help_text=_("Tries that counted"))
    accepted_at = models.DateTimeField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    expires_untried = models.BooleanField(
        default=False, help_text=_("The caller set the time to give up: it holds even when no worker ran")
    )
    finished_at = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False)
    has_secrets = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Its content is a masked copy; what is sent is the sealed original"),
    )

    objects = MailQuerySet.as_manager()

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        permissions = [
            ("send_mail", _("Can write mail and send it again")),
            ("cancel_mail", _("Can cancel waiting mail")),
            ("retry_mail", _("Can try failed mail again and send waiting mail at once")),
            ("decide_mail", _("Can decide about mail that may have arrived")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["requested_by", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="idempotency_key_is_unique_per_caller",
            ),
            models.CheckConstraint(condition=models.Q(state__in=MailState.values), name="mail_state_is_known"),
            models.CheckConstraint(
                condition=~models.Q(state=MailState.SENDING) | models.Q(lease_until__isnull=False),
                name="sending_mail_has_a_lease",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=[*UNFINISHED_STATES]) | models.Q(finished_at__isnull=True),
                name="unfinished_mail_has_no_end",
            ),
        ]
        indexes = [
            models.Index(
                fields=["sender", "priority", "due_at", "id"],
                condition=models.Q(finished_at__isnull=True),
                name="unfinished_mail_by_sender",
            ),
            models.Index(
                fields=["lease_until"], condition=models.Q(state=MailState.SENDING), name="sending_mail_by_lease"
            ),
            models.Index(
                fields=["expires_at", "id"],
                condition=models.Q(finished_at__isnull=True),
                name="unfinished_mail_by_expiry",
            ),
            models.Index(
                fields=["finished_at", "stands_in_for"],
                condition=models.Q(stands_in_for__isnull=False),
                name="mail_by_others_by_end",
            ),
            models.Index(
                fields=["id"],
                condition=models.Q(finished_at__isnull=False) & ~models.Q(state=MailState.SENT),
                name="unsent_mail_by_id",
            ),
            models.Index(
                fields=["sender", "id"], condition=models.Q(state=MailState.UNCERTAIN), name="held_mail_by_sender"
            ),
            models.Index(fields=["resend_of"], condition=models.Q(resend_of__isnull=False), name="mail_sent_again"),
        ]

    def __str__(self) -> str:
        """Name the mail by its id and subject."""
        return f"#{self.pk} {self.subject}"

    @property
    def is_waiting(self) -> bool:
        """Tell whether a worker will still take it, so that it can be cancelled."""
        return self.state in WAITING_STATES

    @property
    def is_held(self) -> bool:
        """Tell whether a person is to decide about it. Test mail is tried once, so there is nothing to decide."""
        return self.state == MailState.UNCERTAIN and self.kind != MailKind.TEST

    @property
    def is_unsent(self) -> bool:
        """Tell whether it ended while not everybody has got it, so that it can be tried again."""
        return self.state in UNSENT_STATES and self.kind != MailKind.TEST

    @property
    def result(self) -> ResultClass:
        """The coarse result that its state is shown as."""
        return MailState(self.state).result


class Body(models.Model):
    """What follows the header fields of a mail, from Content-Type on; mails that say the same share one."""

    # Given and not counted: ids of mails are never used twice either, and so no second sequence is asked.
    id = models.BigIntegerField(primary_key=True, help_text=_("The id of the first mail that said it"))
    octets = models.BinaryField(help_text=_("Packed as `packing` says"))
    packing = models.PositiveSmallIntegerField(choices=Packing.choices, db_default=Packing.PLAIN.value)
    attached_size = models.BigIntegerField(
        db_default=0, help_text=_("Bytes of its files, as they were before they were encoded; 0 for none any more")
    )
    attachments_removed_at = models.DateTimeField(null=True)
    month = models.DateField(
        default=this_month, help_text=_("The first day of the month in which it was accepted, in UTC")
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=models.Q(packing__in=Packing.values), name="packing_of_body_is_known"),
        ]
        indexes = [
            # Hardly any body has files: an index of those that do costs the others nothing.
            models.Index(fields=["id"], condition=models.Q(attached_size__gt=0), name="body_with_attachments"),
        ]

    def __str__(self) -> str:
        """Name the body by its id."""
        return f"body {self.pk}"


class Content(models.Model):
    """The composed bytes of a mail, apart from its state so that neither slows the other down.

    `records.content` reads and writes them.
    """

    mail = models.OneToOneField(Mail, on_delete=models.CASCADE, primary_key=True, related_name="content")
    head = models.BinaryField(help_text=_("The mail's own header fields"))
    body = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="contents")
    month = models.DateField(
        default=this_month, help_text=_("The month of its body: `records.months` keeps both by it")
    )

    class Meta:
        # Its own "view_content" would be taken for the permission of that name on sending records.
        default_permissions = ()

    def __str__(self) -> str:
        """Name the mail that it is the content of."""
        return f"content of mail {self.mail_id}"

    @property
    def mime(self) -> bytes:
        """The bytes as they go over the wire."""
        return bytes(self.head) + unpack(self.body.octets, self.body.packing)


class Receiver(models.Model):
    """One forward-path of a mail: the unit of delivery."""

    mail = models.ForeignKey(Mail, on_delete=models.CASCADE, related_name="receivers", db_index=False)
    address = models.CharField(max_length=320)
    kind = models.CharField(max_length=4, choices=ReceiverKind.choices, default=ReceiverKind.TO)
    state = models.CharField(max_length=10, choices=ReceiverState.choices, default=ReceiverState.PENDING)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["mail", "address"], name="receiver_is_unique_in_its_mail"),
            models.CheckConstraint(condition=models.Q(state__in=ReceiverState.values), name="receiver_state_is_known"),
        ]

    def __str__(self) -> str:
        """Show the address."""
        return self.address


class SendingRecord(models.Model):
    """One try at one receiver, written when it ended; earlier only if it takes long. Never holds a secret."""

    mail = models.ForeignKey(Mail, on_delete=models.CASCADE, related_name="records")
    receiver = models.ForeignKey(Receiver, on_delete=models.CASCADE, related_name="records", db_index=False)
    epoch = models.PositiveIntegerField(help_text=_("The claim that this try belongs to"))
    kind = models.CharField(max_length=8, choices=MailKind.choices, default=MailKind.MAIL)
    sender_address = models.CharField(max_length=320, blank=True)
    receiver_address = models.CharField(max_length=320)
    requester_ip = models.GenericIPAddressField(null=True)
    template_name = models.CharField(max_length=200, blank=True)
    accessed_resource = models.CharField(max_length=1000, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.SENDING)
    phase = models.CharField(max_length=8, choices=Phase.choices, blank=True)
    fault = models.CharField(max_length=32, choices=Fault.choices, blank=True)
    skip_reason = models.CharField(max_length=32, choices=SkipReason.choices, blank=True)
    cause = models.CharField(max_length=64, blank=True, help_text=_("Key of the entry in the error book"))
    reply_code = models.PositiveSmallIntegerField(null=True)
    enhanced_status = models.CharField(max_length=16, blank=True)
    reply_text = models.CharField(max_length=1000, blank=True)
    queue_id = models.CharField(max_length=200, blank=True)
    server = models.CharField(max_length=320, blank=True, help_text=_("host:port that was dialled"))
    tls_version = models.CharField(max_length=16, blank=True)
    tls_cipher = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = SendingRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("sending record")
        verbose_name_plural = _("sending records")
        ordering = ["-started_at", "-pk"]
        permissions = [
            ("view_content", _("Can see the content of mails")),
            ("export_records", _("Can export sending records")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["receiver", "epoch"], name="one_record_per_try_and_receiver"),
            models.CheckConstraint(condition=models.Q(outcome__in=Outcome.values), name="record_outcome_is_known"),
            models.CheckConstraint(
                condition=models.Q(outcome=Outcome.SENDING) | models.Q(ended_at__isnull=False),
                name="closed_record_has_an_end",
            ),
        ]
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="record_by_time"),
            models.Index(fields=["sender_address", "-started_at", "-id"], name="record_by_sender"),
            models.Index(fields=["template_name", "-started_at", "-id"], name="record_by_template"),
            # What went well is nearly all: the time index finds it as fast, and every mail is spared an entry.
            models.Index(
                fields=["outcome", "-started_at", "-id"],
                condition=~models.Q(outcome=Outcome.ACCEPTED),
                name="record_by_outcome",
            ),
            models.Index(fields=["receiver_address", "-started_at", "-id"], name="record_by_receiver"),
        ]

    def __str__(self) -> str:
        """Name the try."""
        return f"#{self.pk} {self.receiver_address} {self.outcome}"

    @property
    def is_test(self) -> bool:
        """Tell whether it is of a test mail, which is tried once only."""
        return self.kind == MailKind.TEST

    @property
    def result(self) -> ResultClass:
        """The coarse result that the list shows and filters by."""
        return Outcome(self.outcome).result


class DeliveryPause(models.Model):
    """All sending is held while this one row exists."""

    paused_at = models.DateTimeField()
    paused_by = models.CharField(max_length=150, blank=True)

    def __str__(self) -> str:
        """Tell since when."""
        return f"{self.paused_at:%Y-%m-%d %H:%M:%S}"


class Heartbeat(models.Model):
    """When a kind of process was last seen at work, such as `worker`; written by the sweep, shown by /readyz."""

    name = models.CharField(max_length=32, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        """Name the process and the time."""
        return f"{self.name} {self.seen_at:%Y-%m-%d %H:%M:%S}"
