"""AUTH: one mechanism, one try, and the secret in nobody's hands but the server's."""

from base64 import b64decode, b64encode

import pytest

from delivery.values import Credentials, Reply
from records.enums import Fault, Phase
from senders.enums import Encryption
from tests import smtpd
from tests.delivery.smtp.dialling import failure_of_opening, session
from tests.scripted_smtpd import Close, Expect, Say, Script, Step, scripted_server

PASSWORD = "canary-Paßwort-秘密"
ALICE = Credentials("alice@example.org", PASSWORD)


def base64(text: str) -> str:
    return b64encode(text.encode()).decode()


PLAIN = base64(f"\0alice@example.org\0{PASSWORD}")


@pytest.mark.parametrize("encryption", list(Encryption))
@pytest.mark.parametrize("without", [(), ("PLAIN",), ("LOGIN",)])
def test_the_right_password_signs_in_whatever_its_characters(encryption: Encryption, without: tuple[str, ...]) -> None:
    users = {"alice": PASSWORD}
    with (
        smtpd.mail_server(encryption, users=users, without_mechanisms=without) as server,
        session(server.settings(login="alice")) as opened,
    ):
        assert opened.is_usable
        assert (opened.tls is None) == (encryption is Encryption.NONE)


@pytest.mark.parametrize("encryption", list(Encryption))
def test_a_wrong_password_is_tried_once_only(encryption: Encryption) -> None:
    with smtpd.mail_server(encryption, users={"alice": PASSWORD}) as server:
        error = failure_of_opening(server.settings(login="alice", password="wrong"))
    assert (error.phase, error.fault, error.reply) == (
        Phase.AUTH, Fault.REPLY, Reply(535, "5.7.8", "Authentication credentials invalid"),
    )  # fmt: skip
    assert server.commands.count("AUTH") == 1


def test_plain_is_chosen_before_login_and_sends_the_secret_at_once() -> None:
    script = [*Script.greeting("AUTH LOGIN CRAM-MD5 PLAIN"), Expect("AUTH PLAIN " + PLAIN), Say("235 ok")]
    with scripted_server(script) as server, session(server.settings(credentials=ALICE)):
        pass
    assert server.received.count(b"AUTH") == 1


def test_a_long_secret_follows_the_challenge() -> None:
    long = Credentials("alice", "x" * 600)
    script = [
        *Script.greeting("AUTH PLAIN"),
        Expect("AUTH PLAIN\r\n"),
        Say("334 "),
        Expect(base64("\0alice\0" + "x" * 600)),
        Say("235 ok"),
    ]
    with scripted_server(script) as server, session(server.settings(credentials=long)):
        pass


def test_cram_md5_is_used_where_there_is_nothing_else() -> None:
    challenge = base64("<1896.697170952@postoffice.example.net>")
    script = [
        *Script.greeting("AUTH CRAM-MD5"),
        Expect("AUTH CRAM-MD5"),
        Say(f"334 {challenge}"),
        Expect(""),
        Say("235 ok"),
    ]
    with (
        scripted_server(script) as server,
        session(server.settings(credentials=Credentials("joe", "tanstaaftanstaaf"))),
    ):
        pass
    answer = bytes(server.received).split(b"\r\n")[2]
    assert b64decode(answer) == b"joe 3dbc88f0624776a737b39093f6eb6427"


def test_a_challenge_that_is_no_base64_is_a_breach_of_protocol() -> None:
    script = [*Script.greeting("AUTH CRAM-MD5"), Expect("AUTH"), Say("334 !!!")]
    with scripted_server(script) as server:
        assert failure_of_opening(server.settings(credentials=ALICE)).fault is Fault.PROTOCOL


@pytest.mark.parametrize(("extensions", "fault"), [
    ([], Fault.AUTH_MISSING),
    (["AUTH XOAUTH2 GSSAPI"], Fault.AUTH_MECHANISM),
    (["STARTTLS"], Fault.AUTH_CLEARTEXT),
    (["STARTTLS", "AUTH NTLM"], Fault.AUTH_CLEARTEXT),
])  # fmt: skip
def test_what_is_not_offered_is_told_apart(extensions: list[str], fault: Fault) -> None:
    with scripted_server(Script.greeting(*extensions)) as server:
        error = failure_of_opening(server.settings(credentials=ALICE))
    assert (error.phase, error.fault) == (Phase.AUTH, fault)
    assert b"AUTH" not in server.received


@pytest.mark.parametrize(("line", "fault", "reply"), [
    ("538 5.7.11 Encryption required", Fault.AUTH_CLEARTEXT, Reply(538, "5.7.11", "Encryption required")),
    ("530 5.7.0 STARTTLS first", Fault.AUTH_CLEARTEXT, Reply(530, "5.7.0", "STARTTLS first")),
    ("503 5.5.1 Already authenticated", Fault.REPLY, Reply(503, "5.5.1", "Already authenticated")),
    ("454 4.7.0 Temporary failure", Fault.REPLY, Reply(454, "4.7.0", "Temporary failure")),
    ("421 4.7.0 Try later", Fault.REPLY, Reply(421, "4.7.0", "Try later")),
    ("250 2.0.0 fine", Fault.PROTOCOL, None),
    ("334 more", Fault.PROTOCOL, None),
    ("hello", Fault.PROTOCOL, None),
])  # fmt: skip
def test_only_235_is_success(line: str, fault: Fault, reply: Reply | None) -> None:
    script = [*Script.greeting("AUTH PLAIN"), Expect("AUTH"), Say(line)]
    with scripted_server(script) as server:
        error = failure_of_opening(server.settings(credentials=ALICE))
    assert (error.phase, error.fault, error.reply) == (Phase.AUTH, fault, reply)
    assert server.received.count(b"AUTH") == 1


def test_a_server_that_leaves_at_auth_is_disconnected() -> None:
    with scripted_server([*Script.greeting("AUTH PLAIN"), Expect("AUTH"), Close()]) as server:
        error = failure_of_opening(server.settings(credentials=ALICE))
    assert (error.phase, error.fault) == (Phase.AUTH, Fault.DISCONNECTED)


@pytest.mark.parametrize("echo", [
    f"535 unknown: AUTH PLAIN {PLAIN}",
    f"535 unknown: AUTH PLAIN {PLAIN[:20]}...",
    f"535 {PLAIN.lower()}",
    f"535 password {PASSWORD} is wrong",
    f"535-password <{PASSWORD}>\r\n535 {base64(PASSWORD)} login {base64('alice@example.org')}",
    f"535 {PASSWORD[:9]}…",
])  # fmt: skip
def test_a_server_that_repeats_the_secret_is_not_quoted(echo: str) -> None:
    with scripted_server([*Script.greeting("AUTH PLAIN"), Expect("AUTH"), Say(echo)]) as server:
        error = failure_of_opening(server.settings(credentials=ALICE))
    seen = f"{error} {error!r} {error.reply!r} {error.detail}".lower()
    for secret in (PASSWORD, PASSWORD[:9], base64(PASSWORD), PLAIN, PLAIN[:20], base64("alice@example.org")):
        assert secret.lower() not in seen


def test_a_server_that_learned_the_secret_before_cannot_show_it_in_its_greeting() -> None:
    script: list[Step] = [Say(f"554 {PASSWORD}")]
    with scripted_server(script) as server:
        error = failure_of_opening(server.settings(credentials=ALICE))
    assert error.reply == Reply(554, "", "[…]")
