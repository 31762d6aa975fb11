"""Theme and language: remembered, back on the same page, and never leading elsewhere."""

import re

import pytest
from django.test import Client

from tests.people import client_of, make_person

RECORDS = "/system/setting/mailbox/records/"


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person(role="auditor"))


@pytest.mark.parametrize("theme", ["light", "auto", "dark"])
def test_the_theme_is_remembered(client: Client, theme: str) -> None:
    response = client.post("/theme/", {"theme": theme, "next": f"{RECORDS}?receiver=a"})
    assert response.headers["Location"] == f"{RECORDS}?receiver=a"
    text = client.get(RECORDS).content.decode()
    assert f'data-theme="{theme}"' in text


@pytest.mark.parametrize("theme", ["", "pink", '"><script>'])
def test_an_unknown_theme_changes_nothing(client: Client, theme: str) -> None:
    assert "theme" not in client.post("/theme/", {"theme": theme}).cookies
    client.cookies["theme"] = theme
    assert 'data-theme="auto"' in client.get(RECORDS).content.decode()


@pytest.mark.parametrize(
    "target", ["https://example.org/", "//example.org", "javascript:alert(1)", "", "\\\\example.org"]
)
@pytest.mark.parametrize("url", ["/theme/", "/language/"])
def test_switches_never_lead_elsewhere(client: Client, url: str, target: str) -> None:
    response = client.post(url, {"theme": "dark", "language": "en", "next": target})
    assert response.headers["Location"] == "/"


@pytest.mark.parametrize("target", ["records", "senders:list", "?receiver=anna"])
def test_what_is_no_path_does_not_stop_a_switch(client: Client, target: str) -> None:
    response = client.post("/theme/", {"theme": "dark", "next": target})
    assert (response.status_code, response.cookies["theme"].value) == (302, "dark")


def test_a_switch_cannot_be_thrown_by_a_link(client: Client) -> None:
    assert client.get("/theme/", {"theme": "dark"}).status_code == 405


def test_the_language_is_remembered(client: Client) -> None:
    client.post("/language/", {"language": "zh-hans", "next": RECORDS})
    assert '<html lang="zh-hans"' in client.get(RECORDS).content.decode()


def test_both_work_before_sign_in(db: None) -> None:
    stranger = Client()
    stranger.post("/theme/", {"theme": "dark", "next": "/sign-in/"})
    stranger.post("/language/", {"language": "zh-hans", "next": "/sign-in/"})
    text = stranger.get("/sign-in/").content.decode()
    assert '<html lang="zh-hans" data-theme="dark">' in text


def test_the_browser_says_the_language_until_somebody_chooses(db: None) -> None:
    text = Client().get("/sign-in/", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}).content.decode()
    assert '<html lang="zh-hans"' in text


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_language_is_named_by_its_own_name_which_holds_what_is_seen(client: Client, language: str) -> None:
    client.cookies["django_language"] = language
    buttons = re.findall(
        r'lang="(.*?)"\s+title="(.*?)"\s+aria-label="(.*?)"[^>]*>(.*?)<', client.get(RECORDS).content.decode()
    )
    assert buttons == [("en", "English", "English", "EN"), ("zh-hans", "简体中文", "简体中文", "中文")]
    assert all(seen.lower() in name.lower() for _code, _title, name, seen in buttons)
