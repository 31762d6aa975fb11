"""POST delivery:check and delivery:check_saved, as a script and as a browser without scripts send them."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from delivery.check.slots import SLOTS
from records.enums import Outcome
from records.models import Mail, SendingRecord
from senders.enums import Encryption
from senders.models import Sender
from tests import smtpd
from tests.people import client_of, make_person
from tests.web.checking import (
    ADDRESS,
    CANARY,
    CHECK,
    MAILBOX,
    administrator,
    form_values,
    lines_of,
    save_account,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_keys")]
NDJSON = "application/x-ndjson"


@pytest.fixture
def server() -> Iterator[smtpd.MailServer]:
    with smtpd.mail_server(Encryption.TLS, users={ADDRESS: CANARY}) as running:
        yield running


@pytest.fixture
def admin() -> Client:
    return client_of(administrator())


def saved_url(sender: Sender) -> str:
    return f"{MAILBOX}senders/{sender.pk}/check/"


def test_a_check_is_streamed_line_by_line_to_its_verdict(admin: Client, server: smtpd.MailServer) -> None:
    response = admin.post(CHECK, form_values(server), headers={"Accept": NDJSON})
    lines = lines_of(response)

    assert response.status_code == 200
    assert response.headers["Content-Type"] == f"{NDJSON}; charset=utf-8"
    assert response.headers["X-Accel-Buffering"] == "no"
    assert "no-store" in response.headers["Cache-Control"]
    assert list(lines[0]) == ["steps", "say"]
    assert [line["step"] for line in lines if "step" in line][:2] == ["resolve", "resolve"]
    assert lines[-1]["verdict"] == "passed"
    assert "me@acme.test" in lines[-1]["html"]
    assert [mail.forward_paths for mail in server.wait_for(1)] == [("me@acme.test",)]


def test_every_step_of_a_passed_check_ends_with_a_time(admin: Client, server: smtpd.MailServer) -> None:
    lines = lines_of(admin.post(CHECK, form_values(server), headers={"Accept": NDJSON}))

    last = {line["step"]: line["html"] for line in lines if "step" in line}
    assert list(last) == ["resolve", "connect", "greeting", "tls", "auth", "mail", "rcpt", "data", "accepted"]
    assert all("step-done" in html and " ms" in html for html in last.values())
    assert "Queued as 000000000001" in last["accepted"]
    assert "TLSv1.3" in last["tls"]


def test_a_failure_brings_reply_cause_fix_and_click(admin: Client, server: smtpd.MailServer) -> None:
    server.answer("AUTH", "535 5.7.8 Error: authentication failed <b>")
    lines = lines_of(admin.post(CHECK, form_values(server), headers={"Accept": NDJSON}))

    failed = next(line["html"] for line in reversed(lines) if line.get("step") == "auth")
    assert "535 5.7.8 Error: authentication failed &lt;b&gt;" in failed
    assert 'class="advice-cause"' in failed
    assert "data-mend" in failed or "data-guide" in failed
    assert lines[-1]["verdict"] == "failed"
    assert "nothing was saved" in lines[-1]["html"]


def test_testing_a_new_account_saves_nothing(admin: Client, server: smtpd.MailServer) -> None:
    lines_of(admin.post(CHECK, form_values(server), headers={"Accept": NDJSON}))

    assert Sender.objects.count() == 0


def test_wrong_fields_are_told_by_name_and_nothing_is_dialled(admin: Client, server: smtpd.MailServer) -> None:
    values = form_values(server, host="smtp://x", port="99999", password="", recipient="a, b")
    response = admin.post(CHECK, values, headers={"Accept": NDJSON})

    assert response.status_code == 200
    assert sorted(response.json()["errors"]) == ["host", "password", "port", "recipient"]
    assert server.connections == 0
    assert Mail.objects.count() == 0


def test_without_scripts_the_result_is_the_forms_page(admin: Client, server: smtpd.MailServer) -> None:
    response = admin.post(CHECK, form_values(server))
    page = response.content.decode()

    assert response.status_code == 200
    assert page.count("step-done") == 9
    assert 'data-verdict="passed"' in page
    assert f'value="{ADDRESS}"' in page
    assert "Type the password again" in page
    assert CANARY not in page


def test_without_scripts_a_failure_offers_its_clicks_as_buttons_of_the_form(admin: Client, settings: Settings) -> None:
    settings.MAILBOX_CHECK_STEP_SECONDS = 0.5
    with smtpd.mail_server(Encryption.SSL) as other:
        page = admin.post(CHECK, form_values(other, encryption="tls", login_method="none")).content.decode()

    assert 'data-verdict="failed"' in page
    assert 'form="sender-form"' in page
    assert f'formaction="{CHECK}"' in page
    assert 'value="same_port_ssl"' in page


def test_a_click_that_mends_changes_the_form_and_asks_for_the_password(admin: Client, server: smtpd.MailServer) -> None:
    response = admin.post(CHECK, form_values(server, password="", mend="use_ssl_465"))
    page = response.content.decode()

    assert response.status_code == 200
    assert 'value="465"' in page
    assert "Enter the password or authorization code" in page


def test_a_click_that_mends_runs_the_check_at_once_when_nothing_is_missing(
    admin: Client, server: smtpd.MailServer
) -> None:
    values = form_values(server, trusted_certificates="", mend="trust_certificate", mend_confirmed="yes")
    page = admin.post(CHECK, {**values, "mend_certificate": smtpd.authority_pem()}).content.decode()

    assert 'data-verdict="passed"' in page
    assert "-----BEGIN CERTIFICATE-----" in page


def test_a_certificate_is_not_trusted_before_a_person_compared_it(admin: Client, server: smtpd.MailServer) -> None:
    values = form_values(server, trusted_certificates="", mend="trust_certificate")
    response = admin.post(CHECK, {**values, "mend_certificate": smtpd.authority_pem()})
    page = response.content.decode()

    assert response.status_code == 200
    assert "Compare the fingerprint first" in page
    assert "Mail Test CA" in page
    assert server.connections == 0


def test_nonsense_in_place_of_a_certificate_is_refused(admin: Client, server: smtpd.MailServer) -> None:
    values = form_values(server, trusted_certificates="", mend="trust_certificate", mend_certificate="nonsense")

    assert admin.post(CHECK, values).status_code == 200
    assert admin.post(CHECK, {**values, "mend_confirmed": "yes"}).status_code == 200
    assert server.connections == 0


def test_the_edit_form_with_a_blank_password_tests_with_the_stored_one(admin: Client, server: smtpd.MailServer) -> None:
    sender = save_account(server)
    lines = lines_of(admin.post(saved_url(sender), form_values(server, password=""), headers={"Accept": NDJSON}))

    sender.refresh_from_db()
    assert lines[-1]["verdict"] == "passed"
    assert sender.last_test_passed is True


def test_changed_values_of_an_account_leave_its_latest_test_alone(admin: Client, server: smtpd.MailServer) -> None:
    sender = save_account(server)
    values = form_values(server, password="", display_name="Other")
    lines_of(admin.post(saved_url(sender), values, headers={"Accept": NDJSON}))

    sender.refresh_from_db()
    assert sender.last_test_at is None
    assert Mail.objects.get().sender is None


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "localhost"},
        {"port": "2525"},
        {"encryption": "none"},
        {"login_method": "login_name", "login_name": "eve"},
        {"trusted_certificates": ""},
    ],
)
def test_the_stored_password_never_goes_to_another_place(
    admin: Client, server: smtpd.MailServer, changes: dict[str, str]
) -> None:
    sender = save_account(server)
    values = form_values(server, password="") | changes
    response = admin.post(saved_url(sender), values, headers={"Accept": NDJSON})

    assert response.status_code == 200
    assert list(response.json()["errors"]) == ["password"]
    assert server.connections == 0


def test_a_stored_account_is_tested_without_its_form(admin: Client, server: smtpd.MailServer) -> None:
    sender = save_account(server)
    lines = lines_of(admin.post(saved_url(sender), {"recipient": "me@acme.test"}, headers={"Accept": NDJSON}))

    sender.refresh_from_db()
    assert lines[-1]["verdict"] == "passed"
    assert "Check the inbox.\n" in lines[-1]["html"]
    assert sender.last_test_passed is True


def note_in(html: str) -> str:
    """The note that the form keeps of its test."""
    found = re.search(r'name="tested" value="([^"]+)" form="sender-form"', html)
    assert found
    return found[1]


def test_a_test_before_saving_is_the_accounts_latest_test_once_it_is_saved(
    admin: Client, server: smtpd.MailServer
) -> None:
    values = form_values(server)
    note = note_in(lines_of(admin.post(CHECK, values, headers={"Accept": NDJSON}))[-1]["html"])
    assert CANARY not in note
    admin.post(f"{MAILBOX}senders/add/", {**values, "tested": note})

    sender, mail = Sender.objects.get(), Mail.objects.get()
    assert (sender.last_test_passed, sender.last_test_mail_id) == (True, mail.pk)
    assert f'href="{MAILBOX}mails/{mail.pk}/record/"' in admin.get(MAILBOX).content.decode()


def test_a_failed_test_before_saving_is_remembered_too_without_scripts(admin: Client, server: smtpd.MailServer) -> None:
    server.answer("AUTH", "535 5.7.8 no")
    values = form_values(server)
    note = note_in(admin.post(CHECK, values).content.decode())
    admin.post(f"{MAILBOX}senders/add/", {**values, "tested": note})

    assert Sender.objects.get().last_test_passed is False


def test_a_test_of_other_settings_is_not_the_accounts(admin: Client, server: smtpd.MailServer) -> None:
    values = form_values(server)
    note = note_in(lines_of(admin.post(CHECK, values, headers={"Accept": NDJSON}))[-1]["html"])
    admin.post(f"{MAILBOX}senders/add/", {**values, "password": "another", "tested": note})

    assert Sender.objects.get().last_test_at is None


def test_a_test_of_an_edited_account_with_its_stored_password_counts_when_it_is_saved(
    admin: Client, server: smtpd.MailServer
) -> None:
    sender = save_account(server)
    values = form_values(server, password="", display_name="Renamed")
    note = note_in(lines_of(admin.post(saved_url(sender), values, headers={"Accept": NDJSON}))[-1]["html"])
    admin.post(f"{MAILBOX}senders/{sender.pk}/", {**values, "tested": note})

    sender.refresh_from_db()
    assert (sender.display_name, sender.last_test_passed) == ("Renamed", True)


def test_a_failure_of_a_stored_account_leads_to_its_form(admin: Client, server: smtpd.MailServer) -> None:
    sender = save_account(server)
    server.answer("AUTH", "535 5.7.8 no")
    lines = lines_of(admin.post(saved_url(sender), {"recipient": "me@acme.test"}, headers={"Accept": NDJSON}))

    failed = next(line["html"] for line in reversed(lines) if line.get("step") == "auth")
    assert f'href="{MAILBOX}senders/{sender.pk}/"' in failed
    assert "data-mend" not in failed


def test_the_page_of_a_stored_account_asks_for_the_recipient(admin: Client, server: smtpd.MailServer) -> None:
    sender = save_account(server)
    page = admin.get(saved_url(sender)).content.decode()
    fragment = admin.get(saved_url(sender), headers={"X-Fragment": "dialog"}).content.decode()

    assert 'name="recipient"' in page
    assert "<dialog" in fragment
    assert "<html" not in fragment


def test_the_page_of_a_stored_account_shows_the_whole_result(admin: Client, server: smtpd.MailServer) -> None:
    sender = save_account(server)
    page = admin.post(saved_url(sender), {"recipient": "me@acme.test"}).content.decode()

    assert page.count("step-done") == 9
    assert 'data-verdict="passed"' in page


@pytest.mark.parametrize("recipient", ["", "no", "a@b.test, c@d.test"])
def test_a_wrong_recipient_is_told(admin: Client, server: smtpd.MailServer, recipient: str) -> None:
    sender = save_account(server)
    as_page = admin.post(saved_url(sender), {"recipient": recipient})
    as_lines = admin.post(saved_url(sender), {"recipient": recipient}, headers={"Accept": NDJSON})

    assert (as_page.status_code, as_lines.status_code) == (200, 200)
    assert list(as_lines.json()["errors"]) == ["recipient"]
    assert 'class="errors"' in as_page.content.decode()


def test_a_password_that_can_not_be_read_is_told(admin: Client, server: smtpd.MailServer) -> None:
    sender = save_account(server)
    Sender.objects.update(secret="v1:none:AAAA")
    response = admin.post(saved_url(sender), {"recipient": "me@acme.test"}, headers={"Accept": NDJSON})

    assert response.status_code == 200
    assert "can't be read" in response.json()["errors"]["__all__"][0]
    assert admin.post(saved_url(sender), {"recipient": "me@acme.test"}).status_code == 200


def test_too_many_checks_at_once_are_refused(admin: Client, server: smtpd.MailServer, settings: Settings) -> None:
    settings.MAILBOX_CHECKS_PER_USER = 1
    sender = save_account(server)
    with SLOTS.held("admin"):
        answers = [
            admin.post(CHECK, form_values(server, address="new@acme.test"), headers={"Accept": NDJSON}),
            admin.post(CHECK, form_values(server, address="new@acme.test")),
            admin.post(saved_url(sender), {"recipient": "me@acme.test"}, headers={"Accept": NDJSON}),
            admin.post(saved_url(sender), {"recipient": "me@acme.test"}),
        ]

    assert [answer.status_code for answer in answers] == [200, 429, 200, 429]
    assert all("Other checks are still running" in answer.content.decode() for answer in answers)


@pytest.mark.parametrize(
    ("permissions", "new", "stored", "edited"),
    [
        ((), 403, 403, 403),
        (("senders.view_sender", "senders.change_sender", "senders.add_sender"), 403, 403, 403),
        (("senders.test_sender",), 403, 200, 403),
        (("senders.test_sender", "senders.add_sender"), 200, 200, 403),
        (("senders.test_sender", "senders.change_sender"), 403, 200, 200),
    ],
)
def test_each_way_to_test_asks_for_its_permissions(
    server: smtpd.MailServer, permissions: tuple[str, ...], new: int, stored: int, edited: int
) -> None:
    sender = save_account(server)
    client = client_of(make_person(*permissions))
    unsaved = form_values(server, address="new@acme.test")

    def status(url: str, values: dict[str, str]) -> int:
        response = client.post(url, values, headers={"Accept": NDJSON})
        if response.streaming:
            lines_of(response)
        return int(response.status_code)

    assert status(CHECK, unsaved) == new
    assert status(saved_url(sender), {"recipient": "me@acme.test"}) == stored
    assert status(saved_url(sender), form_values(server, password="")) == edited


def test_a_check_needs_a_signed_in_person_and_a_token(server: smtpd.MailServer) -> None:
    stranger, strict = Client(), Client(enforce_csrf_checks=True)
    strict.force_login(administrator())

    assert stranger.post(CHECK, form_values(server)).status_code == 302
    assert strict.post(CHECK, form_values(server)).status_code == 403
    assert server.connections == 0


def test_a_check_is_not_begun_by_a_link(admin: Client) -> None:
    assert admin.get(CHECK).status_code == 405


def test_the_answer_speaks_chinese_to_a_chinese_reader(admin: Client, server: smtpd.MailServer) -> None:
    server.answer("AUTH", "535 no")
    headers = {"Accept": NDJSON, "Accept-Language": "zh-hans"}
    lines = lines_of(admin.post(CHECK, form_values(server), headers=headers))

    failed = next(line["html"] for line in reversed(lines) if line.get("step") == "auth")
    assert any("\u4e00" <= character <= "\u9fff" for character in failed)


def test_the_password_comes_back_in_no_answer(admin: Client, server: smtpd.MailServer) -> None:
    save_account(server, address="other@acme.test", login_method="login_name", login_name=ADDRESS)
    wrong = form_values(server, password=f"{CANARY}-wrong")
    server.answer("MAIL", f"550 {CANARY} is what you said", times=1)
    answers = [
        b"".join(admin.post(CHECK, values, headers={"Accept": NDJSON}).streaming_content)  # type: ignore[attr-defined]
        for values in (form_values(server), wrong)
    ]
    answers += [admin.post(CHECK, values).content for values in (form_values(server), wrong)]
    answers.append(admin.post(CHECK, form_values(server, port="x")).content)

    assert all(CANARY not in answer.decode() for answer in answers)
    assert all(CANARY not in repr(vars(record)) for record in SendingRecord.objects.all())
    assert SendingRecord.objects.filter(outcome=Outcome.ACCEPTED).count() == 1
