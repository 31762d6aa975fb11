"""The presets of known mail servers: well-formed, in both languages, and found by what people type."""

import re
import tomllib

import pytest
from django.utils.translation import override

from senders.bilingual import Bilingual, read_bilingual
from senders.enums import Encryption, LoginMethod
from senders.guides import find_guide
from senders.presets import (
    PRESETS,
    PRESETS_FILE,
    SECRET_WORDINGS,
    Preset,
    SecretKind,
    ServerPort,
    find_preset,
    find_preset_by_domain,
    find_preset_by_host,
)

every_preset = pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_no_two_presets_share_a_key_a_host_or_a_domain() -> None:
    for values in (
        [preset.key for preset in PRESETS],
        [host for preset in PRESETS for host in preset.hosts],
        [domain for preset in PRESETS for domain in preset.domains],
    ):
        assert sorted(values) == sorted(set(values))


def test_the_order_of_the_file_is_the_order_of_the_list() -> None:
    assert [preset.weight for preset in PRESETS] == list(range(1, len(PRESETS) + 1))


@every_preset
def test_a_preset_has_a_name_in_both_languages(preset: Preset) -> None:
    assert preset.name.en
    assert preset.name.zh


@every_preset
def test_a_preset_names_hosts_and_domains_in_lower_case(preset: Preset) -> None:
    assert [name for name in (*preset.hosts, *preset.domains) if not HOST.fullmatch(name)] == []


@every_preset
def test_the_port_of_a_preset_fits_its_encryption(preset: Preset) -> None:
    pairs = (ServerPort(preset.port, preset.encryption), *preset.alternatives)
    ports = {Encryption.SSL: {465, 994}, Encryption.TLS: {25, 587, 2525}, Encryption.NONE: {25, 80, 1025}}
    assert [pair for pair in pairs if pair.port not in ports[pair.encryption]] == []


@every_preset
def test_a_preset_points_to_a_guide_that_exists(preset: Preset) -> None:
    assert preset.guide == "" or find_guide(preset.guide)


@every_preset
def test_a_fixed_login_name_goes_with_the_login_by_name(preset: Preset) -> None:
    assert preset.login_name == "" or preset.login_method == LoginMethod.LOGIN_NAME


@every_preset
def test_a_preset_is_found_by_each_of_its_hosts_and_domains(preset: Preset) -> None:
    expected = preset if preset.is_recognised else None
    assert [find_preset_by_host(host) for host in preset.hosts] == [expected] * len(preset.hosts)
    assert [find_preset_by_domain(domain) for domain in preset.domains] == [preset] * len(preset.domains)


@every_preset
def test_a_preset_without_a_host_of_its_own_says_what_to_type(preset: Preset) -> None:
    assert preset.host or preset.note


def test_every_kind_of_secret_is_worded_in_both_languages() -> None:
    assert set(SECRET_WORDINGS) == set(SecretKind)
    for wording in SECRET_WORDINGS.values():
        assert CHINESE.search(wording.label.zh) or "API" in wording.label.zh
        assert CHINESE.search(wording.help.zh)
        assert wording.label.en
        assert wording.help.en


def test_notes_are_written_in_both_languages() -> None:
    notes = [preset.note for preset in PRESETS if preset.note]
    assert notes
    assert [note for note in notes if not CHINESE.search(note.zh) or not note.en] == []


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("smtp.qq.com", "qq"),
        ("SMTP.exmail.qq.com", "exmail"),
        ("  smtp.163.com. ", "163"),
        ("email-smtp.eu-west-1.amazonaws.com", "ses"),
        ("smtp.office365.com", "microsoft-365"),
        ("smtp.zoho.eu", "zoho"),
    ],
)
def test_a_host_is_recognised_however_it_is_typed(host: str, key: str) -> None:
    assert find_preset_by_host(host) == find_preset(key)


@pytest.mark.parametrize("host", ["", "mail.qq.com", "evil-smtp.qq.com", "smtp.qq.com.example.org", "127.0.0.1", "["])
def test_another_host_is_not_recognised(host: str) -> None:
    assert find_preset_by_host(host) is None


@pytest.mark.parametrize(
    ("domain", "key"),
    [("qq.com", "qq"), ("FoxMail.com", "qq"), ("yeah.net", "yeah"), ("hotmail.com", "outlook"), ("sina.cn", "sina-cn")],
)
def test_a_mail_domain_leads_to_its_provider(domain: str, key: str) -> None:
    assert find_preset_by_domain(domain) == find_preset(key)


def test_an_unknown_domain_or_key_leads_nowhere() -> None:
    assert find_preset_by_domain("example.org") is None
    assert find_preset("example") is None


@pytest.mark.parametrize(
    ("typed", "key"),
    [("腾讯", "exmail"), ("wangyi", "163"), ("tencent exmail", "exmail"), ("smtp.gmail", "gmail"), ("苹果", "icloud")],
)
def test_a_search_finds_names_pinyin_and_hosts(typed: str, key: str) -> None:
    assert key in [preset.key for preset in PRESETS if typed in preset.search_text]


def test_the_manuals_providers_ask_for_what_the_manual_says() -> None:
    kinds = {key: find_preset(key).secret_kind for key in ("qq", "163", "exmail", "exchange")}  # type: ignore[union-attr]
    assert kinds == {
        "qq": SecretKind.AUTHORIZATION_CODE,
        "163": SecretKind.AUTHORIZATION_CODE,
        "exmail": SecretKind.CLIENT_PASSWORD,
        "exchange": SecretKind.PASSWORD,
    }


def test_the_password_field_is_named_in_the_active_language() -> None:
    qq = PRESETS[0]
    with override("en"):
        assert str(qq.secret.label) == "Authorization code"
    with override("zh-hans"):
        assert str(qq.secret.label) == "授权码"
    with override(None):
        assert str(qq.secret.label) == "Authorization code"


def test_a_text_in_one_language_only_is_refused() -> None:
    with pytest.raises(ValueError, match="not a text in both languages"):
        read_bilingual({"en": "only English"})


def test_an_empty_text_counts_as_no_text() -> None:
    assert not Bilingual("", "")
    assert Bilingual("a", "一")


def test_the_file_has_no_field_that_nobody_reads() -> None:
    known = {
        "key", "name", "hosts", "host_patterns", "port", "encryption", "alternatives", "domains", "secret_kind",
        "login_method", "login_name", "guide", "common", "recognised", "note", "aliases", "limits",
        "limits_of_domains",
    }  # fmt: skip
    tables = tomllib.loads(PRESETS_FILE.read_text(encoding="utf-8"))["presets"]
    assert {field for table in tables for field in table} - known == set()
