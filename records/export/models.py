"""Exports in the background: what was asked for, how far it is, and the file in pieces."""

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.enums import Packing
from records.export.enums import ExportFailure, ExportState, FileKind

if TYPE_CHECKING:
    Progress = models.JSONField[dict[str, Any], dict[str, Any]]

UNFINISHED = (ExportState.WAITING, ExportState.WRITING)


class ExportOrder(models.Model):
    """One file that a person asked for: written piece by piece, so that any worker can go on with it.

    A piece and how far the file is are committed together: a worker that dies leaves no row out and none twice.
    """

    ticket = models.UUIDField(unique=True, help_text=_("Of the page that was sent in: it can be sent in twice"))
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="export_orders", db_index=False
    )
    done_by = models.CharField(max_length=150, help_text=_("What the person was called then"))
    kind = models.CharField(max_length=10, choices=FileKind.choices)
    query = models.TextField(help_text=_("The filters as an address writes them"))
    time_zone = models.CharField(
        max_length=64, help_text=_("Whose days the filters mean, and in which times are written")
    )
    language = models.CharField(max_length=16)
    with_subjects = models.BooleanField(help_text=_("The person might see what mails say"))
    state = models.CharField(max_length=10, choices=ExportState.choices, default=ExportState.WAITING)
    failure = models.CharField(max_length=16, choices=ExportFailure.choices, blank=True)
    total = models.PositiveIntegerField(help_text=_("Records that are meant, as far as they were counted"))
    total_is_at_least = models.BooleanField(default=False)
    progress: "Progress" = models.JSONField(default=dict, help_text=_("What is needed to go on with the file"))
    rows = models.PositiveBigIntegerField(default=0, help_text=_("Records that are in the file"))
    size = models.PositiveBigIntegerField(default=0, help_text=_("Bytes of the file"))
    stored = models.PositiveBigIntegerField(default=0, help_text=_("Bytes that its pieces take"))
    pieces_count = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField()
    moved_at = models.DateTimeField(help_text=_("When a worker last went on with it"))
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text=_("Until when the file is kept"))

    class Meta:
        default_permissions = ()
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=FileKind.values), name="kind_of_export_is_known"),
            models.CheckConstraint(condition=models.Q(state__in=ExportState.values), name="export_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(failure__in=["", *ExportFailure.values]), name="failure_of_export_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=[*UNFINISHED], finished_at__isnull=True)
                | (~models.Q(state__in=[*UNFINISHED]) & models.Q(finished_at__isnull=False)),
                name="only_ended_export_has_an_end",
            ),
        ]
        indexes = [models.Index(fields=["person", "-id"], name="exports_of_a_person")]

    def __str__(self) -> str:
        """Tell who wanted it, and how far it is."""
        return f"export {self.pk} by {self.done_by}: {self.rows} rows, {self.state}"

    @property
    def is_unfinished(self) -> bool:
        """Tell whether there is more to do."""
        return self.state in UNFINISHED

    @property
    def present_state(self) -> ExportState:
        """How it stands: a file whose time is over is not there any more, whether or not it was tidied away."""
        state = ExportState(self.state)
        is_over = self.expires_at is not None and self.expires_at <= timezone.now()
        return ExportState.EXPIRED if state is ExportState.READY and is_over else state

    @property
    def is_ready(self) -> bool:
        """Tell whether the file can be fetched."""
        return self.present_state is ExportState.READY

    @property
    def file_name(self) -> str:
        """What the file is called where it is saved."""
        ending = "jsonl" if self.kind == FileKind.EVIDENCE else self.kind
        asked_at = timezone.localtime(self.asked_at, ZoneInfo(self.time_zone))
        return f"mail-sending-record-{asked_at:%Y%m%d-%H%M%S}-{self.pk}.{ending}"


class ExportPiece(models.Model):
    """A part of a file, about a megabyte: small enough to be held whole where it is written and where it is sent."""

    order = models.ForeignKey(ExportOrder, on_delete=models.CASCADE, related_name="pieces", db_index=False)
    number = models.PositiveIntegerField(help_text=_("From 0"))
    octets = models.BinaryField()
    packing = models.PositiveSmallIntegerField(choices=Packing.choices)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["order", "number"], name="pieces_of_a_file_are_numbered")]

    def __str__(self) -> str:
        """Name the file and the place."""
        return f"piece {self.number} of export {self.order_id}"
