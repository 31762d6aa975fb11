"""The catalogue of Simplified Chinese: nothing missing, and the words of the guides."""

import subprocess
from datetime import timedelta

import polib
import pytest
from django.conf import settings
from django.utils import timezone, translation

from senders.listing import list_rows
from tests.web.chinese.reading import CATALOGUE, PLACEHOLDER, chinese_of, make_sender

pytestmark = pytest.mark.usefixtures("own_keys")


class TestTheCatalogue:
    def test_is_what_the_script_makes_of_the_code(self) -> None:
        script = subprocess.run(
            ["scripts/translations", "--check"], cwd=settings.ROOT, capture_output=True, text=True, check=False
        )
        assert script.stderr == ""
        assert (script.stdout, script.returncode) == (f"{len(CATALOGUE)} strings, 0 not translated\n", 0)

    def test_is_complete(self) -> None:
        assert [entry.msgid for entry in CATALOGUE if entry.fuzzy or entry.obsolete or not entry.translated()] == []

    def test_keeps_every_placeholder(self) -> None:
        def differs(entry: polib.POEntry) -> bool:
            # Chinese has one form for every number: that of the plural, as one may be said without the number.
            english = entry.msgid_plural or entry.msgid
            return set(PLACEHOLDER.findall(english)) != set(PLACEHOLDER.findall(chinese_of(entry)))

        assert [entry.msgid for entry in CATALOGUE if differs(entry)] == []

    def test_ends_sentences_as_chinese_does(self) -> None:
        def is_wrong(entry: polib.POEntry) -> bool:
            translated = chinese_of(entry)
            return entry.msgid.endswith(".") != translated.endswith("。") or translated.strip() != translated

        assert [entry.msgid for entry in CATALOGUE if is_wrong(entry)] == []

    @pytest.mark.parametrize(
        ("english", "expected"),
        [
            ("Mail Server (SMTP)", "邮件服务器"),
            ("Port", "端口"),
            ("Encryption Method", "加密方式"),
            ("No Encryption", "不加密"),
            ("Sender Address", "发件人地址"),
            ("Password", "密码"),
            ("Displayed Name", "显示名称"),
            ("Sign in with", "登录方式"),
            ("Send Test Mail", "发送测试邮件"),
            ("System default sender", "系统默认发件人"),
            ("System Management", "管理系统"),
            ("System Setting", "系统设置"),
            ("Mailbox", "邮箱"),
            ("Mail sending record", "邮件发送记录"),
            ("Receiver email", "收件人邮箱"),
            ("Accessed resource", "访问资源"),
            ("Template name", "模板名称"),
            ("Sending time", "发送时间"),
            ("Sending result", "发送结果"),
        ],
    )
    def test_uses_the_words_of_the_guides(self, english: str, expected: str) -> None:
        with translation.override("zh-hans"):
            assert translation.gettext(english) == expected


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        (timedelta(seconds=20), "刚刚"),
        (timedelta(minutes=5), "5\xa0分钟前"),
        (timedelta(hours=3), "3\xa0小时前"),
        (timedelta(days=2), "2\xa0天前"),
        (timedelta(days=70), "2\xa0个月前"),
    ],
)
def test_times_read_as_chinese_does(db: None, passed: timedelta, expected: str) -> None:
    make_sender(last_test_at=timezone.now() - passed)
    with translation.override("zh-hans"):
        assert [row.tested_ago for row in list_rows()] == [expected]
