"""Writing a mail: what is accepted, what is refused and how, and that nothing typed is lost."""

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from records.models import Content, Mail
from senders.models import Sender
from senders.services import set_default_sender
from tests.people import client_of, make_person
from tests.web.checking import MAILBOX, administrator

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]
COMPOSE = f"{MAILBOX}compose/"


@pytest.fixture
def sender() -> Sender:
    account = Sender.objects.create(
        address="noreply@acme.test", display_name="Acme", host="127.0.0.1", login_method="none", encryption="none"
    )
    set_default_sender(account)
    return account


@pytest.fixture
def admin() -> Client:
    return client_of(administrator())


def written(sender: Sender, **changes: object) -> dict[str, object]:
    return {"sender": sender.pk, "to": "bob@example.org", "subject": "Hello", "text": "Good morning.", **changes}


def composed() -> EmailMessage:
    message = message_from_bytes(bytes(Content.objects.get().mime), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_the_default_sender_is_chosen_beforehand(admin: Client, sender: Sender) -> None:
    Sender.objects.create(address="a@acme.test", display_name="A", host="h", login_method="none")
    page = admin.get(COMPOSE).content.decode()

    assert f'<option value="{sender.pk}" selected>' in page


def test_a_mail_is_accepted_and_its_page_shown(admin: Client, sender: Sender) -> None:
    response = admin.post(COMPOSE, written(sender), REMOTE_ADDR="127.0.0.9")
    mail = Mail.objects.get()

    assert (response.status_code, response.url) == (302, f"{MAILBOX}mails/{mail.pk}/accepted/")  # type: ignore[attr-defined]
    assert (mail.subject, mail.requested_by, mail.requester_ip) == ("Hello", "admin", "127.0.0.9")
    assert [receiver.address for receiver in mail.receivers.all()] == ["bob@example.org"]


@pytest.mark.parametrize("separator", [",", ";", "\n", "\r\n", " , ", "，", "；", "、", ",,\n;"])
def test_receivers_are_parted_by_commas_semicolons_and_lines(admin: Client, sender: Sender, separator: str) -> None:
    admin.post(COMPOSE, written(sender, to=f"a@example.org{separator}b@example.org"))

    assert [receiver.address for receiver in Mail.objects.get().receivers.all()] == ["a@example.org", "b@example.org"]


def test_every_field_reaches_the_mail(admin: Client, sender: Sender) -> None:
    files = [SimpleUploadedFile("a.txt", b"one"), SimpleUploadedFile("报告.pdf", b"two")]
    start = timezone.localtime() + timedelta(days=1)
    admin.post(
        COMPOSE,
        written(
            sender,
            cc="cc@example.org",
            bcc="bcc@example.org",
            reply_to="answers@example.org",
            html="<p>Good morning.</p>",
            attachments=files,
            template_name="Nightly",
            accessed_resource="/jobs/1",
            not_before=f"{start:%Y-%m-%dT%H:%M}",
            give_up_after="2",
        ),
    )
    mail, message = Mail.objects.get(), composed()

    assert (mail.template_name, mail.accessed_resource) == ("Nightly", "/jobs/1")
    assert f"{timezone.localtime(mail.due_at):%Y-%m-%dT%H:%M}" == f"{start:%Y-%m-%dT%H:%M}"
    assert mail.expires_at - mail.due_at == timedelta(hours=2)
    assert {(one.kind, one.address) for one in mail.receivers.all()} == {
        ("to", "bob@example.org"),
        ("cc", "cc@example.org"),
        ("bcc", "bcc@example.org"),
    }
    assert (str(message["Cc"]), str(message["Reply-To"]), message["Bcc"]) == (
        "cc@example.org",
        "answers@example.org",
        None,
    )
    assert [part.get_filename() for part in message.iter_attachments()] == ["a.txt", "报告.pdf"]


def test_all_that_is_wrong_is_told_at_once_and_nothing_typed_is_lost(admin: Client, sender: Sender) -> None:
    values = {
        "sender": "",
        "to": "bob, eve@example.org",
        "subject": "",
        "text": "Kept text",
        "html": "<p>Kept HTML</p>",
        "not_before": "soon",
        "give_up_after": "long",
        "template_name": "Kept label",
    }
    response = admin.post(COMPOSE, values)
    page = response.content.decode()

    assert response.status_code == 200
    for sentence in (
        "Choose the account that sends this mail.",
        "bob: The @ is missing.",
        "Enter a subject.",
        "Enter date and time",
        "Enter a whole number of hours",
    ):
        assert sentence in page
    for typed in ("bob, eve@example.org", "Kept text", "&lt;p&gt;Kept HTML&lt;/p&gt;", "Kept label", "soon", "long"):
        assert typed in page
    assert Mail.objects.count() == 0


def test_lost_attachments_are_told(admin: Client, sender: Sender) -> None:
    values = written(sender, to="", attachments=[SimpleUploadedFile("a.txt", b"one")])
    page = admin.post(COMPOSE, values).content.decode()

    assert "Choose the attachments again" in page


def test_an_empty_file_is_told(admin: Client, sender: Sender) -> None:
    response = admin.post(COMPOSE, written(sender, attachments=[SimpleUploadedFile("a.txt", b"")]))

    assert response.status_code == 200


def test_files_that_are_too_large_together_are_refused(admin: Client, sender: Sender, settings: Settings) -> None:
    settings.MAILBOX_MAX_SIZE = 1_000_000
    files = [SimpleUploadedFile(f"{number}.bin", b"x" * 600_000) for number in range(2)]
    response = admin.post(COMPOSE, written(sender, attachments=files))

    assert response.status_code == 200
    assert "The mail has 1.1 MiB; at most 1.0 MiB can be sent." in response.content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"to": ""}, "Name at least one receiver."),
        ({"text": ""}, "Write a text, an HTML body, or attach a file."),
        ({"subject": "a\nBcc: eve@example.org"}, "line break"),
        ({"give_up_after": "-1"}, "between a moment and 30 days"),
        ({"give_up_after": "9" * 30}, "30 days"),
        ({"not_before": "2999-01-01T00:00"}, "a year at most"),
        ({"template_name": "x" * 201}, "Shorten this to 200 characters."),
        ({"to": ", ".join(f"a{number}@example.org" for number in range(101))}, "at most 100 receivers"),
    ],
)
def test_each_limit_has_its_sentence(admin: Client, sender: Sender, changes: dict[str, str], sentence: str) -> None:
    response = admin.post(COMPOSE, written(sender, **changes))

    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert Mail.objects.count() == 0


def test_a_disabled_account_can_not_be_chosen(admin: Client, sender: Sender) -> None:
    off = Sender.objects.create(
        address="off@acme.test", display_name="Off", host="h", login_method="none", is_enabled=False
    )
    page = admin.post(COMPOSE, written(off)).content.decode()

    assert "That account is disabled or was deleted." in page


def test_without_any_account_the_page_says_so_and_leads_there(admin: Client) -> None:
    page = admin.get(COMPOSE).content.decode()

    assert "Mail is not configured" in page
    assert f'href="{MAILBOX}senders/add/"' in page
    assert "<textarea" not in page


@pytest.mark.parametrize(("permissions", "status"), [((), 403), (("records.send_mail",), 200)])
def test_it_asks_for_its_permission(sender: Sender, permissions: tuple[str, ...], status: int) -> None:
    assert client_of(make_person(*permissions)).get(COMPOSE).status_code == status


def test_the_page_of_an_accepted_mail_asks_again_while_it_waits(admin: Client, sender: Sender) -> None:
    admin.post(COMPOSE, written(sender))
    url = f"{MAILBOX}mails/{Mail.objects.get().pk}/accepted/"
    page = admin.get(url).content.decode()
    part = admin.get(url, headers={"HX-Request": "true"}).content.decode()

    assert "Waiting" in page
    assert 'hx-trigger="every 2s"' in part
    assert "<html" not in part
    assert "Cancel this mail" in part


def test_a_mail_that_ended_is_not_asked_for_again(admin: Client, sender: Sender) -> None:
    admin.post(COMPOSE, written(sender))
    mail = Mail.objects.get()
    Mail.objects.update(state="sent", finished_at=timezone.now())
    page = admin.get(f"{MAILBOX}mails/{mail.pk}/accepted/").content.decode()

    assert "hx-trigger" not in page
    assert "Cancel this mail" not in page


def test_someone_who_may_not_see_content_sees_no_subject(sender: Sender, admin: Client) -> None:
    admin.post(COMPOSE, written(sender, subject="Secret plan"))
    client = client_of(make_person("records.send_mail", name="eve"))
    page = client.get(f"{MAILBOX}mails/{Mail.objects.get().pk}/accepted/").content.decode()

    assert "Secret plan" not in page
