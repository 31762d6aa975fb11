"""The filter form of the queue's mails. It is sent by GET, and carried along to whatever is done to those mails."""

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from delivery.control.selection import MailFilters, MailGroup
from records.enums import Priority
from records.filters import NEEDED_FOR_SUBJECTS
from records.forms import DaysForm, check_subject
from senders.models import Sender

_MAX_ID = 2**63 - 1
_SEARCH = {"type": "search", "autocomplete": "off", "spellcheck": "false"}


if TYPE_CHECKING:
    _SenderChoice = forms.ModelChoiceField[Sender]
else:
    _SenderChoice = forms.ModelChoiceField


class SenderField(_SenderChoice):
    """One of the sender accounts, by name and address."""

    def label_from_instance(self, obj: Sender) -> str:
        """Name the account as the list of accounts does."""
        return f"{obj.display_name} — {obj.address}"


class QueueFilterForm(DaysForm):
    """Group, sender, template, receiver, subject, priority and days; every field but the group may stay empty."""

    group = forms.ChoiceField(
        label=_("Mails"),
        required=False,
        choices=MailGroup.choices,
        initial=MailGroup.WAITING,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": _("There is no such group of mails. Choose one of those shown.")},
    )
    receiver = forms.CharField(
        label=_("Receiver"),
        required=False,
        max_length=320,
        widget=forms.TextInput(attrs={**_SEARCH, "placeholder": _("Part of the address")}),
    )
    subject = forms.CharField(
        label=_("Subject"),
        required=False,
        max_length=1000,
        widget=forms.TextInput(attrs={**_SEARCH, "placeholder": _("Part of the subject")}),
    )
    sender = SenderField(
        label=_("Sender"),
        required=False,
        queryset=Sender.objects.all(),
        empty_label=_("All senders"),
        error_messages={"invalid_choice": _("There is no such sender account any more. Choose another one.")},
    )
    template = forms.CharField(
        label=_("Template"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={**_SEARCH, "placeholder": _("Its whole name")}),
    )
    priority = forms.TypedChoiceField(
        label=_("Priority"),
        required=False,
        choices=[("", _("All")), *((str(value), label) for value, label in Priority.choices)],
        coerce=lambda value: Priority(int(value)),
        empty_value=None,
    )
    mail = forms.IntegerField(
        label=_("Mail number"), required=False, min_value=1, max_value=_MAX_ID, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, person: User | AnonymousUser, **kwargs: Any) -> None:
        """Offer the subject only to who may read it: whoever can search for it can find it out."""
        super().__init__(*args, **kwargs)
        self.may_search_subjects = person.has_perm(NEEDED_FOR_SUBJECTS)
        if self.is_bound and not self.data.get("group"):
            self.data = {**dict(self.data.items()), "group": MailGroup.WAITING}

    def clean_subject(self) -> str:
        """Refuse a subject to those who may not read any: left out, more mail would be meant than was."""
        return check_subject(self.cleaned_data["subject"], self.may_search_subjects)

    def filters(self) -> MailFilters:
        """Return the filters of a valid form. The days are those of the active time zone."""
        cleaned = self.cleaned_data
        return MailFilters(
            group=MailGroup(cleaned["group"] or MailGroup.WAITING),
            sender_id=cleaned["sender"].pk if cleaned["sender"] else None,
            template=cleaned["template"],
            receiver=cleaned["receiver"],
            subject=cleaned["subject"],
            accepted_from=_midnight(cleaned["since"]) if cleaned["since"] else None,
            accepted_before=_midnight(cleaned["until"] + timedelta(days=1)) if cleaned["until"] else None,
            priority=cleaned["priority"],
            mail_id=cleaned["mail"],
        )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())
