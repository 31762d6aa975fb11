"""The fields of a sender account's form: labels, help, widgets, and the sentences about what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from senders.enums import Encryption, LoginMethod, UnknownPolicy
from senders.limit_fields import LimitFields

if TYPE_CHECKING:
    from django.utils.functional import Promise


def list_policies() -> list[tuple[str, str | Promise]]:
    """List what may follow a lost answer; of the system's way, tell which one that is."""
    ways = {policy: policy.label for policy in UnknownPolicy}
    system = ways[UnknownPolicy(settings.MAILBOX_UNKNOWN_POLICY)]
    ways[UnknownPolicy.SYSTEM] = format_lazy("{} ({})", ways[UnknownPolicy.SYSTEM], system)
    return [(policy.value, label) for policy, label in ways.items()]


class SenderFields(LimitFields):
    """What a person may fill in. How it is judged and stored is `senders.forms.SenderForm`'s business."""

    use_required_attribute = False  # our own sentences say more than the browser's bubble

    host = forms.CharField(
        label=_("Mail Server (SMTP)"),
        help_text=_("Choose from the list or type any host name or IP address."),
        widget=forms.TextInput(
            attrs={"placeholder": "smtp.example.com", "autocomplete": "off", "spellcheck": "false", "inputmode": "url"}
        ),
        error_messages={"required": _("Enter the name or IP address of the mail server, such as smtp.example.com.")},
    )
    port = forms.IntegerField(
        label=_("Port"),
        required=False,
        initial=25,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"invalid": _("A port is a whole number, such as 25, 465 or 587.")},
    )
    encryption = forms.ChoiceField(
        label=_("Encryption Method"),
        choices=Encryption.choices,
        initial=Encryption.TLS,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose SSL, TLS or No Encryption.")},
    )
    address = forms.CharField(
        label=_("Sender Address"),
        help_text=_("Mail is sent from this address. One account has one address."),
        widget=forms.TextInput(
            attrs={
                "placeholder": "noreply@example.com",
                "autocomplete": "off",
                "spellcheck": "false",
                "inputmode": "email",
                "autocapitalize": "none",
            }
        ),
        error_messages={"required": _("Enter the address that mail is sent from, such as noreply@example.com.")},
    )
    password = forms.CharField(
        label=_("Password or authorization code"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )
    display_name = forms.CharField(
        label=_("Displayed Name"),
        help_text=_("Recipients see it as the sender's name. Without it mail sending counts as not configured."),
        widget=forms.TextInput(attrs={"placeholder": _("Data platform"), "autocomplete": "off"}),
        error_messages={
            "required": _(
                "Enter a displayed name. Without one the account counts as not configured and no mail is sent."
            )
        },
    )
    login_method = forms.ChoiceField(
        label=_("Sign in with"),
        choices=LoginMethod.choices,
        initial=LoginMethod.ADDRESS,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what the account signs in with.")},
    )
    login_name = forms.CharField(
        label=_("Login name"),
        required=False,
        help_text=_("As the mail server's administrator gave it to you, such as user or DOMAIN\\user."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )
    trusted_certificates = forms.CharField(
        label=_("Trusted certificate"),
        required=False,
        help_text=_("Only for a server whose certificate comes from your own organization: its CA in PEM form."),
        widget=forms.Textarea(
            attrs={"rows": 5, "placeholder": "-----BEGIN CERTIFICATE-----", "spellcheck": "false", "class": "mono"}
        ),
    )
    ehlo_name = forms.CharField(
        label=_("EHLO name"),
        required=False,
        help_text=_("The name this machine greets the mail server with. Leave it empty unless the server refuses it."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reply_to = forms.CharField(
        label=_("Reply-to address"),
        required=False,
        help_text=_("Where answers go, if not to the sender address."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "email", "autocapitalize": "none"}
        ),
    )
    timeout = forms.IntegerField(
        label=_("Timeout"),
        initial=30,
        help_text=_("Seconds to wait for each answer of the server, from 1 to 300."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "required": _("Enter the timeout in seconds, such as 30."),
            "invalid": _("The timeout is a whole number of seconds, such as 30."),
        },
    )
    unknown_policy = forms.ChoiceField(
        label=_("Mail that may have arrived"),
        required=False,
        choices=list_policies,
        initial=UnknownPolicy.SYSTEM,
        widget=forms.RadioSelect,
        help_text=_(
            "Now and then a connection breaks after a whole mail was sent and before the server answered. "
            "Trying again may bring the mail twice. Holding it may leave it undelivered until a person decides."
        ),
        error_messages={"invalid_choice": _("Choose one of the ways shown.")},
    )
    is_enabled = forms.BooleanField(
        label=_("Enabled"),
        required=False,
        initial=True,
        help_text=_("A disabled account sends nothing and can't be the system default sender."),
    )
