"""The sender form: every wrong value gets its own sentence, and the secret is never shown."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from senders.forms import SenderForm, preset_changes
from senders.keyring import add_primary_key, drop_keys, primary_key
from senders.models import Sender
from senders.presets import find_preset
from senders.secrets import unseal
from tests.senders.certificates import PRIVATE_KEY_PEM, make_certificate
from tests.senders.conftest import PASSWORD, MakeSender

pytestmark = pytest.mark.django_db
Values = dict[str, str]


def errors_of(values: Values, instance: Sender | None = None) -> dict[str, list[str]]:
    return {name: list(map(str, texts)) for name, texts in SenderForm(values, instance=instance).errors.items()}


def values_of(sender: Sender, **changes: str) -> Values:
    form = SenderForm(instance=sender)
    values = {name: str(form[name].value() or "") for name in form.fields if name != "password"}
    values["is_enabled"] = "on" if sender.is_enabled else ""
    return {**values, "password": "", **changes}


def test_right_values_make_an_account(form_values: Values) -> None:
    form = SenderForm(form_values)
    assert form.errors == {}
    saved = form.store()
    assert saved is not None
    stored = Sender.objects.values().get()
    assert {name: stored[name] for name in ("host", "port", "encryption", "address", "display_name", "timeout")} == {
        "host": "smtp.example.com",
        "port": 465,
        "encryption": "ssl",
        "address": "reports@example.com",
        "display_name": "Reports",
        "timeout": 30,
    }
    assert unseal(saved) == PASSWORD


def test_a_new_form_begins_with_port_25_and_tls() -> None:
    form = SenderForm()
    assert (form["port"].value(), form["encryption"].value(), form["login_method"].value()) == (25, "tls", "address")
    assert form["is_enabled"].value() is True


WRONG_VALUES: list[tuple[str, str, str]] = [
    ("host", "", "Enter the mail server. For this address it may be smtp.example.com."),
    ("host", "smtp://mail.example.com", "Leave out the part up to “://”: enter the server's name alone."),
    (
        "host",
        "mail.example.com/path",
        "Leave out everything from the slash on: enter the server's name alone.",
    ),
    ("host", "mail.example.com:25", "Leave out the colon and the port: the port has a field of its own."),
    ("port", "0", "A port is a number from 1 to 65535; mail servers use 25, 465 or 587."),
    ("port", "65536", "A port is a number from 1 to 65535; mail servers use 25, 465 or 587."),
    ("port", "-1", "A port is a number from 1 to 65535; mail servers use 25, 465 or 587."),
    ("port", "9" * 400, "A port is a number from 1 to 65535; mail servers use 25, 465 or 587."),
    ("port", "smtp", "A port is a whole number, such as 25, 465 or 587."),
    ("port", "25.5", "A port is a whole number, such as 25, 465 or 587."),
    ("encryption", "", "Choose SSL, TLS or No Encryption."),
    ("address", "", "Enter the address that mail is sent from, such as noreply@example.com."),
    ("address", "a@example.com, b@example.com", "Enter one address only."),
    ("address", "example.com", "The @ is missing. A mail address looks like name@example.com."),
    (
        "display_name",
        "",
        "Enter a displayed name. Without one the account counts as not configured and no mail is sent.",
    ),
    (
        "display_name",
        "Reports\nBcc: x@example.com",
        "This holds a line break or an invisible control character. Type it again on one line.",
    ),
    (
        "display_name",
        "boss@example.org",
        "This name looks like another mail address, which misleads readers. Use a name, or reports@example.com.",
    ),
    (
        "password",
        "",
        "Enter the password or authorization code, or choose No sign-in.",
    ),
    (
        "password",
        "a\nb",
        "This holds a line break or an invisible control character. Type it again on one line.",
    ),
    ("password", "x" * 4097, "This is too long for a password. Paste the password alone."),
    ("login_method", "", "Choose what the account signs in with."),
    ("reply_to", "nobody", "The @ is missing. A mail address looks like name@example.com."),
    ("timeout", "", "Enter the timeout in seconds, such as 30."),
    ("timeout", "soon", "The timeout is a whole number of seconds, such as 30."),
    ("timeout", "0", "The timeout is from 1 to 300 seconds."),
    ("timeout", "301", "The timeout is from 1 to 300 seconds."),
    (
        "trusted_certificates",
        "hello",
        (
            "This is not a certificate in PEM form. Paste all of it, "
            "from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----."
        ),
    ),
]


@pytest.mark.parametrize(("field", "value", "sentence"), WRONG_VALUES)
def test_a_wrong_value_gets_its_own_sentence(form_values: Values, field: str, value: str, sentence: str) -> None:
    assert errors_of({**form_values, field: value}) == {field: [sentence]}
    assert Sender.objects.count() == 0


@pytest.mark.parametrize("name", ["encryption", "login_method"])
def test_a_choice_that_was_not_offered_is_refused(form_values: Values, name: str) -> None:
    assert list(errors_of({**form_values, name: "starttls"})) == [name]


def test_an_empty_login_name_is_refused_where_it_is_wanted(form_values: Values) -> None:
    values = {**form_values, "login_method": "login_name"}
    assert errors_of(values) == {"login_name": ["Enter the login name, such as user or DOMAIN\\user."]}
    assert errors_of({**values, "login_name": "CORP\\reports"}) == {}
    assert list(errors_of({**values, "login_name": "a\x00b"})) == ["login_name"]
    assert list(errors_of({**values, "login_name": "a" * 321})) == ["login_name"]


def test_a_name_is_not_compared_with_an_address_that_is_wrong_itself(form_values: Values) -> None:
    values = {**form_values, "address": "nobody", "display_name": "boss@example.org"}
    assert list(errors_of(values)) == ["address"]
    assert list(errors_of({**values, "display_name": "a\x00b"})) == ["address", "display_name"]


def test_every_field_empty_names_every_required_field() -> None:
    assert set(errors_of({})) == {
        "host",
        "encryption",
        "address",
        "display_name",
        "login_method",
        "timeout",
        "password",
    }


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("host", " SMTP.Example.COM. ", "smtp.example.com"),
        ("host", "[::1]", "::1"),
        ("host", "10.1.2.3", "10.1.2.3"),
        ("host", "почта.example", "xn--80a1acny.example"),
        ("address", "a#b&c@Example.COM", "a#b&c@example.com"),
        ("address", "info@bücher.example", "info@bücher.example"),
        ("ehlo_name", "10.1.2.3", "[10.1.2.3]"),
        ("reply_to", " team@example.com ", "team@example.com"),
    ],
)
def test_a_value_is_kept_in_its_plain_form(form_values: Values, field: str, typed: str, kept: str) -> None:
    form = SenderForm({**form_values, field: typed})
    assert form.errors == {}
    assert getattr(form.unsaved_sender(), field) == kept


@pytest.mark.parametrize(("encryption", "port"), [("ssl", 465), ("tls", 25), ("none", 25)])
def test_an_empty_port_is_the_usual_one_of_the_encryption(form_values: Values, encryption: str, port: int) -> None:
    form = SenderForm({**form_values, "port": "", "encryption": encryption})
    assert form.is_valid()
    assert form.unsaved_sender().port == port


def test_a_password_is_taken_as_it_is_typed(form_values: Values) -> None:
    form = SenderForm({**form_values, "password": "  spaces stay  "})
    assert form.is_valid()
    assert form.effective_password() == "  spaces stay  "


def test_an_address_that_another_account_has_leads_there(form_values: Values, make_sender: MakeSender) -> None:
    other = make_sender()
    form = SenderForm({**form_values, "address": "REPORTS@example.com"})
    assert form.errors == {"address": ["There already is an account for REPORTS@example.com. Edit that one instead."]}
    assert form.duplicate == other


def test_an_address_taken_after_validation_is_still_told(form_values: Values, make_sender: MakeSender) -> None:
    form = SenderForm(form_values)
    assert form.is_valid()
    other = make_sender()
    assert form.store() is None
    assert form.duplicate == other
    assert list(form.errors) == ["address"]


class TestTheStoredPassword:
    def test_blank_keeps_it(self, make_sender: MakeSender) -> None:
        sender = make_sender()
        form = SenderForm(values_of(sender, display_name="Other"), instance=sender)
        assert form.errors == {}
        assert form.effective_password() == PASSWORD
        assert form.store() is not None
        assert unseal(Sender.objects.get()) == PASSWORD

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"host": "other.example.com"}, "Mail Server (SMTP)"),
            ({"port": "587"}, "Port"),
            ({"encryption": "tls"}, "Encryption Method"),
            ({"login_method": "display_name"}, "Sign in with"),
            ({"login_method": "login_name", "login_name": "CORP\\r"}, "Sign in with"),
            ({"address": "other@example.com"}, "Sign in with"),
            ({"host": "other.example.com", "port": "25"}, "Mail Server (SMTP), Port"),
        ],
    )
    def test_it_is_asked_for_again_when_its_use_changes(
        self, make_sender: MakeSender, changes: Values, named: str
    ) -> None:
        sender = make_sender()
        assert errors_of(values_of(sender, **changes), sender) == {
            "password": [
                f"Type the password again, since this changed: {named}. It was stored for the former settings only."
            ]
        }
        assert errors_of(values_of(sender, **changes, password="typed"), Sender.objects.get()) == {}

    def test_it_is_asked_for_again_when_another_certificate_is_trusted(self, make_sender: MakeSender) -> None:
        sender = make_sender()
        errors = errors_of(values_of(sender, trusted_certificates=make_certificate()), sender)
        assert list(errors) == ["password"]

    def test_the_displayed_name_counts_where_it_signs_in(self, make_sender: MakeSender) -> None:
        sender = make_sender(login_method="display_name")
        assert list(errors_of(values_of(sender, display_name="Other"), sender)) == ["password"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"host": "SMTP.EXAMPLE.COM"},
            {"display_name": "Other"},
            {"reply_to": "x@example.com"},
            {"ehlo_name": "relay.example.com"},
            {"timeout": "10"},
            {"is_enabled": ""},
        ],
    )
    def test_it_is_not_asked_for_when_something_else_changes(self, make_sender: MakeSender, changes: Values) -> None:
        sender = make_sender()
        assert errors_of(values_of(sender, **changes), sender) == {}

    def test_it_is_asked_for_where_none_was_needed_before(self, make_sender: MakeSender) -> None:
        sender = make_sender(login_method="none")
        assert list(errors_of(values_of(sender, login_method="address"), sender)) == ["password"]

    def test_it_is_not_needed_without_sign_in(self, form_values: Values, make_sender: MakeSender) -> None:
        form = SenderForm({**form_values, "login_method": "none", "password": ""})
        assert form.errors == {}
        assert form.effective_password() == ""
        sender = make_sender()
        again = SenderForm(values_of(sender, login_method="none"), instance=sender)
        assert again.is_valid()
        assert again.effective_password() == ""
        assert again.store() is not None
        assert Sender.objects.get().secret == ""

    def test_one_that_cannot_be_read_is_asked_for(self, make_sender: MakeSender) -> None:
        sender = make_sender()
        old = primary_key()
        add_primary_key()
        drop_keys([old.id])
        form = SenderForm(values_of(sender), instance=sender)
        assert form.is_secret_unreadable
        assert form.errors == {
            "password": ["The stored password can't be read with this machine's keys. Type it again."]
        }
        mended = SenderForm(values_of(sender, password="typed"), instance=Sender.objects.get())
        assert mended.is_valid()
        assert mended.store() is not None
        assert unseal(Sender.objects.get()) == "typed"

    def test_an_account_that_changed_meanwhile_asks_for_it(self, make_sender: MakeSender) -> None:
        sender = make_sender()
        form = SenderForm(values_of(sender, display_name="Mine"), instance=sender)
        assert form.is_valid()
        Sender.objects.update(host="theirs.example.com")
        assert form.store() is None
        assert form.errors == {"password": ["The account was changed meanwhile. Type the password again."]}
        assert Sender.objects.get().host == "theirs.example.com"

    def test_an_account_deleted_meanwhile_is_told(self, make_sender: MakeSender) -> None:
        sender = make_sender()
        form = SenderForm(values_of(sender), instance=sender)
        assert form.is_valid()
        Sender.objects.all().delete()
        assert form.store() is None
        assert form.non_field_errors() == ["This account was deleted meanwhile. Add it again."]

    def test_keys_that_cannot_be_used_are_told(self, form_values: Values, settings: Settings) -> None:
        settings.MAILBOX_KEYS = ["nonsense"]
        form = SenderForm(form_values)
        assert form.is_valid()
        assert form.store() is None
        assert form.errors == {
            "password": ["The password can't be encrypted: the key file can't be used. See the server's log."]
        }
        assert Sender.objects.count() == 0

    def test_it_is_never_in_the_page(self, make_sender: MakeSender, form_values: Values) -> None:
        sender = make_sender()
        pages = (
            SenderForm(instance=sender),
            SenderForm({**form_values, "host": ""}),
            SenderForm.refilled(form_values),
        )
        assert [PASSWORD in form.as_p() or sender.secret in form.as_p() for form in pages] == [False, False, False]

    def test_a_form_that_comes_back_says_that_it_is_gone(self, form_values: Values) -> None:
        assert SenderForm({**form_values, "host": ""}).wants_password_again
        assert not SenderForm({**form_values, "host": "", "password": ""}).wants_password_again
        assert not SenderForm(form_values).wants_password_again


class TestTrustedCertificates:
    def test_they_are_kept_in_their_plain_form_and_described(self, form_values: Values) -> None:
        pem = make_certificate()
        form = SenderForm({**form_values, "trusted_certificates": f"bag of words\n{pem}{pem}"})
        assert form.is_valid()
        assert form.unsaved_sender().trusted_certificates == pem.strip()
        assert [facts.subject for facts in form.certificates] == ["CN=mail.corp.example,O=Corp"]

    def test_one_that_expired_since_it_was_stored_does_not_block_other_changes(self, make_sender: MakeSender) -> None:
        from datetime import timedelta  # noqa: PLC0415

        expired = make_certificate(starts=timedelta(days=-9), ends=timedelta(days=-1)).strip()
        sender = make_sender(trusted_certificates=expired)
        form = SenderForm(values_of(sender, display_name="Other"), instance=sender)
        assert form.errors == {}
        assert form.certificates[0].days_left < 0

    @pytest.mark.parametrize("refill", [False, True])
    def test_a_private_key_is_refused_and_never_comes_back(self, form_values: Values, refill: bool) -> None:
        values = {**form_values, "trusted_certificates": make_certificate() + PRIVATE_KEY_PEM}
        form = SenderForm.refilled(values) if refill else SenderForm(values)
        if not refill:
            assert list(form.errors) == ["trusted_certificates"]
        assert PRIVATE_KEY_PEM.splitlines()[1] not in form.as_p()

    def test_what_cannot_be_read_is_described_by_nothing(self, form_values: Values) -> None:
        assert SenderForm({**form_values, "trusted_certificates": "x"}).certificates == ()


class TestPresets:
    def test_the_password_is_called_what_the_provider_calls_it(self, form_values: Values) -> None:
        form = SenderForm({**form_values, "host": "smtp.qq.com"})
        assert str(form.fields["password"].label) == "Authorization code"
        assert form.preset is not None
        assert form.preset.guide == "qq"

    def test_a_missing_password_is_called_so_too(self, form_values: Values) -> None:
        errors = errors_of({**form_values, "host": "smtp.qq.com", "password": ""})
        assert errors == {"password": ["Enter the password or authorization code, or choose No sign-in."]}

    def test_one_fills_the_server_and_keeps_what_was_typed(self, form_values: Values) -> None:
        preset = find_preset("qq")
        assert preset is not None
        form = SenderForm.refilled(form_values, changes=preset_changes(preset, form_values["host"]))
        values: dict[str, Any] = {name: form[name].value() for name in form.fields}
        assert not form.is_bound
        assert values["host"] == "smtp.qq.com"
        assert (values["port"], values["encryption"]) == (465, "ssl")
        assert (values["address"], values["display_name"]) == ("reports@example.com", "Reports")
        assert values["password"] is None

    def test_one_without_a_host_keeps_a_host_of_ones_own(self) -> None:
        exchange = find_preset("exchange")
        assert exchange is not None
        assert preset_changes(exchange, "10.0.0.4")["host"] == "10.0.0.4"
        assert preset_changes(exchange, "smtp.qq.com")["host"] == ""

    def test_one_with_a_fixed_login_name_fills_it(self) -> None:
        sendgrid = find_preset("sendgrid")
        assert sendgrid is not None
        changes = preset_changes(sendgrid, "")
        assert (changes["login_method"], changes["login_name"]) == ("login_name", "apikey")


def test_an_advanced_value_opens_the_advanced_part(form_values: Values) -> None:
    assert not SenderForm().has_advanced_values
    assert SenderForm({**form_values, "reply_to": "x@example.com"}).has_advanced_values
    assert SenderForm({**form_values, "timeout": ""}).has_advanced_values
    assert SenderForm({**form_values, "unknown_policy": "hold"}).has_advanced_values


def test_unsaved_values_never_touch_the_stored_account(make_sender: MakeSender) -> None:
    sender = make_sender()
    form = SenderForm(values_of(sender, host="other.example.com", password="typed"), instance=sender)
    assert form.is_valid()
    assert form.unsaved_sender().pk is None
    assert form.effective_password() == "typed"
    assert Sender.objects.get().host == "smtp.example.com"


@pytest.mark.parametrize("typed", ["", "retry", "hold"])
def test_what_follows_a_lost_answer_is_the_accounts_own_choice(form_values: Values, typed: str) -> None:
    form = SenderForm({**form_values, "unknown_policy": typed})
    assert form.is_valid()
    saved = form.store()
    assert saved is not None
    assert Sender.objects.get().unknown_policy == typed


def test_a_way_that_does_not_exist_is_refused(form_values: Values) -> None:
    form = SenderForm({**form_values, "unknown_policy": "drop"})
    assert form.errors["unknown_policy"] == ["Choose one of the ways shown."]


@pytest.mark.parametrize(("system", "label"), [("retry", "Try again"), ("hold", "Hold for a person")])
def test_the_systems_way_says_which_one_it_is(settings: Settings, system: str, label: str) -> None:
    settings.MAILBOX_UNKNOWN_POLICY = system
    assert next(iter(SenderForm()["unknown_policy"])).choice_label == f"As the system says ({label})"
