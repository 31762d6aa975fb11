"""Reading pages in Simplified Chinese: who sees them, and what is left in English on them."""

import re
from html.parser import HTMLParser
from pathlib import Path

import polib
from django.conf import settings
from django.test import Client

from senders.models import Sender
from senders.services import save_sender
from tests.people import make_person

CATALOGUE = polib.pofile(str(Path(settings.ROOT, "locale/zh_Hans/LC_MESSAGES/django.po")))
PLACEHOLDER = re.compile(r"%(?:%|\(\w+\))(?:\.\d+)?[a-z%]|%%\(\w+\)s")
# Two words in a row of which the second is not a name: a piece of an English sentence.
ENGLISH = re.compile(r"(?<![\w.@/-])[A-Za-z']{2,},? [a-z']{2,}(?![\w.@/-])")
# What no reader sees or hears.
SILENT_ATTRIBUTES = {"data-search", "data-hosts", "data-domains", "data-mend"}
SILENT_TAGS = {"script", "style"}
# The words of others: a server's reply, the issuer of the tests' certificates, what a menu is called in English.
QUOTATION = re.compile(r"\b\d{3} \d\.\d\.\d .*|\S+=[^：]*O=trustme|（[^）]*）")


class _Reader(HTMLParser):
    """Gathers what a page says: `texts`, attributes that are read out among them; and `values` for its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.values: list[str] = []
        self.language = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "html":
            self.language = dict(attrs).get("lang") or ""
        for name, value in attrs:
            if name in {"title", "alt", "placeholder", "aria-label"}:
                self._add(value or "")
            elif name.startswith("data-") and name not in SILENT_ATTRIBUTES:
                self.values.append(value or "")
        if tag in SILENT_TAGS or ("translate", "no") in attrs:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            self._add(data)

    def _add(self, text: str) -> None:
        self.texts.append(" ".join(text.split()))


def chinese_of(entry: polib.POEntry) -> str:
    text: str = entry.msgstr_plural.get(0, "") if entry.msgid_plural else entry.msgstr
    return text


def english_msgids() -> set[str]:
    """List the English texts that read differently in Chinese."""
    return {entry.msgid for entry in CATALOGUE if entry.msgstr != entry.msgid}


def english_in(html: str) -> list[str]:
    reader = _Reader()
    reader.feed(html)
    known = english_msgids()
    words = [text for text in reader.texts if text in known]
    return words + [text for text in reader.texts + reader.values if ENGLISH.search(QUOTATION.sub("", text))]


def assert_chinese(html: str) -> None:
    reader = _Reader()
    reader.feed(html)
    assert reader.language == "zh-hans"
    assert english_in(html) == []


def chinese(*permissions: str, role: str = "") -> Client:
    """A browser that asks for Chinese, signed in."""
    client = Client(headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"})
    client.force_login(make_person(*permissions, role=role))
    return client


def make_sender(number: int = 1, **values: object) -> Sender:
    account = Sender(address=f"a{number}@example.com", display_name=f"账号{number}", host="smtp.qq.com", port=465)
    for name, value in values.items():
        setattr(account, name, value)
    return save_sender(account, password="canary-pw")
