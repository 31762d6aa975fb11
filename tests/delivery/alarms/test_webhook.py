"""Calls of the webhook: what they say, that they are signed, tried again, given up, and told in order."""

import hashlib
import hmac
import json
import logging
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from django.db.models import F
from pytest_django.fixtures import Settings

from delivery.alarms.webhook import posting
from delivery.alarms.webhook.calls import due_calls, make_due_calls, next_delay, note_call, try_call
from delivery.alarms.webhook.lane import start_pass
from delivery.alarms.webhook.posting import Answer, post
from delivery.alarms.webhook.target import TargetError, read_target
from records.alarms.enums import CallFault
from records.alarms.models import Alarm, WebhookCall
from records.clock import database_now
from senders.enums import CircuitState
from senders.models import Circuit
from tests.delivery.alarms.conftest import SECRET
from tests.delivery.alarms.scenes import look, look_twice, make_sender, open_circuit
from tests.services import AT_ONCE, free_port
from tests.smtpd import server_context
from tests.together import do_at_once
from tests.webhook_receiver import HOST, Misbehaviour, Receiver, webhook_receiver

pytestmark = pytest.mark.django_db
WORKERS = 6


def raise_one() -> WebhookCall:
    open_circuit(make_sender(), CircuitState.REFUSED, cause="generic-permanent", reply="535 5.7.8 no")
    look()
    return WebhookCall.objects.get()


def make_due() -> None:
    WebhookCall.objects.update(due_at=F("created_at"))


def deliver() -> int:
    make_due()
    return make_due_calls(read_target(), at_most=20)


def test_a_call_says_what_is_wrong(receiver: Receiver, settings: Settings) -> None:
    settings.MAILBOX_URL = "https://mailbox.example.org/"
    call = raise_one()
    deliver()
    [received] = receiver.calls
    alarm = Alarm.objects.get()
    contents = received.contents
    assert {
        name: contents[name] for name in ("id", "event", "alarm", "kind", "severity", "sender", "sentence", "url")
    } == {
        "id": str(call.pk),
        "event": "raised",
        "alarm": alarm.pk,
        "kind": "sign_in_refused",
        "severity": "critical",
        "sender": "reports@example.com",
        "sentence": "The mail server refuses the sign-in of reports@example.com.",
        "url": f"https://mailbox.example.org/system/setting/mailbox/alarms/#alarm-{alarm.pk}",
    }
    assert contents["facts"]["reply"] == "535 5.7.8 no"
    assert contents["facts"]["amount"] == 0
    assert contents["cleared_at"] is None
    assert received.path == "/hooks/mailbox?key=canary-of-the-url"
    assert received.headers["Content-Type"] == "application/json"
    assert received.headers["Host"] == f"{HOST}:{receiver.port}"


def test_a_call_is_signed_as_the_documentation_says(receiver: Receiver) -> None:
    raise_one()
    deliver()
    [received] = receiver.calls
    timestamp = received.headers["Mailbox-Timestamp"]
    signed = f"{timestamp}.".encode() + received.body
    assert (
        received.headers["Mailbox-Signature"]
        == "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    )
    assert abs(time.time() - int(timestamp)) < 60


def test_the_documented_example_accepts_a_call_and_refuses_an_altered_one(receiver: Receiver) -> None:
    text = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    code = text.partition("<!-- verify -->\n```python\n")[2].partition("```")[0]
    found: dict[str, object] = {}
    exec(code, found)
    raise_one()
    deliver()
    [received] = receiver.calls
    is_genuine = found["is_genuine"]
    assert callable(is_genuine)
    assert is_genuine(SECRET, received.headers, received.body) is True
    assert is_genuine(SECRET, received.headers, received.body + b" ") is False
    assert is_genuine("another-secret-of-theirs", received.headers, received.body) is False
    old = received.headers | {"Mailbox-Timestamp": str(int(time.time()) - 3600)}
    assert is_genuine(SECRET, old, received.body) is False


def test_raising_and_clearing_are_one_call_each_in_this_order(receiver: Receiver) -> None:
    raise_one()
    Circuit.objects.update(state=CircuitState.CLOSED)
    look_twice()
    deliver()
    events = [(call.contents["event"], call.contents["sentence"]) for call in receiver.calls]
    sentence = "The mail server refuses the sign-in of reports@example.com."
    assert events == [("raised", sentence), ("cleared", f"This is over: {sentence}")]
    assert len({call.contents["id"] for call in receiver.calls}) == 2


def test_the_end_is_not_told_before_the_beginning(receiver: Receiver) -> None:
    receiver.answers = [500]
    raise_one()
    Circuit.objects.update(state=CircuitState.CLOSED)
    look_twice()
    deliver()
    assert [call.contents["event"] for call in receiver.calls] == ["raised"]
    deliver()
    assert [call.contents["event"] for call in receiver.calls] == ["raised", "raised", "cleared"]


def test_it_is_in_the_language_of_the_installation(receiver: Receiver, settings: Settings) -> None:
    settings.LANGUAGE_CODE = "zh-hans"
    raise_one()
    deliver()
    assert receiver.calls[0].contents["sentence"] == "邮件服务器拒绝了 reports@example.com 的登录。"


def test_without_a_webhook_nothing_is_noted() -> None:
    open_circuit(make_sender(), CircuitState.REFUSED)
    look()
    assert WebhookCall.objects.count() == 0


def test_a_failure_is_tried_again_later_with_the_same_id_and_body(receiver: Receiver) -> None:
    receiver.answers = [503, Misbehaviour.DROP]
    call = raise_one()
    deliver()
    call.refresh_from_db()
    assert (call.state, call.attempts, call.status, call.fault) == ("waiting", 1, 503, "status")
    assert call.due_at > database_now()
    assert list(due_calls(database_now())) == []
    deliver()
    deliver()
    call.refresh_from_db()
    assert (call.state, call.attempts, call.status, call.fault) == ("delivered", 3, 204, "")
    assert len({received.body for received in receiver.calls}) == 1
    assert receiver.calls[0].contents["id"] == str(call.pk)


def test_a_call_is_given_up_after_a_day(receiver: Receiver) -> None:
    receiver.answers = [500]
    call = raise_one()
    WebhookCall.objects.update(created_at=F("created_at") - timedelta(hours=25))
    deliver()
    call.refresh_from_db()
    assert (call.state, call.fault) == ("given_up", "status")
    assert call.ended_at is not None


def test_the_delays_double_up_to_an_hour() -> None:
    delays = [next_delay(attempts).total_seconds() for attempts in (1, 2, 3, 12, 500)]
    for delay, middle in zip(delays, [10, 20, 40, 3600, 3600], strict=True):
        assert 0.8 * middle <= delay <= 1.2 * middle


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [302]
    receiver.location = f"http://{HOST}:{receiver.port}/elsewhere"
    raise_one()
    deliver()
    assert len(receiver.calls) == 1
    assert WebhookCall.objects.get().fault == "redirect"


def test_what_the_receiver_writes_is_not_read(receiver: Receiver) -> None:
    receiver.answer_body = b"<script>" * 1000
    raise_one()
    deliver()
    call = WebhookCall.objects.get()
    assert (call.state, call.fault) == ("delivered", "")


@pytest.mark.parametrize("how", [Misbehaviour.HANG, Misbehaviour.DRIP])
def test_a_slow_receiver_costs_its_time_and_no_more(
    receiver: Receiver, how: Misbehaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "TOTAL_SECONDS", 0.5)
    receiver.answers = [how]
    began = time.monotonic()
    answer = post(read_target(), b"{}")
    assert answer == Answer(fault=CallFault.TIMEOUT)
    assert time.monotonic() - began < AT_ONCE


@pytest.mark.parametrize(
    ("how", "fault"),
    [
        (Misbehaviour.DROP, CallFault.DISCONNECTED),
        (Misbehaviour.GARBAGE, CallFault.NOT_HTTP),
    ],
)
def test_a_receiver_that_does_not_answer_is_a_failure(receiver: Receiver, how: Misbehaviour, fault: CallFault) -> None:
    receiver.answers = [how]
    assert post(read_target(), b"{}") == Answer(fault=fault)


def test_a_dead_receiver_is_a_failure(receiver: Receiver, settings: Settings) -> None:
    settings.MAILBOX_ALARM_WEBHOOK = f"http://{HOST}:{free_port()}/"
    assert post(read_target(), b"{}") == Answer(fault=CallFault.CONNECTION_REFUSED)
    settings.MAILBOX_ALARM_WEBHOOK = "http://nowhere.invalid/"
    assert post(read_target(), b"{}") == Answer(fault=CallFault.NAME_NOT_FOUND)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.169.254/",
        "http://[fe80::1]/",
        "https://[::ffff:169.254.169.254]/",
        "http://0.0.0.0/",
        "http://192.0.2.1/",
    ],
)
def test_addresses_that_may_not_be_called_are_not(receiver: Receiver, settings: Settings, url: str) -> None:
    settings.MAILBOX_ALARM_WEBHOOK = url
    assert post(read_target(), b"{}") == Answer(fault=CallFault.ADDRESS_FORBIDDEN)


def test_clear_text_may_leave_the_own_network_where_the_operator_says_so(
    settings: Settings, receiver: Receiver
) -> None:
    settings.MAILBOX_ALARM_WEBHOOK = "http://192.0.2.1/"
    settings.MAILBOX_ALARM_WEBHOOK_ALLOW_HTTP = True
    policy = read_target().policy
    assert (policy.only, policy.forbid_private) == ((), False)


def test_https_is_verified(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    settings.MAILBOX_ALARM_WEBHOOK_SECRET = SECRET
    with webhook_receiver(server_context(certificate=authority.issue_cert(HOST))) as running:
        settings.MAILBOX_ALARM_WEBHOOK = running.url
        assert post(read_target(), b"{}") == Answer(fault=CallFault.CERTIFICATE)
        assert running.calls == []
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert post(read_target(), b"{}") == Answer(204)


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_make_each_call_once(receiver: Receiver) -> None:
    for number in range(5):
        open_circuit(make_sender(f"sender{number}@example.com"), CircuitState.REFUSED)
    look()
    target = read_target()
    do_at_once(*[lambda: make_due_calls(target, at_most=20)] * WORKERS)
    told = [call.contents["id"] for call in receiver.calls]
    assert sorted(told) == sorted(str(call.pk) for call in WebhookCall.objects.all())
    assert set(WebhookCall.objects.values_list("state", "attempts")) == {("delivered", 1)}


def test_a_worker_that_died_in_the_midst_of_a_call_leaves_it_to_another(receiver: Receiver) -> None:
    call = raise_one()
    WebhookCall.objects.update(attempts=1, due_at=database_now() + timedelta(seconds=20))  # as it was claimed
    assert make_due_calls(read_target(), at_most=20) == 0
    deliver()
    call.refresh_from_db()
    assert (call.state, call.attempts) == ("delivered", 2)


def test_who_comes_too_late_with_an_answer_changes_nothing(receiver: Receiver) -> None:
    call = raise_one()
    stale = WebhookCall.objects.get()
    deliver()
    assert try_call(stale, read_target()) is None
    call.refresh_from_db()
    assert (call.state, call.attempts) == ("delivered", 1)


@pytest.mark.django_db(transaction=True)
def test_a_pass_runs_beside_the_sweep_and_only_one_at_a_time(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "TOTAL_SECONDS", AT_ONCE * 2)
    assert start_pass() is None
    receiver.answers = [Misbehaviour.HANG]
    raise_one()
    first = start_pass()
    assert first is not None
    receiver.wait_for(1)
    make_due()
    assert start_pass() is None
    receiver.ended.set()
    first.join()
    make_due()
    second = start_pass()
    assert second is not None
    second.join()
    assert WebhookCall.objects.get().state == "delivered"


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("ftp://127.0.0.1/", SECRET),
        ("http://", SECRET),
        ("no-url", SECRET),
        ("http://127.0.0.1:99999/", SECRET),
        ("http://127.0.0.1/a b", SECRET),
        ("http://127.0.0.1/\r\nX: 1", SECRET),
        ("https://user:canary@127.0.0.1/", SECRET),
        ("https://127.0.0.1/", "short"),
        ("https://127.0.0.1/", ""),
    ],
)
def test_settings_that_cannot_be_used_are_refused_in_a_sentence(settings: Settings, url: str, secret: str) -> None:
    settings.MAILBOX_ALARM_WEBHOOK, settings.MAILBOX_ALARM_WEBHOOK_SECRET = url, secret
    with pytest.raises(TargetError) as refused:
        read_target()
    assert str(refused.value).startswith("MAILBOX_ALARM_WEBHOOK")
    assert "canary" not in str(refused.value)


@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_cannot_be_used_is_told_in_the_log(
    receiver: Receiver, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    raise_one()
    settings.MAILBOX_ALARM_WEBHOOK_SECRET = "short"
    thread = start_pass()
    assert thread is not None
    thread.join()
    assert "the webhook can't be called" in [record.getMessage() for record in caplog.records]
    assert receiver.calls == []


def test_the_secret_and_the_path_are_nowhere(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    receiver.answers = [500]
    with caplog.at_level(logging.DEBUG):
        raise_one()
        deliver()
    target = read_target()
    seen = [repr(target), target.label, *(str(vars(record)) for record in caplog.records)]
    seen += [str(row) for row in WebhookCall.objects.values()]
    assert [text for text in seen if SECRET in text or "canary-of-the-url" in text] == []


def test_a_call_has_an_id_of_its_own(receiver: Receiver) -> None:
    call = note_call(None, "test", database_now())  # type: ignore[arg-type]
    assert call is not None
    assert uuid.UUID(json.loads(call.body)["id"]) == call.pk
