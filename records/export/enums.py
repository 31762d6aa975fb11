"""The closed sets of values of exports in the background. Stored values never change."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class FileKind(models.TextChoices):
    """What kind of file is written."""

    CSV = "csv", _("CSV")
    """Lines of text, for programs."""
    XLSX = "xlsx", _("Workbook (XLSX)")
    """For spreadsheets; a further sheet begins where one is full."""
    EVIDENCE = "evidence", _("Signed evidence")
    """Lines of JSON, each with the hash of the one before, signed."""


class ExportState(models.TextChoices):
    """How far an export is."""

    WAITING = "waiting", _("Waiting")
    """Asked for; no worker has begun."""
    WRITING = "writing", _("Writing")
    """Part of the file is written."""
    READY = "ready", _("Ready")
    """The file is whole, and can be fetched until it expires."""
    EXPIRED = "expired", _("Not kept any more")
    """The file was whole; its time is over, or a person removed it. Final."""
    CANCELLED = "cancelled", _("Cancelled")
    """A person stopped it. Final."""
    FAILED = "failed", _("Failed")
    """It could not be written; the reason says why. Final."""


class ExportFailure(models.TextChoices):
    """Why a file could not be written."""

    NO_ROOM = "no_room", _("The files of all exports together got too large. Remove some, or narrow this one by days.")
    NO_KEY = (
        "no_key",
        _("There is no usable encryption key to sign with. System checks say what is wrong with the keys."),
    )
    NOT_ALLOWED = (
        "not_allowed",
        _("Whoever asked for it was deactivated since, or may not export these records any more."),
    )
    FILTERS_GONE = "filters_gone", _("Its filters are not known any more. Begin it anew from the record list.")
    TOO_LONG = "too_long", _("It was not finished within a day. See that workers are running, or narrow it by days.")
