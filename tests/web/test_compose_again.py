"""Sending a mail again, and cancelling one."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from delivery.acceptance import accept_mail
from delivery.values import Attachment
from records.enums import MailState, Outcome, ReceiverState
from records.models import Content, Mail, Receiver, SendingRecord
from senders.models import Sender
from senders.services import set_default_sender
from tests.people import client_of, make_person
from tests.web.checking import MAILBOX, administrator

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]


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


@pytest.fixture
def original(sender: Sender) -> Mail:
    return accept_mail(
        to=["bob@example.org", "eve@example.org"],
        cc=["cc@example.org"],
        bcc=["bcc@example.org"],
        reply_to=["answers@example.org"],
        subject="Grüße 报告",
        text="Guten Morgen",
        html="<p>Guten <b>Morgen</b></p>",
        attachments=[Attachment("报告.bin", b"\x00\x01\xff", "application/octet-stream")],
        template_name="Nightly",
        accessed_resource="/jobs/1",
        requested_by="task",
        sender=sender,
    )


def resend_url(mail: Mail) -> str:
    return f"{MAILBOX}mails/{mail.pk}/resend/"


def cancel_url(mail: Mail) -> str:
    return f"{MAILBOX}mails/{mail.pk}/cancel/"


def parsed(mail: Mail) -> EmailMessage:
    message = message_from_bytes(bytes(Content.objects.get(mail=mail).mime), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def body(mail: Mail, kind: str) -> str:
    part = parsed(mail).get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").strip()


def test_the_receivers_of_the_original_are_proposed(admin: Client, original: Mail) -> None:
    form = admin.get(resend_url(original)).context["form"]

    assert form["to"].value() == "bob@example.org\neve@example.org"
    assert form["cc"].value() == "cc@example.org"
    assert form["bcc"].value() == "bcc@example.org"
    assert form["sender"].value() == original.sender_id


def test_who_has_the_mail_already_is_not_proposed(admin: Client, original: Mail) -> None:
    Receiver.objects.filter(address="eve@example.org").update(state=ReceiverState.ACCEPTED)
    response = admin.get(resend_url(original))

    assert response.context["form"]["to"].value() == "bob@example.org"
    page = response.content.decode()
    assert "1 receiver has it already and is not proposed" in page
    assert "eve@example.org" in page


def test_when_all_have_it_all_are_proposed(admin: Client, original: Mail) -> None:
    Receiver.objects.update(state=ReceiverState.ACCEPTED)

    assert admin.get(resend_url(original)).context["form"]["to"].value() == "bob@example.org\neve@example.org"


def test_it_goes_out_as_a_new_mail_with_the_same_content_linked_to_the_original(admin: Client, original: Mail) -> None:
    admin.post(resend_url(original), {"sender": original.sender_id, "to": "new@example.org"})
    again = Mail.objects.get(resend_of=original)

    assert again.message_id != original.message_id
    assert (again.subject, again.requested_by) == ("Grüße 报告", "admin")
    assert (again.template_name, again.accessed_resource) == ("Nightly", "/jobs/1")
    assert [receiver.address for receiver in again.receivers.all()] == ["new@example.org"]
    assert str(parsed(again)["To"]) == "new@example.org"
    assert parsed(again)["Cc"] is None
    assert str(parsed(again)["Reply-To"]) == "answers@example.org"
    for kind in ("plain", "html"):
        assert body(again, kind) == body(original, kind)
    (attached,) = parsed(again).iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("报告.bin", b"\x00\x01\xff")


def test_a_mail_that_was_sent_again_can_be_sent_again(admin: Client, original: Mail) -> None:
    admin.post(resend_url(original), {"sender": original.sender_id, "to": "new@example.org"})
    again = Mail.objects.get(resend_of=original)
    admin.post(resend_url(again), {"sender": original.sender_id, "to": "new@example.org"})

    assert body(Mail.objects.get(resend_of=again), "plain") == body(original, "plain")


def test_wrong_receivers_are_told_and_stay_in_the_form(admin: Client, original: Mail) -> None:
    response = admin.post(resend_url(original), {"sender": original.sender_id, "to": "bob"})

    assert response.status_code == 200
    assert "bob: The @ is missing." in response.content.decode()
    assert Mail.objects.count() == 1


def test_without_receivers_nothing_is_sent(admin: Client, original: Mail) -> None:
    response = admin.post(resend_url(original), {"sender": original.sender_id})

    assert response.status_code == 200
    assert "Name at least one receiver." in response.content.decode()


def test_a_mail_without_content_can_not_be_sent_again_and_the_page_says_so(admin: Client, original: Mail) -> None:
    Content.objects.all().delete()
    response = admin.get(resend_url(original))

    assert response.status_code == 410
    assert "can&#x27;t be sent again" in response.content.decode() or "can't be sent again" in response.content.decode()


def test_a_mail_that_a_stand_in_sent_is_proposed_to_go_from_its_own_account(admin: Client, original: Mail) -> None:
    own = original.sender
    assert own is not None
    stand_in = Sender.objects.create(
        address="stand-in@example.com", display_name="Stand-in", host="smtp.example.com", login_method="none"
    )
    Mail.objects.filter(pk=original.pk).update(sender=stand_in, stands_in_for=own)
    page = admin.get(resend_url(original)).content.decode()
    assert f'<option value="{own.pk}" selected' in page


def test_who_may_not_read_content_sends_it_again_to_the_same_people_only(original: Mail) -> None:
    client = client_of(make_person("records.send_mail"))
    to_same = client.post(resend_url(original), {"sender": original.sender_id, "to": "BOB@example.org"})
    to_me = client.post(resend_url(original), {"sender": original.sender_id, "to": "me@example.org"})

    assert (to_same.status_code, to_me.status_code) == (302, 403)
    assert "Grüße" not in client.get(resend_url(original)).content.decode()


def test_an_address_that_only_folds_alike_is_another_person(original: Mail) -> None:
    original.receivers.filter(address="bob@example.org").update(address="bob@fass.example")
    client = client_of(make_person("records.send_mail"))
    asked = {"sender": original.sender_id, "to": "bob@faß.example"}
    assert client.post(resend_url(original), asked).status_code == 403


def test_sending_again_asks_for_its_permission(original: Mail) -> None:
    assert client_of(make_person("records.view_content")).get(resend_url(original)).status_code == 403


def test_a_waiting_mail_is_cancelled(admin: Client, original: Mail) -> None:
    response = admin.post(cancel_url(original), follow=True)
    original.refresh_from_db()

    assert original.state == MailState.CANCELLED
    assert "Cancelled: the mail is not sent" in response.content.decode()


def test_a_mail_whose_content_is_on_the_way_is_too_late_to_cancel(admin: Client, original: Mail) -> None:
    Mail.objects.update(state=MailState.SENDING, epoch=1, committed_epoch=1, lease_until=timezone.now())
    for receiver in original.receivers.all():
        SendingRecord.objects.create(
            mail=original, receiver=receiver, epoch=1, receiver_address=receiver.address, started_at=timezone.now(),
        )  # fmt: skip
    response = admin.post(cancel_url(original), follow=True)

    assert "Too late: its content is on the way." in response.content.decode()
    assert SendingRecord.objects.filter(outcome=Outcome.SENDING).count() == 4


def test_a_mail_that_ended_is_too_late_to_cancel(admin: Client, original: Mail) -> None:
    Mail.objects.update(state=MailState.SENT, finished_at=timezone.now())

    assert "Too late: the mail had been dealt with" in admin.post(cancel_url(original), follow=True).content.decode()


def test_a_place_to_return_to_that_is_no_path_does_not_stop_cancelling(admin: Client, original: Mail) -> None:
    assert admin.post(cancel_url(original), {"next": "somewhere"}).status_code == 302
    original.refresh_from_db()
    assert original.state == "cancelled"


def test_cancelling_leads_back_to_where_the_click_was_made_and_nowhere_else(admin: Client, original: Mail) -> None:
    back = admin.post(cancel_url(original), {"next": f"{MAILBOX}records/"})
    away = admin.post(cancel_url(original), {"next": "https://evil.test/"})

    assert back.headers["Location"] == f"{MAILBOX}records/"
    assert away.headers["Location"].startswith(f"{MAILBOX}records/")


def test_cancelling_asks_for_its_permission_and_a_post(admin: Client, original: Mail) -> None:
    assert client_of(make_person("records.send_mail")).post(cancel_url(original)).status_code == 403
    assert admin.get(cancel_url(original)).status_code == 405


def test_how_other_peoples_mail_stands_is_for_those_who_see_the_record(original: Mail) -> None:
    person = make_person("records.send_mail")
    url = f"{MAILBOX}mails/{original.pk}/accepted/"
    assert client_of(person).get(url).status_code == 403
    assert client_of(make_person("records.send_mail", "records.view_sendingrecord")).get(url).status_code == 200
    Mail.objects.update(requested_by=person.get_username())
    assert client_of(person).get(url).status_code == 200


def test_what_does_not_exist_is_not_found(admin: Client) -> None:
    urls = [f"{MAILBOX}mails/999/{action}/" for action in ("resend", "accepted")]

    assert [admin.get(url).status_code for url in urls] == [404, 404]
    assert admin.post(f"{MAILBOX}mails/999/cancel/").status_code == 404


def test_an_uploaded_file_is_kept_by_sending_again(admin: Client, sender: Sender) -> None:
    upload = SimpleUploadedFile("a b.txt", b"line\n", content_type="text/plain")
    values = {"sender": sender.pk, "to": "a@example.org", "subject": "S", "text": "T", "attachments": [upload]}
    admin.post(f"{MAILBOX}compose/", values)
    first = Mail.objects.get()
    admin.post(resend_url(first), {"sender": sender.pk, "to": "a@example.org"})
    (attached,) = parsed(Mail.objects.get(resend_of=first)).iter_attachments()

    assert (attached.get_filename(), attached.get_payload(decode=True)) == ("a b.txt", b"line\n")
