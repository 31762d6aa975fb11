"""Sentences behind each other: a space in English, none behind the full stop of Chinese."""

from datetime import timedelta

import pytest
from django.template import Context, Template

from records.clock import database_now
from senders.sentences import join_sentences
from tests.people import client_of, make_person
from tests.records.rows import make_mail


@pytest.mark.parametrize(
    ("sentences", "joined"),
    [
        (["One.", "", "Two."], "One. Two."),
        (["一。", "二！", "三：", "四"], "一。二！三：四"),
        (["没有应答。", "550 No such user", "请检查。"], "没有应答。550 No such user 请检查。"),
        ([], ""),
    ],
)
def test_they_are_joined_as_their_language_wants(sentences: list[str], joined: str) -> None:
    assert join_sentences(sentences) == joined


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("<b>{{ first }} </b>\n {{ second }}\n <a>3</a>", "<b>一。</b>&lt;二&gt;。<a>3</a>"),
        ("{{ second }} One. Two.", "&lt;二&gt;。One. Two."),
    ],
)
def test_in_a_template_markup_may_stand_between_them(source: str, written: str) -> None:
    template = Template(f"{{% load sentences %}}{{% sentences %}}{source}{{% endsentences %}}")
    assert template.render(Context({"first": "一。", "second": "<二>。"})) == written


@pytest.mark.django_db
def test_pages_in_chinese_have_no_space_between_sentences() -> None:
    accepted_at = database_now() - timedelta(minutes=10)
    make_mail(state="queued", accepted_at=accepted_at)
    client = client_of(make_person("records.view_sendingrecord"))
    client.cookies["django_language"] = "zh-hans"
    page = " ".join(client.get("/system/setting/mailbox/records/").content.decode().split())
    assert "有 1 封邮件等待发送。最早的一封自" in page
