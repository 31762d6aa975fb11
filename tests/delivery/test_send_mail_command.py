"""`manage.py send_mail`."""

import io
import json
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from delivery.masking.vault import open_originals
from records.masking.models import Masking, SealedContent
from records.models import Mail
from senders.models import Sender
from senders.services import set_default_sender
from tests.delivery.engine.scenes import make_sender
from tests.delivery.masking.searching import is_stored

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sender() -> Sender:
    account = make_sender()
    set_default_sender(account)
    return account


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("send_mail", "--to", "bob@example.org", "--subject", "Nightly load", *arguments, stdout=out)
    return out.getvalue().strip()


def message() -> EmailMessage:
    return message_from_bytes(bytes(Mail.objects.get().content.mime), policy=policy.default)


def body(kind: str) -> str:
    part = message().get_body((kind,))
    assert part is not None
    return str(part.get_content()).strip()


def type_into_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_the_answer_is_a_sentence() -> None:
    assert run("--text", "Done.") == f"Mail {Mail.objects.get().pk} was accepted."


def test_the_answer_is_json_where_asked() -> None:
    answer = json.loads(run("--text", "Done.", "--json"))
    mail = Mail.objects.get()
    assert answer == {"id": mail.pk, "state": "queued", "message_id": mail.message_id}


def test_a_mail_that_someone_waits_for_is_of_high_priority() -> None:
    run("--text", "Your code is 424242.", "--priority", "high")
    run("--text", "Done.")
    assert list(Mail.objects.order_by("pk").values_list("priority", flat=True)) == [2, 1]


def test_every_option_reaches_the_mail(tmp_path: Path) -> None:
    make_sender(address="other@example.com")
    (tmp_path / "load.csv").write_bytes(b"a;b\n")
    run(
        "--to", "carol@example.org", "--cc", "dave@example.org", "--bcc", "eve@example.org",
        "--reply-to", "desk@example.com", "--text", "Done.", "--html", "<p>Done!</p>",
        "--attach", str(tmp_path / "load.csv"), "--attach", f"result.csv={tmp_path / 'load.csv'}",
        "--template-name", "load", "--accessed-resource", "/tasks/7", "--requester-ip", "192.0.2.7",
        "--sender", "other@example.com", "--idempotency-key", "load-7",
        "--not-before", "2026-01-01T08:00+08:00", "--give-up-after", "12h",
    )  # fmt: skip
    mail = Mail.objects.get()
    assert list(mail.receivers.values_list("address", "kind")) == [
        ("bob@example.org", "to"), ("carol@example.org", "to"), ("dave@example.org", "cc"), ("eve@example.org", "bcc"),
    ]  # fmt: skip
    assert (mail.sender_address, mail.requested_by) == ("other@example.com", "command")
    assert (mail.template_name, mail.accessed_resource, mail.requester_ip) == ("load", "/tasks/7", "192.0.2.7")
    assert mail.idempotency_key == "load-7"
    assert (mail.expires_at - mail.due_at).total_seconds() == 12 * 3600
    assert message()["Reply-To"] == "desk@example.com"
    assert (body("plain"), body("html")) == ("Done.", "<p>Done!</p>")
    assert [part.get_filename() for part in message().iter_attachments()] == ["load.csv", "result.csv"]


class TestSecrets:
    LINES = "\ufeff 739218 \r\n\npZ4kQ9xW2mB7vN1c\n"
    TEXT = "Your code is 739 218, or follow https://app.example.com/reset/pZ4kQ9xW2mB7vN1c"

    @pytest.fixture(autouse=True)
    def _own_keys(self, own_keys: None) -> None:
        pass

    @pytest.mark.parametrize("place", ["file", "standard input"])
    def test_those_of_a_file_are_sent_and_not_kept(
        self, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        file = tmp_path / "secrets"
        file.write_text(self.LINES, encoding="utf-8")
        type_into_stdin(monkeypatch, self.LINES.encode())
        answer = run("--text", self.TEXT, "--secret-file", str(file) if place == "file" else "-", "--json")
        mail = Mail.objects.get()
        assert json.loads(answer) == {"id": mail.pk, "state": "queued", "message_id": mail.message_id}
        assert body("plain") == "Your code is ••••••, or follow https://app.example.com/reset/••••••"
        original = open_originals([mail.pk])[mail.pk]
        assert message_from_bytes(original.mime, policy=policy.default).get_content().strip() == self.TEXT
        assert Masking.objects.get().by_caller
        assert not any(map(is_stored, ("739218", "739 218", "pZ4kQ9xW2mB7vN1c")))
        assert not any(secret in caplog.text for secret in ("739218", "pZ4kQ9xW2mB7vN1c"))

    def test_a_file_of_none_masks_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "secrets").write_bytes(b"\n \n")
        run("--text", self.TEXT, "--secret-file", str(tmp_path / "secrets"))
        assert body("plain") == self.TEXT
        assert not SealedContent.objects.exists()

    @pytest.mark.parametrize(
        ("content", "code", "sentence"),
        [
            (None, 2, "can't be read: No such file or directory."),
            (b"\xff", 2, "is not UTF-8 text."),
            (b"739218\nab\n", 1, "secrets"),
        ],
    )
    def test_what_is_wrong_with_it_is_told_without_the_secrets(
        self, content: bytes | None, code: int, sentence: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "secrets"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(CommandError, match=sentence) as refusal:
            run("--text", self.TEXT, "--secret-file", str(file))
        assert refusal.value.returncode == code
        assert "739218" not in str(refusal.value)
        assert not Mail.objects.exists()


def test_a_body_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "body.html").write_text("<p>fertig: ½</p>", encoding="utf-8")
    run("--html-file", str(tmp_path / "body.html"))
    assert (body("html"), body("plain")) == ("<p>fertig: ½</p>", "fertig: ½")


def test_a_body_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    type_into_stdin(monkeypatch, "加载完成".encode())
    run("--text-file", "-")
    assert body("plain") == "加载完成"


def test_the_same_key_gives_the_same_mail() -> None:
    first, second = (json.loads(run("--text", "Done.", "--idempotency-key", "load-7", "--json")) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("duration", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("12h", 43_200), ("2d", 172_800)]
)
def test_a_duration_is_written_with_its_unit(duration: str, seconds: int) -> None:
    run("--text", "Done.", "--give-up-after", duration)
    mail = Mail.objects.get()
    assert (mail.expires_at - mail.due_at).total_seconds() == seconds


def test_a_refused_mail_is_a_sentence_and_exit_code_1() -> None:
    with pytest.raises(CommandError) as refused:
        run("--text", "Done.", "--cc", "dave")
    assert refused.value.returncode == 1
    assert str(refused.value).startswith("cc: dave: The @ is missing.")
    assert not Mail.objects.exists()


def test_a_refused_mail_is_json_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    with pytest.raises(SystemExit) as refused:
        call_command("send_mail", "--subject", "", "--text", "Done.", "--json", stdout=out)
    assert refused.value.code == 1
    assert json.loads(out.getvalue()) == {
        "errors": {"to": ["Name at least one receiver."], "subject": ["Enter a subject."]}
    }


def test_without_a_sender_mail_is_not_configured() -> None:
    set_default_sender(None)
    with pytest.raises(CommandError) as refused:
        run("--text", "Done.")
    assert refused.value.returncode == 1
    assert str(refused.value) == "Mail is not configured: name a sender, or choose the system default sender."


def test_without_a_sender_json_names_the_recorded_refusal() -> None:
    set_default_sender(None)
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("send_mail", "--to", "b@example.org", "--subject", "s", "--text", "t", "--json", stdout=out)
    answer = json.loads(out.getvalue())
    assert answer["id"] == Mail.objects.get().pk
    assert list(answer["errors"]) == ["sender"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--text-file", "/nowhere/body.txt"),
        ("--text", "t", "--attach", "/nowhere/load.csv"),
        ("--text", "t", "--attach", "load.csv=/nowhere/load.csv"),
    ],
)
def test_a_missing_file_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    assert refused.value.returncode == 2
    assert str(refused.value).endswith("can't be read: No such file or directory.")


@pytest.mark.parametrize(
    "arguments", [("--give-up-after", "soon"), ("--not-before", "tomorrow"), ("--text", "t", "--text-file", "f")]
)
def test_an_option_that_can_not_be_read_is_refused_by_name(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=arguments[-2]):
        run(*arguments)


def test_a_file_that_is_not_text_is_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "body.bin").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(CommandError, match="is not UTF-8 text"):
        run("--text-file", str(tmp_path / "body.bin"))


def test_a_huge_file_is_refused_without_reading_all_of_it(tmp_path: Path, settings: Settings) -> None:
    settings.MAILBOX_MAX_SIZE = 1024
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(10 * 2**30)
    with pytest.raises(CommandError, match="attachments: The mail has"):
        run("--text", "Done.", "--attach", str(tmp_path / "huge"))
