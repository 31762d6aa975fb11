"""What the record list is narrowed to, and the shortcuts for the date range."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records.enums import ResultClass
from records.querysets import SendingRecordQuerySet


@dataclass(frozen=True, slots=True)
class RecordFilters:
    """One set of filters; what is empty does not narrow. The days are those of the active time zone."""

    sender: str = ""
    receiver: str = ""
    """Part of the address, in whatever case."""
    template: str = ""
    since: date | None = None
    """First day."""
    until: date | None = None
    """Last day, included."""
    result: ResultClass | None = None
    mail_id: int | None = None

    @property
    def is_active(self) -> bool:
        """Tell whether anything is filtered at all."""
        return self != RecordFilters()

    def apply(self, records: SendingRecordQuerySet) -> SendingRecordQuerySet:
        """Narrow the records to what the filters keep."""
        if self.sender:
            records = records.sent_by(self.sender)
        if self.receiver:
            records = records.to_receiver(self.receiver)
        if self.template:
            records = records.with_template(self.template)
        if self.since:
            records = records.started_from(_midnight(self.since))
        if self.until:
            records = records.started_before(_midnight(self.until + timedelta(days=1)))
        if self.result:
            records = records.with_result(self.result)
        if self.mail_id:
            records = records.of_mail(self.mail_id)
        return records


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A date range that is one click away."""

    label: str | Promise
    since: date
    until: date
    is_current: bool


def list_shortcuts(filters: RecordFilters) -> list[Shortcut]:
    """List today, the last 7 and the last 30 days, marking the one that is chosen."""
    today = timezone.localdate()
    ranges = [(_("Today"), 1), (_("7 days"), 7), (_("30 days"), 30)]
    return [
        Shortcut(label, since, today, is_current=(filters.since, filters.until) == (since, today))
        for label, days in ranges
        if (since := today - timedelta(days=days - 1))
    ]
