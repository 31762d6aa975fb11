"""Who looked at the content of a mail is written down before it is shown, and told to those who may look."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.db.models import F
from django.test import Client

from records.models import Mail
from records.viewing.models import ContentView
from tests.people import client_of, make_person
from tests.records.rows import compose, make_mail, make_record

MAILBOX = "/system/setting/mailbox/"


@pytest.fixture
def reader(db: None) -> User:
    return make_person("records.view_sendingrecord", "records.view_content", name="ada")


@pytest.fixture
def client(reader: User) -> Client:
    return client_of(reader)


@pytest.fixture
def mail(db: None) -> Mail:
    return make_mail(mime=compose(html="<p>Hi</p>", files=(("报表.csv", b"a,b"),)), size=2048)


def looks() -> list[tuple[int, str, str, str]]:
    return list(ContentView.objects.values_list("mail_id", "part", "filename", "viewed_by"))


def page_of(client: Client, mail: Mail) -> str:
    record = mail.records.first() or make_record(mail)
    return " ".join(client.get(f"{MAILBOX}records/{record.pk}/").content.decode().split())


@pytest.mark.parametrize(
    ("page", "part", "filename"),
    [
        ("content/", "content", ""),
        ("content/?part=html", "content", ""),
        ("attachments/0/", "attachment", "报表.csv"),
        ("source.eml", "source", ""),
    ],
)
def test_every_look_is_written_down(client: Client, mail: Mail, page: str, part: str, filename: str) -> None:
    response = client.get(f"{MAILBOX}mails/{mail.pk}/{page}", REMOTE_ADDR="10.1.2.3")
    assert response.status_code == 200
    assert looks() == [(mail.pk, part, filename, "ada")]
    assert ContentView.objects.get().viewer_ip == "10.1.2.3"


def test_looks_of_one_person_within_a_minute_count_once(client: Client, mail: Mail) -> None:
    for page in ("content/", "content/?part=html", "content/"):
        client.get(f"{MAILBOX}mails/{mail.pk}/{page}")
    assert len(looks()) == 1
    ContentView.objects.update(viewed_at=F("viewed_at") - timedelta(seconds=61))
    client.get(f"{MAILBOX}mails/{mail.pk}/content/")
    assert len(looks()) == 2


def test_looks_of_others_and_at_other_parts_count_by_themselves(client: Client, mail: Mail) -> None:
    client.get(f"{MAILBOX}mails/{mail.pk}/content/")
    client.get(f"{MAILBOX}mails/{mail.pk}/source.eml")
    client_of(make_person("records.view_content", name="otto")).get(f"{MAILBOX}mails/{mail.pk}/content/")
    assert looks() == [
        (mail.pk, "content", "", "ada"),
        (mail.pk, "source", "", "ada"),
        (mail.pk, "content", "", "otto"),
    ]


def test_a_look_from_another_address_counts_by_itself_however_soon(client: Client, mail: Mail) -> None:
    for address in ("10.1.2.3", "2001:db8::7", "10.1.2.3", "2001:DB8::7"):
        client.get(f"{MAILBOX}mails/{mail.pk}/content/", REMOTE_ADDR=address)
    assert list(ContentView.objects.values_list("viewer_ip", flat=True)) == ["10.1.2.3", "2001:db8::7"]


def test_two_attachments_of_one_name_are_two_looks(client: Client) -> None:
    mail = make_mail(mime=compose(files=(("report.csv", b"a"), ("report.csv", b"b"))))
    for index in (0, 1, 0):
        client.get(f"{MAILBOX}mails/{mail.pk}/attachments/{index}/")
    looked = ContentView.objects.values_list("filename", "attachment_index")
    assert list(looked) == [("report.csv", 0), ("report.csv", 1)]
    assert "2 looks at the content" in page_of(client, mail)


def test_what_cannot_be_seen_is_no_look(client: Client, mail: Mail) -> None:
    for url in (f"mails/{mail.pk}/attachments/7/", f"mails/{make_mail().pk}/content/", "mails/999999/source.eml"):
        assert client.get(MAILBOX + url).status_code in {404, 410}
    assert client.head(f"{MAILBOX}mails/{mail.pk}/source.eml").content == b""
    stranger = client_of(make_person("records.view_sendingrecord"))
    assert stranger.get(f"{MAILBOX}mails/{mail.pk}/source.eml").status_code == 403
    assert looks() == []


def test_nothing_is_shown_where_the_look_cannot_be_written_down(
    client: Client, mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_values: object, **_named: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(ContentView.objects, "create", fail)
    client.raise_request_exception = False
    response = client.get(f"{MAILBOX}mails/{mail.pk}/source.eml")
    assert response.status_code == 500
    assert b"Rows were loaded" not in response.content


def test_the_source_is_the_whole_mail_as_a_file(client: Client, mail: Mail) -> None:
    response = client.get(f"{MAILBOX}mails/{mail.pk}/source.eml")
    assert response.content.startswith(b"From: noreply@example.com")
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"] == f'attachment; filename="mail-{mail.pk}.eml"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_the_looks_are_told_the_latest_first(client: Client, mail: Mail) -> None:
    for page in ("content/", "attachments/0/"):
        client.get(f"{MAILBOX}mails/{mail.pk}/{page}")
    text = page_of(client, mail)
    assert "2 looks at the content" in text
    assert text.index("Attachment: <bdi>报表.csv</bdi>") < text.index("<li> Content ")


def test_the_looks_are_told_only_to_those_who_may_look(client: Client, mail: Mail) -> None:
    client.get(f"{MAILBOX}mails/{mail.pk}/content/")
    assert "at the content" not in page_of(client_of(make_person("records.view_sendingrecord")), mail)


def test_the_looks_go_with_their_mail(client: Client, mail: Mail) -> None:
    client.get(f"{MAILBOX}mails/{mail.pk}/content/")
    mail.delete()
    assert looks() == []


def test_the_envelope_and_all_header_fields_stand_with_the_content(client: Client, mail: Mail) -> None:
    make_record(mail, receiver_address="hidden@example.net")
    text = " ".join(client.get(f"{MAILBOX}mails/{mail.pk}/content/").content.decode().split())
    for words in (
        '<dt>MAIL FROM</dt> <dd class="mono"> &lt;noreply@example.com&gt;',
        "&lt;hidden@example.net&gt;",
        "<dt>MIME-Version</dt>",
        "<dt>Subject</dt>",
    ):
        assert words in text
