"""The examples of the README do what it says."""

import io
import json
import re
import shlex
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from records.models import Body, Mail
from senders.services import set_default_sender
from tests.delivery.engine.scenes import make_sender

README = (Path(__file__).parents[2] / "README.md").read_text()
pytestmark = pytest.mark.django_db


def block(language: str, containing: str) -> str:
    """The one block of the README in that language with this in it."""
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    [found] = [text for text in blocks if containing in text]
    return found


def command(containing: str) -> list[str]:
    """The words behind `manage.py` of an example."""
    words = shlex.split(block("sh", containing).replace("\\\n", ""), comments=True)
    return words[words.index("manage.py") + 1 :]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.txt").write_text("It failed in step 3.\n")
    (tmp_path / "rows.csv").write_text("id,amount\r\n")


@pytest.mark.usefixtures("files")
def test_the_command_accepts_a_mail_and_answers_as_shown() -> None:
    set_default_sender(make_sender())
    out = io.StringIO()
    call_command(*command("send_mail"), stdout=out)
    mail = Mail.objects.get()
    answer = {"id": mail.pk, "state": "queued", "message_id": mail.message_id}
    assert json.loads(out.getvalue()) == answer
    shown = re.search(r'`(\{"id".*?\})`', README)
    assert shown is not None
    assert json.loads(shown[1]) == answer | {"id": 1, "message_id": "<…>"}
    assert (mail.subject, mail.template_name, mail.accessed_resource) == (
        "Task failed: orders_daily", "Task failed", "/task/orders_daily",
    )  # fmt: skip


def test_the_python_example_accepts_a_mail_once(capsys: pytest.CaptureFixture[str]) -> None:
    set_default_sender(make_sender())
    example = compile(block("python", "accept_mail("), "README.md", "exec")
    exec(example, {})
    exec(example, {})
    mail = Mail.objects.get()
    assert capsys.readouterr().out == f"{mail.pk} queued\n" * 2
    assert b'filename="rows.csv"' in bytes(mail.content.mime)


def test_the_python_example_of_mass_mail_accepts_one_for_each_and_stores_their_text_once() -> None:
    set_default_sender(make_sender())
    names: dict[str, list[int]] = {}
    exec(compile(block("python", "accept_mails("), "README.md", "exec"), names)
    mails = Mail.objects.filter(pk__in=names["ids"])
    assert [(mail.priority, mail.receivers.get().address) for mail in mails.order_by("pk")] == [
        (0, "ann@example.com"), (0, "bob@example.com"),
    ]  # fmt: skip
    assert Body.objects.count() == 1


def test_the_user_example_makes_a_user_with_that_role() -> None:
    out = io.StringIO()
    call_command(*command("create_user"), stdout=out)
    user = get_user_model().objects.get(username="dana")
    assert [group.name for group in user.groups.all()] == ["auditor"]
    assert out.getvalue().startswith("User dana made: auditor.\nPassword, shown only now: ")
