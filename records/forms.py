"""The filter form of the record list. It is sent by GET: the address bar holds the filters."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from records.enums import Outcome, Phase, ResultClass
from records.error_book import find_entry
from records.filters import NEEDED_FOR_SUBJECTS, NO_CAUSE, DayRange, RecordFilters
from records.paging import MAX_ID
from records.querysets import MAX_KNOWN_VALUES

MORE_FIELDS = ("since_time", "until_time", "subject", "outcome", "cause", "phase", "requester", "message_id")
"""Filters beside those of the manual."""

_FIRST_YEAR, _LAST_YEAR = 1970, 2999


def _check_year(day: date) -> None:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValidationError(_("Choose a day between 1970 and 2999."), code="year")


def _search(placeholder: Any) -> forms.TextInput:
    """Make the input of a filter that is typed."""
    return forms.TextInput(
        attrs={"type": "search", "placeholder": placeholder, "autocomplete": "off", "spellcheck": "false"}
    )


def _one_of(everything: Any, choices: Iterable[tuple[str, Any]]) -> Callable[[], list[tuple[str, Any]]]:
    """Return what gives choices of which none need be taken: a form copies what gives them, not each of the choices."""
    offered = [("", everything), *choices]
    return lambda: offered


class DayField(forms.DateField):
    """A calendar day, written year-month-day whatever the language: so the browser's own date field sends it."""

    def __init__(self, label: Any) -> None:
        """Make the field, which may stay empty."""
        super().__init__(
            label=label,
            required=False,
            input_formats=["%Y-%m-%d"],
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "min": "1970-01-01", "max": "2999-12-31"}),
            error_messages={"invalid": _("This is not a day. Write it as year-month-day, such as 2026-01-31.")},
            validators=[_check_year],
        )


class DayTimeField(forms.TimeField):
    """A time of a day, written as the browser's own field for it sends it."""

    def __init__(self, label: Any) -> None:
        """Make the field, which may stay empty."""
        super().__init__(
            label=label,
            required=False,
            input_formats=["%H:%M", "%H:%M:%S"],
            widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
            error_messages={"invalid": _("This is not a time. Write it as hours and minutes, such as 14:00.")},
        )


def check_subject(subject: str, is_allowed: bool) -> str:
    """Return a part of a subject that is searched for; refuse it to those who may not read subjects.

    Raises:
        ValidationError: There is one, and it is not allowed.
    """
    if subject and not is_allowed:
        sentence = _("Subjects can be searched by those who may see the content of mails. Clear this field.")
        raise ValidationError(sentence, code="content")
    return subject


_BROWSERS_OWN = (forms.DateInput, forms.TimeInput)


class DaysForm(forms.Form):
    """A form with a first and a last day, either of which may stay empty."""

    since = DayField(pgettext_lazy("first day", "From"))
    until = DayField(pgettext_lazy("last day", "To"))

    def full_clean(self) -> None:
        """Clean the form; show what is no day or time as it was typed, since a browser's field for one drops it."""
        super().full_clean()
        for name, field in self.fields.items():
            if isinstance(field.widget, _BROWSERS_OWN) and self.is_bound and self.has_error(name, "invalid"):
                field.widget.input_type = "text"

    def clean(self) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error(
                "until", ValidationError(_("The last day is before the first one. Swap the two."), code="range")
            )
        return cleaned


class FilterForm(DaysForm):
    """The manual's filters (sender, receiver, template, days, result) and more; every field may stay empty."""

    since_time = DayTimeField(_("Time on the first day"))
    until_time = DayTimeField(_("Time on the last day"))
    receiver = forms.CharField(
        label=_("Receiver"),
        required=False,
        max_length=320,
        widget=_search(_("Part of the address")),
    )
    sender = forms.CharField(label=_("Sender"), required=False, max_length=320, widget=forms.Select)
    template = forms.CharField(
        label=_("Template"),
        required=False,
        max_length=200,
        widget=forms.Select,
        strip=False,  # as its caller wrote it
    )
    result = forms.ChoiceField(
        label=_("Result"),
        required=False,
        widget=forms.RadioSelect,
        choices=_one_of(_("All"), ResultClass.choices),
        error_messages={"invalid_choice": _("There is no such result. Choose one of those shown.")},
    )
    range = forms.ChoiceField(
        label=_("Days"),
        required=False,
        widget=forms.HiddenInput,
        choices=_one_of(_("All"), DayRange.choices),
        error_messages={"invalid_choice": _("There is no such range of days. Choose one of those shown.")},
    )
    mail = forms.IntegerField(
        label=_("Mail number"), required=False, min_value=1, max_value=MAX_ID, widget=forms.HiddenInput
    )
    subject = forms.CharField(
        label=_("Subject"), required=False, max_length=200, widget=_search(_("Part of the subject"))
    )
    outcome = forms.ChoiceField(
        label=_("Outcome"),
        required=False,
        choices=_one_of(_("All outcomes"), Outcome.choices),
        error_messages={"invalid_choice": _("There is no such outcome. Choose one of those shown.")},
    )
    cause = forms.CharField(label=_("Cause"), required=False, max_length=64, widget=forms.Select)
    phase = forms.ChoiceField(
        label=_("Step"),
        required=False,
        choices=_one_of(_("All steps"), Phase.choices),
        error_messages={"invalid_choice": _("There is no such step. Choose one of those shown.")},
    )
    requester = forms.CharField(
        label=_("Requested by"), required=False, max_length=150, widget=_search(_("User name or IP address"))
    )
    message_id = forms.CharField(label=_("Message-ID"), required=False, max_length=320, widget=_search("<…@…>"))

    def __init__(
        self, query: Mapping[str, Any] | None = None, *, person: User | AnonymousUser | None, **kwargs: Any
    ) -> None:
        """Make the form of what the address bar asks for, which its lists offer from the beginning.

        Args:
            query: Of the address.
            person: Who asks; None for what somebody was allowed to ask for before.
            kwargs: As of every form.
        """
        super().__init__(None if query is None else _part_moments(query), **kwargs)
        self._may_search_subjects = person is None or person.has_perm(NEEDED_FOR_SUBJECTS)
        self.offer()

    def offer(self, *, senders: Iterable[str] = (), templates: Iterable[str] = (), causes: Iterable[str] = ()) -> None:
        """Offer the known senders, templates and causes, and whatever the address bar asks for.

        Where there are too many to choose from, the name is typed.
        """
        self._offer("sender", _("All senders"), {sender: sender for sender in senders})
        self._offer("template", _("All templates"), {template: template for template in templates})
        self._offer("cause", _("All causes"), {key: name_cause(key) for key in causes})

    def _offer(self, name: str, everything: Any, known: dict[str, str]) -> None:
        if len(known) >= MAX_KNOWN_VALUES:
            # There are more than can be listed, or than anybody would look through.
            self.fields[name].widget = _search(_("Its whole address") if name == "sender" else _("Its whole name"))
            return
        asked = self.fields[name].to_python(self.data.get(name))
        if asked and asked not in known:
            known = {**known, asked: name_cause(asked) if name == "cause" else asked}
        known.pop("", None)
        widget = self.fields[name].widget
        assert isinstance(widget, forms.Select)
        widget.choices = [("", everything), *sorted(known.items(), key=lambda choice: choice[1].casefold())]

    def clean_message_id(self) -> str:
        """Take a Message-ID with its angle brackets and without."""
        text = str(self.cleaned_data["message_id"]).strip("<>")
        return f"<{text}>" if text else ""

    def clean_subject(self) -> str:
        """Refuse a subject to those who may not read any: left out, more would be shown, or sent, than was meant."""
        return check_subject(self.cleaned_data["subject"], self._may_search_subjects)

    def clean(self) -> dict[str, Any]:
        """Refuse a time without its day, and times of one day that end before they begin."""
        cleaned = super().clean()
        since_time, until_time = cleaned.get("since_time"), cleaned.get("until_time")
        for name, moment in (("since", since_time), ("until", until_time)):
            if moment and not cleaned.get(name) and not self.has_error(name):
                self.add_error(f"{name}_time", ValidationError(_("Choose the day of this time as well."), code="day"))
        is_one_day = cleaned.get("since") and cleaned.get("since") == cleaned.get("until")
        if is_one_day and since_time and until_time and since_time >= until_time:
            is_empty = ValidationError(_("The end is not after the beginning. Swap the two."), code="range")
            self.add_error("until_time", is_empty)
        return cleaned

    def more_fields(self) -> list[forms.BoundField]:
        """List the fields that are folded away until one is used."""
        is_for_others = not self._may_search_subjects
        return [self[name] for name in MORE_FIELDS if not (name == "subject" and is_for_others) or self.has_error(name)]

    def opens_more(self) -> bool:
        """Tell whether one of them must be seen. Times are told well enough by the filters in force."""
        times = ("since_time", "until_time")
        return any(self.has_error(name) or (name not in times and self.cleaned_data.get(name)) for name in MORE_FIELDS)

    def more_count(self) -> int:
        """Count those of them that narrow, or are wrong."""
        return sum(1 for name in MORE_FIELDS if self.cleaned_data.get(name) or self.has_error(name))

    def filters(self) -> RecordFilters:
        """Return the filters of a valid form. Days that are named win over a range that ends today."""
        cleaned = self.cleaned_data
        since, until = cleaned["since"], cleaned["until"]
        relative = DayRange(cleaned["range"]) if cleaned["range"] and not (since or until) else None
        if relative:
            since, until = relative.days()
        return RecordFilters(
            sender=cleaned["sender"],
            receiver=cleaned["receiver"],
            template=cleaned["template"],
            since=since,
            until=until,
            since_time=cleaned["since_time"],
            until_time=cleaned["until_time"],
            result=ResultClass(cleaned["result"]) if cleaned["result"] else None,
            mail_id=cleaned["mail"],
            outcome=Outcome(cleaned["outcome"]) if cleaned["outcome"] else None,
            cause=cleaned["cause"],
            phase=Phase(cleaned["phase"]) if cleaned["phase"] else None,
            requester=cleaned["requester"],
            subject=cleaned["subject"],
            message_id=cleaned["message_id"],
            range=relative,
        )


def _part_moments(query: Mapping[str, Any]) -> Mapping[str, Any]:
    """Part what an address writes as one moment, `2026-01-31T14:00`, into the day and the time of the form."""
    parted = query.copy() if isinstance(query, QueryDict) else dict(query)
    for name in ("since", "until"):
        day, mark, moment = str(query.get(name) or "").strip().partition("T")
        if mark:
            parted[name], parted[f"{name}_time"] = day, moment
    return parted


def name_cause(key: str) -> str:
    """Name a cause in the words of the error book; by its key where the book has it no more."""
    if key == NO_CAUSE:
        return str(_("No known cause"))
    entry = find_entry(key)
    return str(entry.cause) if entry else key


def find_filters(query: str, person: User | AnonymousUser | None = None) -> RecordFilters | None:
    """Read filters from the query of an address, as `RecordFilters.as_query` writes it; None where it is wrong.

    Args:
        query: Of the address.
        person: As for `FilterForm`.
    """
    form = FilterForm(QueryDict(query), person=person)
    return form.filters() if form.is_valid() else None


def find_filters_from(time_zone: str, query: str) -> RecordFilters | None:
    """Read filters as `find_filters` does, but with days of another time zone: they become those of the active one."""
    with timezone.override(time_zone):
        filters = find_filters(query)
        if filters is None:
            return None
        starts_at, ends_at = filters.starts_at, filters.ends_at
    return filters.between(starts_at, ends_at)
