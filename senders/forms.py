"""The form of a sender account: every wrong value gets its own sentence, and the secret is never shown."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from senders.certificates import CertificateFacts, check_certificates, read_certificates
from senders.enums import Encryption, LoginMethod
from senders.exceptions import AddressTakenError, KeyringError, PasswordNeededError, SecretUnreadableError
from senders.form_fields import SenderFields
from senders.models import Sender
from senders.presets import Preset, find_preset_by_host
from senders.secrets import is_readable, unseal
from senders.services import EDITED_FIELDS, SecretPurpose, must_retype, save_sender, secret_purpose
from senders.tested import NOTE_FIELD, read_note, remember_test
from senders.validators import (
    parse_address,
    validate_display_name,
    validate_ehlo_name,
    validate_host,
    validate_no_control_characters,
    validate_port,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

DEFAULT_PORTS: Mapping[str, int] = {Encryption.SSL: 465, Encryption.TLS: 25, Encryption.NONE: 25}
"""The port that belongs to each encryption method as long as nobody typed another one."""
MAX_PASSWORD_LENGTH = 4096
MAX_LOGIN_LENGTH = 320
_PURPOSE_LABELS = {
    "host": _("Mail Server (SMTP)"),
    "port": _("Port"),
    "encryption": _("Encryption Method"),
    "login": _("Sign in with"),
    "trusted_certificates": _("Trusted certificate"),
}


class SenderForm(SenderFields):
    """One sender account, new or stored.

    A blank password keeps the stored one, as long as that goes to the same server under the same login.
    """

    class Meta:
        model = Sender
        fields: ClassVar = EDITED_FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Remember the account as it is stored, and name the password as its provider does."""
        super().__init__(*args, **kwargs)
        self.stored = copy.copy(self.instance) if self.instance.pk else None
        self.duplicate: Sender | None = None
        """The account that already has the address that was typed."""
        self.preset = find_preset_by_host(str(self["host"].value() or ""))
        """The provider whose mail server stands in the form."""
        self._name_password()
        self.show_known_limits(self.preset, str(self["address"].value() or ""))
        self._forget_private_key()

    @classmethod
    def refilled(
        cls, typed: Mapping[str, Any], *, instance: Sender | None = None, changes: Mapping[str, Any] | None = None
    ) -> SenderForm:
        """Make a form that shows what was typed, with some values changed, without judging it.

        The password is not in it: what was typed once is never sent back.
        """
        posted = cls(typed, instance=copy.copy(instance))
        values = {name: posted[name].data for name in posted.fields if name != "password"}
        return cls(initial={**values, **(changes or {})}, instance=instance)

    @property
    def has_stored_password(self) -> bool:
        """Whether a password is stored that a blank field would keep."""
        return self.stored is not None and bool(self.stored.secret)

    @property
    def is_secret_unreadable(self) -> bool:
        """Whether the stored password can't be decrypted with the present keys."""
        return self.stored is not None and not is_readable(self.stored)

    @property
    def wants_password_again(self) -> bool:
        """Whether a password was typed into a form that comes back with errors, and so is gone."""
        return self.is_bound and bool(self.errors) and bool(self["password"].data)

    @property
    def has_advanced_values(self) -> bool:
        """Whether a field of the advanced part says something, so that it should not be folded away."""
        names = ("reply_to", "ehlo_name", "unknown_policy", "timeout")
        said = any(str(self[name].value() or "") for name in names[:3]) or str(self["timeout"].value()) != "30"
        return said or any(self[name].errors for name in names)

    @property
    def certificates(self) -> tuple[CertificateFacts, ...]:
        """What the trusted certificates in the form say of themselves; none while they can't be read."""
        try:
            return read_certificates(str(self["trusted_certificates"].value() or ""))
        except ValidationError:
            return ()

    def unsaved_sender(self) -> Sender:
        """Return a new, unsaved account with the cleaned values; only of a valid form."""
        return Sender(**{name: self.cleaned_data[name] for name in EDITED_FIELDS})

    def effective_password(self) -> str:
        """Return the password to sign in with: the typed one, or the stored one where that may be used.

        Only of a valid form; empty where the account does not sign in.

        Raises:
            SecretUnreadableError: The keys were lost since the form was validated.
        """
        if self.cleaned_data["login_method"] == LoginMethod.NONE:
            return ""
        typed: str = self.cleaned_data["password"]
        return typed or (unseal(self.stored) if self.stored else "")

    def store(self) -> Sender | None:
        """Save the account; None, with the reason among the errors, where the database knows better."""
        try:
            saved = save_sender(self.instance, password=self.cleaned_data["password"] or None)
        except AddressTakenError:
            self._refuse_taken_address(self.instance.address)
        except PasswordNeededError:
            self.add_error("password", gettext("The account was changed meanwhile. Type the password again."))
        except KeyringError as error:
            logger.exception("Encryption keys can't be used", extra={"reason": str(error)})
            self.add_error(
                "password",
                gettext("The password can't be encrypted: the key file can't be used. See the server's log."),
            )
        except Sender.DoesNotExist:
            self.add_error(None, gettext("This account was deleted meanwhile. Add it again."))
        else:
            self._remember_test(saved)
            return saved
        return None

    def _remember_test(self, saved: Sender) -> None:
        """Let the account show the test of these very settings that came before saving, if there was one."""
        note = self.data.get(NOTE_FIELD, "")
        if not note:
            return
        try:
            test = read_note(note, saved, self.effective_password())
        except SecretUnreadableError:
            return
        if test:
            remember_test(saved, test)

    def clean_host(self) -> str:
        """Refuse what is no host."""
        return validate_host(self.cleaned_data["host"])

    def clean_port(self) -> int | None:
        """Refuse what is no port; an empty one follows the encryption method, in `clean`."""
        port: int | None = self.cleaned_data["port"]
        if port is not None:
            validate_port(port)
        return port

    def clean_address(self) -> str:
        """Refuse what is not one address, and one that another account has."""
        parsed = parse_address(self.cleaned_data["address"])
        address = f"{parsed.local}@{parsed.domain}"
        self.duplicate = Sender.objects.filter(address__iexact=address).exclude(pk=self.instance.pk).first()
        if self.duplicate:
            raise _taken(address)
        return address

    def clean_password(self) -> str:
        """Refuse what can't be meant as a password."""
        password: str = self.cleaned_data["password"]
        validate_no_control_characters(password)
        if len(password) > MAX_PASSWORD_LENGTH:
            raise ValidationError(_("This is too long for a password. Paste the password alone."), code="too_long")
        return password

    def clean_login_name(self) -> str:
        """Refuse a login name that no server would take."""
        name: str = self.cleaned_data["login_name"]
        validate_no_control_characters(name)
        if len(name) > MAX_LOGIN_LENGTH:
            raise ValidationError(_("This login name is too long: 320 characters at most."), code="too_long")
        return name

    def clean_trusted_certificates(self) -> str:
        """Refuse what is no valid certificate; one that was stored may have expired since."""
        pem: str = self.cleaned_data["trusted_certificates"]
        if not pem or (self.stored and pem == self.stored.trusted_certificates.strip()):
            return pem
        return "".join(facts.pem for facts in check_certificates(pem)).strip()

    def clean_ehlo_name(self) -> str:
        """Refuse what no server takes as an EHLO argument."""
        name: str = self.cleaned_data["ehlo_name"]
        return validate_ehlo_name(name) if name else ""

    def clean_reply_to(self) -> str:
        """Refuse what is not one address."""
        address: str = self.cleaned_data["reply_to"]
        if not address:
            return ""
        parsed = parse_address(address)
        return f"{parsed.local}@{parsed.domain}"

    def clean_timeout(self) -> int:
        """Refuse a time that is no use."""
        seconds: int = self.cleaned_data["timeout"]
        if not 1 <= seconds <= 300:
            raise ValidationError(_("The timeout is from 1 to 300 seconds."), code="timeout_out_of_range")
        return seconds

    def clean(self) -> dict[str, Any]:
        """Judge what depends on several fields."""
        super().clean()
        self._fill_port()
        self._suggest_host()
        self._clean_display_name()
        self._clean_login()
        self._clean_use_of_password()
        self.clean_limits_fit()
        return self.cleaned_data

    def validate_constraints(self) -> None:
        """Leave the constraints to the database: every one of them has a sentence of its own here."""

    def _fill_port(self) -> None:
        if "port" in self.cleaned_data and self.cleaned_data["port"] is None:
            self.cleaned_data["port"] = DEFAULT_PORTS.get(self.cleaned_data.get("encryption", ""), 25)

    def _suggest_host(self) -> None:
        """Say what the host is called most likely, where it is missing."""
        address = self.cleaned_data.get("address")
        if address and self.has_error("host", "required"):
            sentence = gettext("Enter the mail server. For this address it may be smtp.%(domain)s.")
            self.errors["host"] = self.error_class([sentence % {"domain": address.rpartition("@")[2]}])

    def _clean_display_name(self) -> None:
        if "display_name" not in self.cleaned_data:
            return
        try:
            validate_display_name(self.cleaned_data["display_name"], self.cleaned_data.get("address", ""))
        except ValidationError as error:
            # Whether it names another address is known once the account's own one is right.
            if "address" in self.cleaned_data or error.code != "looks_like_address":
                self.add_error("display_name", error)

    def _clean_login(self) -> None:
        if self.cleaned_data.get("login_method") != LoginMethod.LOGIN_NAME:
            if "login_name" in self.cleaned_data:
                self.cleaned_data["login_name"] = ""
        elif self.cleaned_data.get("login_name") == "":
            self.add_error(
                "login_name",
                ValidationError(_("Enter the login name, such as user or DOMAIN\\user."), code="login_name_required"),
            )

    def _clean_use_of_password(self) -> None:
        """Ask for the password where none is stored, or the stored one was typed for another server or login."""
        if self.cleaned_data.get("password") != "" or self.cleaned_data.get("login_method") == LoginMethod.NONE:
            return
        if self.stored is None or not self.stored.secret:
            sentence = _("Enter the password or authorization code, or choose No sign-in.")
            self.add_error("password", ValidationError(sentence, code="password_required"))
        elif self.is_secret_unreadable:
            sentence = _("The stored password can't be read with this machine's keys. Type it again.")
            self.add_error("password", ValidationError(sentence, code="secret_unreadable"))
        elif self._is_complete() and must_retype(self.stored, self.unsaved_sender()):
            self.add_error("password", self._changed_purpose(self.stored))

    def _is_complete(self) -> bool:
        return all(name in self.cleaned_data for name in EDITED_FIELDS)

    def _changed_purpose(self, stored: Sender) -> ValidationError:
        before, after = secret_purpose(stored), secret_purpose(self.unsaved_sender())
        changed = [str(label) for name, label in _PURPOSE_LABELS.items() if _differs(before, after, name)]
        return ValidationError(
            _("Type the password again, since this changed: %(fields)s. It was stored for the former settings only."),
            code="password_again",
            params={"fields": ", ".join(changed)},
        )

    def _refuse_taken_address(self, address: str) -> None:
        self.duplicate = Sender.objects.filter(address__iexact=address).first()
        self.add_error("address", _taken(address))

    def _name_password(self) -> None:
        """Call the password what the provider calls it, and say what a blank field means."""
        field = self.fields["password"]
        if self.preset:
            field.label = str(self.preset.secret.label)
            field.help_text = str(self.preset.secret.help)
        else:
            field.help_text = _("QQ Mail and 163 want an authorization code here, Gmail and Yahoo an app password.")

    def _forget_private_key(self) -> None:
        """Drop a private key that was pasted by mistake from what the page would show again."""
        if "PRIVATE KEY" in str(self.initial.get("trusted_certificates", "")):
            self.initial["trusted_certificates"] = ""

    def full_clean(self) -> None:
        """Validate, then forget a private key: it is refused, and must not come back in the page."""
        super().full_clean()
        if self.is_bound and "PRIVATE KEY" in str(self["trusted_certificates"].data or ""):
            self.data = {**dict(self.data.items()), self.add_prefix("trusted_certificates"): ""}


class DefaultSenderForm(forms.Form):
    """The choice of the system default sender among the enabled accounts."""

    sender = forms.ModelChoiceField(
        label=_("System default sender"),
        queryset=Sender.objects.none(),
        error_messages={
            "required": _("Choose a sender first."),
            "invalid_choice": _("That account is disabled or was deleted. Choose another one."),
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the accounts as they are now."""
        super().__init__(*args, **kwargs)
        field = self.fields["sender"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Sender.objects.enabled()


def preset_changes(preset: Preset, host: str) -> dict[str, Any]:
    """Tell which fields a preset fills; one without a host of its own leaves a host that was typed."""
    keeps_host = not preset.host and find_preset_by_host(host) is None
    return {
        "host": host if keeps_host else preset.host,
        "port": preset.port,
        "encryption": preset.encryption,
        "login_method": preset.login_method,
        "login_name": preset.login_name,
    }


def _taken(address: str) -> ValidationError:
    return ValidationError(
        _("There already is an account for %(address)s. Edit that one instead."),
        code="address_taken",
        params={"address": address},
    )


def _differs(before: SecretPurpose, after: SecretPurpose, name: str) -> bool:
    return bool(getattr(before, name) != getattr(after, name))
