"""The content of a mail: safe to look at, and only for those who may."""

import pytest
from django.test import Client

from records.preview import read_preview, sanitise
from tests.people import client_of, make_person
from tests.records.rows import NOON, compose, make_mail

MAILBOX = "/system/setting/mailbox/"
HOSTILE = """<h1 style="color: red" onclick="alert(1)">Hello</h1>
<script>alert(1)</script><iframe src="https://example.org"></iframe><form action="https://example.org"><input></form>
<img src="https://example.org/pixel.gif"><a href="javascript:alert(1)">one</a><a href="data:text/html,x">two</a>
<object data="x"></object><svg onload="alert(1)"></svg><meta http-equiv="refresh" content="0;url=https://example.org">
<link rel="stylesheet" href="https://example.org/x.css"><base href="https://example.org">"""


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_content"))


def url_of(mime: bytes, part: str = "") -> str:
    return f"{MAILBOX}mails/{make_mail(mime=mime).pk}/content/{part}"


def test_headers_text_and_attachments_are_shown(client: Client) -> None:
    url = url_of(compose(text="Rows: 12", files=(("报表 1.csv", b"a,b"),)))
    text = client.get(url).content.decode()
    for value in ("noreply@example.com", "anna@example.net", "Rows: 12", "报表 1.csv", "application/octet-stream"):
        assert value in text


def test_the_html_stands_in_a_frame_without_rights(client: Client) -> None:
    url = url_of(compose(html="<p>Hi</p>"))
    text = " ".join(client.get(url).content.decode().split())
    assert f'<iframe class="mail-frame" sandbox="" src="{url}?part=html"' in text


def test_nothing_runs_and_nothing_is_loaded_in_the_frame(client: Client) -> None:
    response = client.get(url_of(compose(html=HOSTILE), "?part=html"))
    policy = dict(part.strip().partition(" ")[::2] for part in response.headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
        "frame-ancestors": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "sandbox": "",
    }
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
    text = response.content.decode()
    for word in ("alert(1)", "onclick", "<iframe", "<form", "pixel.gif", "javascript:", "data:text", "<object", "<svg"):
        assert word not in text
    for word in ("refresh", "x.css", "<base"):
        assert word not in text
    assert 'style="color: red"' in text


def test_every_other_page_keeps_the_strict_policy(client: Client) -> None:
    policy = client.get(url_of(compose(html="<p>Hi</p>"))).headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy


def test_fonts_of_style_elements_are_kept() -> None:
    html = "<style>p { font-family: SimSun }</style><p class='x'>Hi</p>"
    assert sanitise(html) == '<style>p { font-family: SimSun }</style><p class="x">Hi</p>'


def test_inline_images_become_part_of_the_page() -> None:
    mime = (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
        b'--b\r\nContent-Type: text/html\r\n\r\n<img src="cid:logo@x"><img src="cid:other">\r\n'
        b"--b\r\nContent-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"iVBORw0KGgo=\r\n--b--\r\n"
    )
    html = read_preview(mime).html
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in html
    assert "cid:" not in html


def test_only_the_address_of_a_picture_names_a_part_of_the_mail() -> None:
    words = '<p title="see cid:4">Ticket cid:4711 and placid:lake.</p>'
    assert sanitise(words, {"4711": "data:image/png;base64,x"}) == words
    picture = sanitise('<img src=" CID&#58;a&amp;b"><img src="x cid:a&amp;b">', {"a&b": "data:image/png;base64,x"})
    assert picture == '<img src="data:image/png;base64,x"><img>'


@pytest.mark.parametrize(
    "leading",
    [
        '<a href="https://example.org/once" target="_top" ping="https://example.org">l</a>',
        '<map><area href="https://example.org" shape="default"></map>',
        '<svg><a xlink:href="https://example.org"><text>l</text></a></svg>',
        '<form action="https://example.org"><button formaction="https://example.org">l</button></form>',
        '<base href="https://example.org" target="_top"><meta http-equiv="refresh" content="0;url=https://example.org">',
    ],
)
def test_nothing_in_the_frame_leads_anywhere(client: Client, leading: str) -> None:
    text = client.get(url_of(compose(html=leading), "?part=html")).content.decode()
    for word in ("example.org", "href", "target", "<form", "<button", "refresh"):
        assert word not in text


def test_where_the_links_lead_is_told_as_text(client: Client) -> None:
    html = '<a href="https://x.example/?ref=cid:99&amp;b=1">the <b>report</b></a><a href="javascript:alert(1)">one</a>'
    text = " ".join(client.get(url_of(compose(html=html))).content.decode().split())
    for words, address in (("the report", "https://x.example/?ref=cid:99&amp;b=1"), ("one", "javascript:alert(1)")):
        told = f'<li> <bdi>{words}</bdi> <bdi class="mono soft" dir="ltr" translate="no">{address}</bdi> </li>'
        assert told in text
    assert 'href="https://x.example' not in text
    assert 'href="javascript:' not in text


def test_a_mail_without_links_tells_of_none(client: Client) -> None:
    assert "Where the links lead" not in client.get(url_of(compose(html="<p>Hi</p>"))).content.decode()


def test_links_beyond_those_told_are_counted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("records.preview.MAX_LINKS", 2)
    html = "".join(f'<a href="https://example.org/{number}">l</a>' for number in range(5))
    text = " ".join(client.get(url_of(compose(html=html))).content.decode().split())
    assert "https://example.org/1" in text
    assert "https://example.org/2" not in text
    assert "and 3 more" in text


def test_header_fields_are_told_whole(client: Client) -> None:
    receivers = [f"receiver.number.{number}.of.many@example.net" for number in range(100)]
    fields = "".join(f"X-Field-{number}: value {number}\r\n" for number in range(300))
    mime = f"To: {', '.join(receivers)}\r\n{fields}Subject: Rows\r\n\r\nHello".encode()
    preview = read_preview(mime)
    assert dict(preview.fields)["To"] == ", ".join(receivers)
    assert len(preview.fields) == 302
    text = client.get(url_of(mime)).content.decode()
    assert text.count(receivers[-1]) == 2  # above, and among all fields
    assert "value 299" in text


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("<ul><li>" * 50_000, id="lists"),
        pytest.param("".join(f"<b class={number}><p>" for number in range(50_000)), id="unclosed"),
        pytest.param("<div></x>" * 50_000, id="closing tags of others"),
    ],
)
def test_html_nested_to_keep_the_server_busy_is_shown_as_text(client: Client, hostile: str) -> None:
    url = url_of(compose(text="As text", html=hostile))
    text = client.get(url).content.decode()
    assert "As text" in text
    assert "<iframe" not in text
    assert "<li>" not in client.get(f"{url}?part=html").content.decode()


def test_a_table_of_many_rows_or_a_long_list_is_not_deep() -> None:
    rows = "<tr><td>1</td><td>2" * 500
    assert "<td>2</td>" in read_preview(compose(html=f"<table>{rows}</table><ul>{'<li>x' * 500}</ul>")).html


def test_an_unknown_character_set_is_read_as_well_as_can_be() -> None:
    mime = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=no-such-set\r\n\r\nHello \xff\r\n"
    assert read_preview(mime).text.startswith("Hello \ufffd")


def test_htmx_gets_the_content_alone(client: Client) -> None:
    text = client.get(url_of(compose()), headers={"HX-Request": "true"}).content.decode()
    assert "Hello" in text
    assert "<html" not in text


def test_an_attachment_is_a_download_whatever_it_claims_to_be(client: Client) -> None:
    mail = make_mail(mime=compose(files=(("page.html", b"<script>alert(1)</script>"),)))
    response = client.get(f"{MAILBOX}mails/{mail.pk}/attachments/0/")
    assert response.content == b"<script>alert(1)</script>"
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"] == 'attachment; filename="page.html"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\x.csv", "x.csv"),
        ("report\u202excod.exe", "reportxcod.exe"),
        ("...", "attachment-1"),
    ],
)
def test_file_names_lose_what_could_mislead(name: str, safe: str) -> None:
    (file,) = read_preview(compose(files=((name, b"x"),))).attachments
    assert file.filename == safe


def test_there_is_no_attachment_beyond_the_last(client: Client) -> None:
    mail = make_mail(mime=compose(files=(("a.txt", b"x"),)))
    assert client.get(f"{MAILBOX}mails/{mail.pk}/attachments/1/").status_code == 404


@pytest.mark.parametrize("page", ["content/", "source.eml", "attachments/0/"])
def test_content_that_was_pruned_is_gone_by_a_rule_that_is_told(client: Client, page: str) -> None:
    mail = make_mail(size=2048, finished_at=NOON)
    response = client.get(f"{MAILBOX}mails/{mail.pk}/{page}")
    assert response.status_code == 410
    text = response.content.decode()
    assert "The content is not kept any more: contents are kept for 30 days. The mail ended on 2026-03-10." in text
    assert f'href="{MAILBOX}mails/{mail.pk}/record/"' in text


def test_content_is_for_those_with_the_permission(db: None) -> None:
    mail = make_mail(mime=compose(files=(("a.txt", b"x"),)))
    viewer = client_of(make_person("records.view_sendingrecord", "records.export_records"))
    for url in (f"mails/{mail.pk}/content/", f"mails/{mail.pk}/content/?part=html", f"mails/{mail.pk}/attachments/0/"):
        assert viewer.get(MAILBOX + url).status_code == 403


def test_a_subject_of_any_length_leaves_room_for_the_content(client: Client) -> None:
    mail = make_mail(mime=compose(), subject="x" * 998)
    assert f"{'x' * 149}…" in client.get(f"{MAILBOX}mails/{mail.pk}/content/").content.decode()
