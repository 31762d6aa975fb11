"""Every wrong value of a sender account gets its own sentence; right values come back as they are kept."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from senders.validators import (
    Address,
    has_control_characters,
    parse_address,
    validate_display_name,
    validate_ehlo_name,
    validate_host,
    validate_no_control_characters,
    validate_port,
)


def refusal_of(validate: Callable[..., object], *values: object) -> str:
    """Return the code of the refusal; there is always one sentence that ends in a full stop."""
    with pytest.raises(ValidationError) as refusal:
        validate(*values)
    (sentence,) = refusal.value.messages
    assert sentence.endswith(".")
    assert "%(" not in sentence
    return str(refusal.value.code)


@pytest.mark.parametrize(
    ("text", "ascii_form", "domain"),
    [
        ("ops@example.com", "ops@example.com", "example.com"),
        ("  ops@example.com\u3000", "ops@example.com", "example.com"),
        ("r&d#1@example.com", "r&d#1@example.com", "example.com"),
        ("!$%'*+-/=?^_`{|}~@example.com", "!$%'*+-/=?^_`{|}~@example.com", "example.com"),
        ("Ops.Team@EXAMPLE.Com", "Ops.Team@example.com", "example.com"),
        ("ops@bücher.example", "ops@xn--bcher-kva.example", "bücher.example"),
        ("ops@BÜCHER.example", "ops@xn--bcher-kva.example", "bücher.example"),
        ("ops@xn--bcher-kva.example", "ops@xn--bcher-kva.example", "bücher.example"),
        ("ops@例子。公司", "ops@xn--fsqu00a.xn--55qx5d", "例子.公司"),
        ("user@localhost", "user@localhost", "localhost"),
        ("user@intranet", "user@intranet", "intranet"),
        ("user@mail.corp.local", "user@mail.corp.local", "mail.corp.local"),
        ("user@a.test", "user@a.test", "a.test"),
        ("user@a.invalid", "user@a.invalid", "a.invalid"),
        ("user@1.2", "user@1.2", "1.2"),
        ("user@[192.0.2.1]", "user@[192.0.2.1]", "[192.0.2.1]"),
        ("user@[IPv6:2001:db8::1]", "user@[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com", "example.com"),
    ],
)
def test_an_address_is_read(text: str, ascii_form: str, domain: str) -> None:
    address = parse_address(text)
    assert (address.ascii, address.domain, address.needs_smtputf8) == (ascii_form, domain, False)
    assert f"{address.local}@{ascii_form.rpartition('@')[2]}" == ascii_form
    assert address.text == text.strip()


def test_a_local_part_beyond_ascii_needs_smtputf8() -> None:
    assert parse_address("用户@例子.公司") == Address(
        text="用户@例子.公司",
        local="用户",
        domain="例子.公司",
        ascii="用户@xn--fsqu00a.xn--55qx5d",
        needs_smtputf8=True,
    )


def test_a_local_part_is_composed() -> None:
    assert parse_address("e\u0301@example.com").local == "é"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "required"),
        ("   ", "required"),
        ("ops", "missing_at"),
        ("smtp.example.com", "missing_at"),
        ("@example.com", "missing_local"),
        ("ops@", "missing_domain"),
        ("a@b.example, c@d.example", "several_addresses"),
        ("a@b.example;c@d.example", "several_addresses"),
        ("a@b.example c@d.example", "several_addresses"),
        ("a@b.example，c@d.example", "several_addresses"),
        ("a@b.example、c@d.example", "several_addresses"),
        ("a@b.example,", "several_addresses"),
        ("Ann <a@b.example>", "with_name"),
        ("<a@b.example>", "with_name"),
        ("a@b.example>", "with_name"),
        ("a b@c.example", "space"),
        ("a@b .example", "space"),
        ("a\u00a0b@c.example", "space"),
        ('"a"@b.example', "quoted"),
        ("a@b@c.example", "several_at"),
        ("a@@b.example", "several_at"),
        ("a@b.example\n", "control_characters"),
        ("a@b.example\r\nBcc: c@d.example", "control_characters"),
        ("a\0@b.example", "control_characters"),
        ("a\t@b.example", "control_characters"),
        ("a\u2028@b.example", "control_characters"),
        ("\ud800@b.example", "control_characters"),
        ("a" * 65 + "@b.example", "too_long"),
        ("中" * 22 + "@b.example", "too_long"),
        ("a@" + "b." * 130 + "example", "too_long"),
        ("a..b@c.example", "invalid_local"),
        (".a@c.example", "invalid_local"),
        ("a.@c.example", "invalid_local"),
        ("a(b)@c.example", "invalid_local"),
        ("a\\b@c.example", "invalid_local"),
        ("a[b]@c.example", "invalid_local"),
        ("a:b@c.example", "invalid_local"),
        ("a\u202eb@c.example", "invalid_local"),
        ("a@b..example", "invalid_domain"),
        ("a@.example", "invalid_domain"),
        ("a@example.", "invalid_domain"),
        ("a@-b.example", "invalid_domain"),
        ("a@b-.example", "invalid_domain"),
        ("a@b_c.example", "invalid_domain"),
        ("a@b/c", "invalid_domain"),
        ("a@b:25", "invalid_domain"),
        ("a@[300.1.1.1]", "invalid_domain"),
        ("a@[192.0.2.1", "invalid_domain"),
        ("a@xn--zzzzzzzz.example", "invalid_domain"),
        ("a@b\u200b.example", "invalid_domain"),
        ("a@" + "b" * 64 + ".example", "invalid_domain"),
        ("alice@example.org)bob@evil.example", "several_at"),
    ],
)
def test_a_wrong_address_is_refused(text: str, code: str) -> None:
    assert refusal_of(parse_address, text) == code


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(max_size=80), st.text('a@.[]:"\\<>,; é中-_x1()\n\u202e', max_size=30), st.emails()))
def test_what_passes_is_one_safe_addr_spec(text: str) -> None:
    try:
        address = parse_address(text)
    except ValidationError:
        return
    assert address.ascii.count("@") == 1
    assert not set(address.ascii) & set(' \t\r\n\0"<>(),;\\')
    assert not has_control_characters(address.ascii)
    assert address.ascii.rpartition("@")[2].isascii()
    assert address.needs_smtputf8 != address.ascii.isascii()
    assert parse_address(address.ascii).ascii == address.ascii


def read_or_refuse(text: str) -> Address | str:
    """Read an address; what is refused gives the code."""
    try:
        return parse_address(text)
    except ValidationError as refusal:
        return str(refusal.code)


@settings(deadline=None, max_examples=500)
@given(
    local=st.text("abZ9.-_+#&'*/=?^`{|}~!$%", max_size=6) | st.just("a" * 65),
    domain=st.text("abz9.-x", max_size=10) | st.lists(st.text("ab9-", max_size=64), max_size=6).map(".".join),
)
def test_the_short_cut_for_usual_addresses_says_what_the_full_check_says(local: str, domain: str) -> None:
    text = f"{local}@{domain}"
    assert read_or_refuse(text) == read_or_refuse(f" {text}")  # a space takes the long way


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("smtp.example.com", "smtp.example.com"),
        (" SMTP.exmail.QQ.com ", "smtp.exmail.qq.com"),
        ("smtp.example.com.", "smtp.example.com"),
        ("localhost", "localhost"),
        ("mail_relay", "mail_relay"),
        ("3com.example", "3com.example"),
        ("smtp.例子.公司", "smtp.xn--fsqu00a.xn--55qx5d"),
        ("smtp。例子。公司", "smtp.xn--fsqu00a.xn--55qx5d"),
        ("192.0.2.1", "192.0.2.1"),
        ("[192.0.2.1]", "192.0.2.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("[2001:db8::25]", "2001:db8::25"),
        ("a." * 126 + "a", "a." * 126 + "a"),
    ],
)
def test_a_host_is_kept_in_one_form(text: str, host: str) -> None:
    assert validate_host(text) == host
    assert validate_host(host) == host


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "required"),
        (" ", "required"),
        ("smtp://smtp.example.com", "scheme"),
        ("HTTPS://smtp.example.com/x", "scheme"),
        ("smtp:/smtp.example.com", "scheme"),
        ("smtp.example.com/mail", "path"),
        ("smtp.example.com/", "path"),
        ("\\\\server\\share", "path"),
        ("smtp.example.com?x", "path"),
        ("smtp.example.com:465", "port"),
        ("smtp.example.com:", "port"),
        ("192.0.2.1:25", "port"),
        ("[::1]:25", "port"),
        ("ops@example.com", "address"),
        ("ops@example.com:25", "address"),
        ("smtp example com", "space"),
        ("smtp.example.com, smtp2.example.com", "space"),
        ("a,b", "invalid_host"),
        ("smtp.example.com\n", "control_characters"),
        ("smtp\0.example.com", "control_characters"),
        ("smtp\t.example.com", "control_characters"),
        ("fe80::1%eth0", "scope"),
        ("[fe80::1%2]", "scope"),
        ("::1::", "invalid_ipv6"),
        ("[::1", "invalid_ipv6"),
        ("12345::1", "invalid_ipv6"),
        ("[smtp.example.com]", "invalid_ipv6"),
        ("127.1", "invalid_ipv4"),
        ("2130706433", "invalid_ipv4"),
        ("0x7f000001", "invalid_ipv4"),
        ("192.0.2.256", "invalid_ipv4"),
        ("192.0.2", "invalid_ipv4"),
        ("192.0.2.1.", "invalid_ipv4"),
        ("1.2.3.0x4", "invalid_ipv4"),
        ("a..b", "invalid_host"),
        (".a", "invalid_host"),
        (".", "invalid_host"),
        ("-a.example", "invalid_host"),
        ("a-.example", "invalid_host"),
        ("a*b.example", "invalid_host"),
        ("x" * 64 + ".example", "invalid_host"),
        ("x." * 127 + "example", "too_long"),
    ],
)
def test_a_wrong_host_is_refused(text: str, code: str) -> None:
    assert refusal_of(validate_host, text) == code


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(max_size=60), st.text("a1.-_:[]%/@é中0xf ", max_size=30)))
def test_what_passes_as_a_host_can_be_resolved_and_nothing_else(text: str) -> None:
    try:
        host = validate_host(text)
    except ValidationError:
        return
    assert host.isascii()
    assert not set(host) & set(" /\\@[]%\r\n\0")
    assert validate_host(host) == host


@pytest.mark.parametrize("port", [1, 25, 465, 587, 2525, 65535])
def test_a_port_passes(port: int) -> None:
    validate_port(port)


@pytest.mark.parametrize("port", [0, -1, 65536, 10**20])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    assert refusal_of(validate_port, port) == "port_out_of_range"


@pytest.mark.parametrize(
    "name",
    [
        "Ops",
        "数据平台",
        'Ops, Inc. (EU) "quoted"',
        "DOMAIN\\user",
        "👩‍👩‍👧 family",
        "ops@example.com",
        "OPS@Example.com",
        "Platform <ops@example.com>",
        "Ops @ work",
        "R&D@night",
        "#1",
        "x" * 100,
    ],
)
def test_a_display_name_passes(name: str) -> None:
    validate_display_name(name, "ops@example.com")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "required"),
        (" \u3000", "required"),
        ("\u200b", "required"),
        ("\u2060 \ufeff", "required"),
        ("a\nb", "control_characters"),
        ("a\r\nBcc: c@d", "control_characters"),
        ("a\tb", "control_characters"),
        ("a\0", "control_characters"),
        ("x" * 101, "too_long"),
        ("abc\u202egnp.exe", "direction"),
        ("a\u2066b", "direction"),
        ("=?utf-8?q?a=0AX-Injected:_yes?=", "encoded_word"),
        ("=?utf-8?b?5pWw?=", "encoded_word"),
        ("Ops =?utf-8?q?x?=", "encoded_word"),
        ("ceo@bank.example", "looks_like_address"),
        ("ceo@bank.example (Ops)", "looks_like_address"),
        ("Boss <ceo@bank.example>", "looks_like_address"),
        ("'ceo@bank.example'", "looks_like_address"),
        ("ops@example.com ceo@bank.example", "looks_like_address"),
        ("ops@example.com.evil.example", "looks_like_address"),
        ("ceo＠bank．example", "looks_like_address"),
        ("ceo\u200b@bank.example", "looks_like_address"),
        ("首席@银行.中国", "looks_like_address"),
    ],
)
def test_a_wrong_display_name_is_refused(name: str, code: str) -> None:
    assert refusal_of(validate_display_name, name, "ops@example.com") == code


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mail.example.com", "mail.example.com"),
        (" Mail.Example.Com ", "mail.example.com"),
        ("localhost", "localhost"),
        ("邮件.公司", "xn--5nq051n.xn--55qx5d"),
        ("192.0.2.1", "[192.0.2.1]"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("2001:db8::1", "[IPv6:2001:db8::1]"),
        ("[2001:db8::1]", "[IPv6:2001:db8::1]"),
        ("[IPv6:2001:DB8::1]", "[IPv6:2001:db8::1]"),
        ("[ipv6:::1]", "[IPv6:::1]"),
    ],
)
def test_an_ehlo_name_is_a_host_name_or_an_address_literal(text: str, name: str) -> None:
    assert validate_ehlo_name(text) == name
    assert validate_ehlo_name(name) == name


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "required"),
        ("mail_server", "underscore"),
        ("mail server", "space"),
        ("mail\r\nMAIL FROM:<a@b>", "control_characters"),
        ("[IPv6:nonsense]", "invalid_ipv6"),
        ("[192.0.2.256]", "invalid_ipv6"),
        ("https://mail.example.com", "scheme"),
    ],
)
def test_a_wrong_ehlo_name_is_refused(text: str, code: str) -> None:
    assert refusal_of(validate_ehlo_name, text) == code


@pytest.mark.parametrize("text", ["", "a", "a b", "数据 平台", "👩‍👩‍👧", "\u2066x\u2069", "soft\u00adhyphen"])
def test_usual_text_holds_no_control_characters(text: str) -> None:
    validate_no_control_characters(text)


@pytest.mark.parametrize("text", ["\n", "a\r", "\t", "\0", "\x7f", "é\x85", "\u2028", "é\u2029", "é\n", "\udfff"])
def test_control_characters_are_refused(text: str) -> None:
    assert refusal_of(validate_no_control_characters, text) == "control_characters"


def test_sentences_follow_the_active_language() -> None:
    with pytest.raises(ValidationError) as refusal:
        parse_address("")
    with translation.override("en"):
        assert refusal.value.messages == ["Enter a mail address, such as name@example.com."]
