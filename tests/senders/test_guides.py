"""The guides to the providers' settings: complete in both languages, and true on the day they are read."""

import datetime as dt
import re

import pytest
from django.utils.translation import override

from senders.bilingual import Bilingual
from senders.guides import GUIDES, FormField, Guide, GuideNotFoundError, find_guide, get_guide
from senders.presets import PRESETS, find_preset_by_domain, find_preset_by_host

every_guide = pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.slug)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
HOST_OR_PORT = re.compile(r"smtp[a-z0-9.-]*[a-z]|(?<![\w.])\d{2,3}(?![\w.])")
HOST = re.compile(r"\b[a-z0-9-]+(?:\.[a-z0-9-]+)+\b")


def texts_of(guide: Guide) -> list[Bilingual]:
    notices = [text for notice in guide.notices for text in (notice.before, notice.since)]
    return [guide.title, guide.summary, *guide.steps, *guide.mistakes, *notices]


def value_of(guide: Guide, field: FormField) -> str:
    return next(value.value.en for value in guide.values if value.field is field)


def test_there_is_a_guide_for_each_provider_of_the_manual_and_the_common_ones() -> None:
    assert [guide.slug for guide in GUIDES] == [
        "aliyun", "exchange", "exmail", "gmail", "microsoft-365", "netease", "outlook", "qq", "sina",
    ]  # fmt: skip


@every_guide
def test_a_guide_is_written_in_both_languages(guide: Guide) -> None:
    prose = [text for text in texts_of(guide) if text != guide.title]
    assert [text for text in prose if not CHINESE.search(text.zh) or CHINESE.search(text.en) or not text.en] == []
    assert guide.title.en
    assert guide.title.zh


@every_guide
def test_a_guide_has_steps_values_and_common_mistakes(guide: Guide) -> None:
    assert len(guide.steps) >= 3
    assert len(guide.mistakes) >= 2
    assert {FormField.HOST, FormField.PORT, FormField.ENCRYPTION, FormField.ADDRESS} <= {
        value.field for value in guide.values
    }


@every_guide
def test_a_guide_says_the_value_of_a_field_once(guide: Guide) -> None:
    fields = [value.field for value in guide.values]
    assert fields == list(dict.fromkeys(fields))
    assert all(value.value.en and value.value.zh for value in guide.values)


@every_guide
def test_the_hosts_of_a_guide_are_the_hosts_of_its_presets(guide: Guide) -> None:
    names = HOST.findall(value_of(guide, FormField.HOST))
    named = [find_preset_by_host(name) or find_preset_by_domain(name) for name in names]
    assert [preset.guide if preset else "" for preset in named] == [guide.slug] * len(named)


@every_guide
def test_the_port_and_encryption_of_a_guide_are_those_of_its_presets(guide: Guide) -> None:
    for preset in (each for each in PRESETS if each.guide == guide.slug):
        assert str(preset.port) in value_of(guide, FormField.PORT)
        assert preset.encryption.label.lower() in value_of(guide, FormField.ENCRYPTION).lower()


@every_guide
def test_both_languages_name_the_same_hosts_and_ports(guide: Guide) -> None:
    for value in guide.values:
        if value.field in (FormField.HOST, FormField.PORT):
            assert set(HOST_OR_PORT.findall(value.value.en)) == set(HOST_OR_PORT.findall(value.value.zh))


@every_guide
def test_a_guide_names_no_mail_address(guide: Guide) -> None:
    assert [text for text in texts_of(guide) if "@" in text.en + text.zh] == []


@every_guide
def test_a_guide_has_a_preset(guide: Guide) -> None:
    assert [preset for preset in PRESETS if preset.guide == guide.slug]


def test_a_guide_is_found_by_its_slug_and_a_wrong_slug_is_an_error() -> None:
    assert get_guide("qq") is find_guide("qq")
    assert find_guide("../qq") is None
    with pytest.raises(GuideNotFoundError):
        get_guide("nowhere")


def test_a_notice_changes_its_sentence_on_the_day_it_takes_effect() -> None:
    (notice,) = get_guide("microsoft-365").notices
    assert notice.effective_on == dt.date(2026, 12, 31)
    with override("en"):
        assert notice.text_on(dt.date(2026, 12, 30)).startswith("From Dec. 31, 2026 on, Microsoft switches off")
        assert notice.text_on(dt.date(2026, 12, 31)).startswith("Since Dec. 31, 2026, Microsoft switches off")
    with override("zh-hans"):
        assert notice.text_on(dt.date(2026, 12, 30)).startswith("自 2026年12月31日 起，Microsoft 将")


def test_a_notice_as_text_is_the_sentence_of_today() -> None:
    (notice,) = get_guide("microsoft-365").notices
    assert "{date}" not in str(notice)
    assert str(notice) in {notice.text_on(dt.date(2026, 12, 30)), notice.text_on(dt.date(2026, 12, 31))}


def test_the_fields_are_named_as_the_form_names_them() -> None:
    with override("en"):
        assert [str(field.label) for field in FormField] == [
            "Mail Server (SMTP)", "Port", "Encryption Method", "Sender Address", "Password", "Displayed Name",
            "Sign in with", "Trusted certificate",
        ]  # fmt: skip
