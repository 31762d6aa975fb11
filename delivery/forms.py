"""The forms of the delivery room: the recipient of a test mail, writing a mail, sending one again.

What may stand in a mail is decided by `delivery.request_rules` alone; the forms put its sentences beside the fields.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from delivery.engine.limits import get_limits
from delivery.exceptions import RequestRefusedError
from delivery.request import MailRequest
from delivery.request_rules import check_request, too_large
from delivery.values import Attachment
from senders.models import Sender
from senders.validators import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.core.files.uploadedfile import UploadedFile

_SEPARATORS = re.compile(r"[,;\r\n\u3001\uff0c\uff1b]+")
"""Comma, semicolon and line end, and the Chinese comma, pause mark and semicolon."""
_ADDRESS_ATTRIBUTES = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
_PLAIN_ATTRIBUTES = {"autocomplete": "off"}


class RecipientForm(forms.Form):
    """Who gets the test mail."""

    use_required_attribute = False

    recipient = forms.CharField(
        label=_("Mail Recipient"),
        widget=forms.TextInput(attrs={**_ADDRESS_ATTRIBUTES, "inputmode": "email", "placeholder": "name@example.com"}),
        error_messages={"required": _("Enter the address that the test mail goes to.")},
    )

    def clean_recipient(self) -> str:
        """Refuse what is not one address."""
        address = parse_address(self.cleaned_data["recipient"])
        return f"{address.local}@{address.domain}"


class AddressesField(forms.CharField):
    """Mail addresses parted by commas, semicolons or line ends; the cleaned value is a tuple of them as typed."""

    widget = forms.Textarea(attrs={**_ADDRESS_ATTRIBUTES, "rows": 1, "inputmode": "email"})

    def clean(self, value: Any) -> tuple[str, ...]:
        """Take the addresses apart."""
        text: str = super().clean(value)
        return tuple(filter(None, map(str.strip, _SEPARATORS.split(text))))


class _FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; the cleaned value is a tuple of attachments."""

    widget = _FilesInput

    def clean(self, value: Any, initial: Any = None) -> tuple[Attachment, ...]:
        """Read the files; an empty one is a mistake worth telling, and what can't be sent is not even read."""
        files: Sequence[UploadedFile[bytes]] = [one for one in value or () if one is not None]
        size, limit = sum(file.size or 0 for file in files), get_limits().max_size
        if size > limit:
            raise ValidationError(too_large(size, limit), code="too_large")
        return tuple(_attachment(super(FilesField, self).clean(one, initial)) for one in files)


def _attachment(file: UploadedFile[bytes]) -> Attachment:
    return Attachment(file.name or "attachment", file.read(), file.content_type or "")


class RequestForm(forms.Form):
    """What writing a mail and sending one again have in common: from whom, to whom."""

    use_required_attribute = False

    sender = forms.ModelChoiceField(
        label=_("Sender"),
        queryset=Sender.objects.none(),
        empty_label=_("Choose a sender"),
        error_messages={
            "required": _("Choose the account that sends this mail."),
            "invalid_choice": _("That account is disabled or was deleted. Choose another one."),
        },
    )
    to = AddressesField(
        label=_("To"), required=False, help_text=_("Separate several addresses by commas, semicolons or new lines.")
    )
    cc = AddressesField(label=_("Cc"), required=False)
    bcc = AddressesField(label=_("Bcc"), required=False, help_text=_("The other receivers don't see these."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the enabled accounts, the system default chosen beforehand."""
        super().__init__(*args, **kwargs)
        field = self.fields["sender"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Sender.objects.enabled()
        self.initial.setdefault("sender", Sender.objects.filter(is_default=True).values_list("pk", flat=True).first())

    @property
    def lost_files(self) -> bool:
        """Whether files were chosen that the browser does not send a second time."""
        return self.is_bound and any(self.files.values())

    def refuse(self, error: RequestRefusedError) -> None:
        """Show the sentences beside their fields; those without a field above the form."""
        for name, sentences in error.errors.items():
            self.add_error(name if name in self.fields else None, list(sentences))

    def as_request(self, present: MailRequest | None = None) -> MailRequest:
        """Write what was typed as a request, the unreadable fields left out.

        Args:
            present: A request whose other values are kept.
        """
        names = {field.name for field in fields(MailRequest)}
        typed = {name: value for name, value in self.cleaned_data.items() if name in names}
        return replace(present or MailRequest(to=(), subject=""), **typed)


class ComposeForm(RequestForm):
    """A mail that a person writes."""

    reply_to = AddressesField(
        label=_("Reply-to"), required=False, help_text=_("Where answers go, if not to the sender.")
    )
    subject = forms.CharField(label=_("Subject"), required=False, widget=forms.TextInput(attrs=_PLAIN_ATTRIBUTES))
    text = forms.CharField(label=_("Text"), required=False, strip=False, widget=forms.Textarea(attrs={"rows": 10}))
    html = forms.CharField(
        label=_("HTML"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "class": "mono"}),
        help_text=_("Most readers show this in place of the text. If the text is empty, it is made from this."),
    )
    attachments = FilesField(label=_("Attachments"), required=False)
    template_name = forms.CharField(  # type: ignore[assignment]  # the metaclass takes it out of the class
        label=_("Template name"),
        required=False,
        widget=forms.TextInput(attrs=_PLAIN_ATTRIBUTES),
        help_text=_("A label by which the record can be found."),
    )
    accessed_resource = forms.CharField(
        label=_("Accessed resource"),
        required=False,
        widget=forms.TextInput(attrs={**_PLAIN_ATTRIBUTES, "spellcheck": "false"}),
        help_text=_("Path or address of what this mail is about."),
    )
    not_before = forms.DateTimeField(
        label=_("Not before"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": _("Enter date and time, such as 2030-01-31 09:00.")},
    )
    give_up_after = forms.IntegerField(
        label=_("Give up after"),
        required=False,
        help_text=_("Hours for which sending is tried."),
        widget=forms.TextInput(attrs={**_PLAIN_ATTRIBUTES, "inputmode": "numeric", "placeholder": "24"}),
        error_messages={"invalid": _("Enter a whole number of hours, such as 24.")},
    )

    def clean_give_up_after(self) -> timedelta | None:
        """Read the hours; far too many are refused with the request, but must not overflow before."""
        hours: int | None = self.cleaned_data["give_up_after"]
        return None if hours is None else timedelta(hours=min(max(hours, 0), 24 * 365))

    def clean(self) -> dict[str, Any]:
        """Have the request judged as a whole, so that all that is wrong is told at once."""
        super().clean()
        try:
            check_request(self.as_request())
        except RequestRefusedError as error:
            told = {name: sentences for name, sentences in error.errors.items() if name not in self.errors}
            self.refuse(RequestRefusedError(told))
        return self.cleaned_data

    @property
    def has_copies(self) -> bool:
        """Whether something stands in the fields about other receivers, so that they should not be folded away."""
        return self._says_something(("cc", "bcc", "reply_to"))

    @property
    def has_labels(self) -> bool:
        """Whether something stands in the fields about labels and times."""
        return self._says_something(("template_name", "accessed_resource", "not_before", "give_up_after"))

    def _says_something(self, names: Iterable[str]) -> bool:
        return any(self[name].value() or self[name].errors for name in names)


class ResendForm(RequestForm):
    """To whom, and from which account, a mail goes again."""
