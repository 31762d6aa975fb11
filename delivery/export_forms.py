"""The form on the page that begins an export in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from delivery.shown_zone import ShownZoneField
from records.export.enums import FileKind
from records.filters import RecordFilters
from records.forms import DaysForm

if TYPE_CHECKING:
    from datetime import date


class ExportForm(DaysForm):
    """Which kind of file; for evidence also which days, since of the filters only the sender holds for it."""

    use_required_attribute = False

    kind = forms.ChoiceField(
        label=_("Kind of file"),
        choices=FileKind.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a kind of file."),
            "invalid_choice": _("There is no such kind of file. Choose one of those shown."),
        },
    )
    ticket = forms.UUIDField(widget=forms.HiddenInput)
    time_zone = ShownZoneField()

    def clean(self) -> dict[str, Any]:
        """Ask for both days where they count."""
        cleaned = super().clean()
        if cleaned.get("kind") != FileKind.EVIDENCE:
            # The page hides them then: whatever they hold, nobody could see it and mend it.
            self.errors.pop("since", None)
            self.errors.pop("until", None)
            return cleaned
        self._ask_for("since", _("Choose the first day that the evidence covers."))
        self._ask_for("until", _("Choose the last day that the evidence covers."))
        if (since := cleaned.get("since")) and since > timezone.localdate():
            self.add_error("since", ValidationError(_("Of that day nothing is recorded yet."), code="future"))
        return cleaned

    def _ask_for(self, name: str, sentence: Any) -> None:
        if not self.cleaned_data.get(name) and name not in self.errors:
            self.add_error(name, ValidationError(sentence, code="required"))

    @property
    def is_stale(self) -> bool:
        """Tell whether what the page itself put into the form is wrong by now, so that only a new page helps."""
        return bool({"ticket", "time_zone"} & set(self.errors))

    def narrow(self, filters: RecordFilters) -> RecordFilters:
        """Return the filters that hold for the file."""
        if self.cleaned_data["kind"] != FileKind.EVIDENCE:
            return filters
        since: date = self.cleaned_data["since"]
        until: date = self.cleaned_data["until"]
        return RecordFilters(sender=filters.sender, since=since, until=until)
