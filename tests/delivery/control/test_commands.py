"""The commands: the same deeds from a shell, with rehearsal, exit codes, and no traceback for bad input."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from delivery.control import bulk
from records.clock import database_now
from records.enums import Priority
from records.interventions import BulkIntervention
from records.models import DeliveryPause, Heartbeat, Mail
from senders.models import Sender
from tests.delivery.control.scenes import accept_many, deeds_at, fail, hold, states, wait_for_retry
from tests.delivery.engine.scenes import accept, fresh, make_sender

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "reports@example.com"


@pytest.fixture
def sender() -> Sender:
    return make_sender()


def say(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().strip()


def refused(*arguments: str) -> tuple[str, int]:
    with pytest.raises(CommandError) as error:
        say(*arguments)
    return str(error.value), error.value.returncode


def test_a_sender_is_paused_and_resumed(sender: Sender) -> None:
    assert say("pause_sending", "--sender", ADDRESS.upper()) == f"{ADDRESS} is paused."
    assert say("pause_sending", "--sender", ADDRESS) == f"{ADDRESS} was paused before."
    assert Sender.objects.get().paused_by == "command"
    accept(sender)
    assert say("resume_sending") == "Nothing was paused."
    assert say("resume_sending", "--sender", ADDRESS) == "Resumed. The time of the pause was given back to 1 mail."
    assert Sender.objects.get().paused_at is None


def test_everything_is_paused_and_resumed() -> None:
    assert say("pause_sending") == "All sending is paused."
    assert DeliveryPause.objects.get().paused_by == "command"
    assert say("resume_sending") == "Resumed. The time of the pause was given back to 0 mails."
    assert not DeliveryPause.objects.exists()


def test_waiting_mail_is_cancelled(sender: Sender) -> None:
    meant = accept(sender, "carol@example.org")
    accept(sender, "dave@example.org")
    assert say("cancel_mail", "--receiver", "carol") == "1 mail cancelled."
    assert (states(), deeds_at(meant)) == (["cancelled", "queued"], [("cancel", "command")])
    assert say("cancel_mail", "--all") == "1 mail cancelled."


def test_what_a_person_stops_meanwhile_is_told(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = bulk.begin

    def begin_and_stop(*arguments: Any) -> BulkIntervention:
        work = begin(*arguments)
        bulk.cancel(work, "bob")
        return work

    monkeypatch.setattr(bulk, "begin", begin_and_stop)
    accept(sender)
    errors = StringIO()
    call_command("cancel_mail", "--all", stdout=StringIO(), stderr=errors)
    assert errors.getvalue().strip() == "Stopped by bob: the rest of the mails stays as it was."
    assert states() == ["queued"]


def test_a_rehearsal_changes_nothing(sender: Sender) -> None:
    mail = accept(sender, "a@example.org", "b@example.org", "c@example.org")
    said = say("cancel_mail", "--all", "--dry-run")
    assert said.splitlines() == [
        "1 mail is meant; nothing was done.",
        f"  {mail.pk}  queued  a@example.org, b@example.org +1",
    ]
    assert states() == ["queued"]


@pytest.mark.parametrize(
    "narrow",
    [
        lambda mail: ["--mail", str(mail.pk)],
        lambda mail: ["--sender", "other@example.com"],
        lambda mail: ["--template", "Report"],
        lambda mail: ["--subject", "QUARTERLY"],
        lambda mail: ["--priority", "high"],
        lambda mail: ["--since", (database_now() - timedelta(hours=1)).isoformat()],
    ],
)
def test_every_option_narrows(sender: Sender, narrow: Callable[[Mail], list[str]]) -> None:
    early = accept(sender)
    Mail.objects.filter(pk=early.pk).update(accepted_at=database_now() - timedelta(days=1))
    values: dict[str, Any] = {"subject": "Quarterly figures", "template_name": "Report"}
    meant = accept(make_sender(address="other@example.com"), **values)
    Mail.objects.filter(pk=meant.pk).update(priority=Priority.HIGH)
    assert say("cancel_mail", *narrow(meant)) == "1 mail cancelled."
    assert states() == ["queued", "cancelled"]


def test_until_is_an_end(sender: Sender) -> None:
    accept(sender)
    assert say("cancel_mail", "--until", "2020-01-01T00:00") == "0 mails cancelled."


def test_failed_mail_is_tried_again(sender: Sender) -> None:
    fail(accept(sender))
    assert say("retry_mail", "--all") == "1 mail is tried again."
    assert states() == ["retry"]


def test_cancelled_mail_is_tried_again_where_it_is_asked_for(sender: Sender) -> None:
    accept(sender)
    say("cancel_mail", "--all")
    assert say("retry_mail", "--all") == "0 mails are tried again."
    assert say("retry_mail", "--all", "--group", "cancelled") == "1 mail is tried again."


def test_waiting_mail_is_sent_at_once(sender: Sender) -> None:
    mail = wait_for_retry(accept(sender))
    assert say("retry_mail", "--all", "--group", "waiting") == "1 mail waits no longer."
    assert fresh(mail).due_at <= database_now()


@pytest.mark.parametrize(("decision", "end"), [("arrived", "sent"), ("send-again", "retry"), ("give-up", "failed")])
def test_held_mail_is_decided(sender: Sender, decision: str, end: str) -> None:
    hold(accept(sender))
    say("decide_mail", decision, "--all")
    assert states() == [end]


@pytest.mark.parametrize("command", [("cancel_mail",), ("retry_mail",), ("decide_mail", "arrived")])
def test_without_saying_which_nothing_is_done(sender: Sender, command: tuple[str, ...]) -> None:
    accept(sender)
    assert refused(*command) == ("Say which mails are meant, or --all.", 2)
    assert states() == ["queued"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("cancel_mail", "--since", "soon"),
        ("cancel_mail", "--since", "0001-01-01T00:00+14:00"),
        ("cancel_mail", "--mail", "x"),
        ("cancel_mail", "--mail", "9" * 30),
        ("cancel_mail", "--receiver", "a\x00b"),
        ("cancel_mail", "--receiver", "a\udce4b"),
        ("cancel_mail", "--sender", "a\udce4b"),
        ("cancel_mail", "--priority", "urgent"),
        ("retry_mail", "--group", "sent"),
        ("decide_mail", "perhaps", "--all"),
        ("decide_mail", "--all"),
        ("cancel_mail", "--sender", "nobody@example.com"),
        ("pause_sending", "--sender", "nobody@example.com"),
        ("resume_sending", "--sender", "nobody@example.com"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(sender: Sender, arguments: tuple[str, ...]) -> None:
    sentence, _code = refused(*arguments)
    assert sentence
    assert DeliveryPause.objects.count() == 0


def test_what_is_broken_off_is_left_to_a_worker(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BATCH", 1)
    accept_many(sender, 2)
    done = iter([bulk._do_batch])

    def break_off(work_id: int) -> bool:
        for do in done:
            return do(work_id)
        raise KeyboardInterrupt

    with monkeypatch.context() as impatient:
        impatient.setattr(bulk, "_do_batch", break_off)
        with pytest.raises(KeyboardInterrupt):
            say("cancel_mail", "--all")
    assert states() == ["cancelled", "queued"]
    bulk.continue_unfinished(seconds=60)
    assert states() == ["cancelled", "cancelled"]


def test_the_queue_is_shown(sender: Sender) -> None:
    Heartbeat.objects.create(name="worker", seen_at=database_now())
    accept_many(sender, 2)
    hold(accept(sender))
    assert say("show_queue").splitlines() == [
        "waiting 2, sending 0, held 1, failed 0",
        "      2     0  reports@example.com: Next in line.",
    ]


def test_the_queue_is_shown_to_programs(sender: Sender) -> None:
    accept(sender)
    say("pause_sending", "--sender", ADDRESS)
    answer = json.loads(say("show_queue", "--json"))
    [row] = answer.pop("senders")
    assert answer == {
        "paused_since": None, "paused_by": None, "waiting": 1, "sending": 0, "held": 0, "failed": 0
    }  # fmt: skip
    paused_at = Sender.objects.get().paused_at
    assert paused_at is not None
    assert (row["sender"], row["waiting"], row["more"], row["why"]) == (ADDRESS, 1, False, "Paused")
    assert row["paused_since"] == paused_at.isoformat()
