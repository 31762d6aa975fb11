"""Rows that make a demonstration look like a system at work. Only for an empty database of its own."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import policy
from email.message import EmailMessage

from django.db import transaction
from django.utils import timezone

from delivery.alarms.finding import look_at_everything
from delivery.alarms.register import register
from delivery.alarms.troubles import Trouble
from records.alarms.enums import AlarmKind
from records.alarms.models import Alarm
from records.content import store_content
from records.dialogue.keeping import keep_dialogues
from records.dialogue.lines import Line, LineKind
from records.enums import Fault, MailState, Outcome, Phase, ReceiverState, SkipReason
from records.error_book import Failure, explain, explain_outcome
from records.models import Body, Heartbeat, Mail, Receiver, SendingRecord
from records.rollups.adding import count_records
from senders.enums import CircuitState, Encryption
from senders.models import Circuit, Sender

_SENDERS = [
    ("noreply@example.com", "Data Platform", "smtp.exmail.qq.com:465", Encryption.SSL, (True, 30)),
    ("alerts@example.com", "Pipeline Alerts", "smtp.office365.com:587", Encryption.TLS, (True, 200)),
    ("reports@example.org", "Weekly Reports", "smtp.gmail.com:465", Encryption.SSL, None),
    ("ops#oncall@example.net", "运维值班", "smtp.example.net:465", Encryption.SSL, (False, 61)),
    ("exchange@corp.example", "Corp Exchange", "10.0.4.12:25", Encryption.NONE, (True, 2900)),
]
_RECEIVERS = [
    "orders@example.net", "warehouse@asia.example", "controlling@example.org", "ops@example.com", "finance@example.org",
    "sales@asia.example", "planning@tokyo.example", "data-team@example.com", "pipeline-owners@lists.example.com",
]  # fmt: skip
_TEMPLATES = ["Task finished", "Task failed", "Pipeline delayed", "Weekly report", "Quota warning", "每日汇总", ""]
_RESOURCES = ["/task/dm_sales_hourly", "/pipeline/crm_to_dwh", "/pipeline/iot_stream", "/report/weekly-kpi", ""]
_FAILURES = [
    (Outcome.REFUSED, Phase.RCPT, Fault.REPLY, 550, "5.1.1", "User unknown; rejecting"),
    (Outcome.DEFERRED, Phase.RCPT, Fault.REPLY, 452, "4.2.2", "Mailbox full, try again later"),
    (Outcome.NOT_CONNECTED, Phase.AUTH, Fault.REPLY, 535, "5.7.8", "Error: authentication failed, login fail"),
    (Outcome.NOT_CONNECTED, Phase.CONNECT, Fault.CONNECT_TIMEOUT, None, "", ""),
]
_FILE = b"step,rows\r\nextract,48112\r\n"
_HTML = """<h2 style="font-family: SimSun">Task finished</h2>
<p>The task <b>dm_sales_hourly</b> ended after 12 minutes and wrote <b>48,112</b> rows.</p>
<table border="1" cellpadding="6"><tr><th>Step</th><th>Rows</th></tr><tr><td>extract</td><td>48,112</td></tr></table>"""


@transaction.atomic
def fill(mails: int = 160) -> None:
    """Make sender accounts, and mails with their records over the last days."""
    chance = random.Random(7)
    senders = [_make_sender(*row) for row in _SENDERS]
    now = timezone.now()
    # Oldest first: numbers grow with time, as they do where mail is really sent.
    ages = sorted((timedelta(minutes=4 + index * chance.uniform(9, 45)) for index in range(mails)), reverse=True)
    for age in ages:
        _make_mail(chance, chance.choice(senders), now - age, is_latest=age == ages[-1])


def _make_sender(address: str, name: str, server: str, encryption: Encryption, test: tuple[bool, int] | None) -> Sender:
    host, _colon, port = server.rpartition(":")
    passed, minutes_ago = test or (None, 0)
    return Sender.objects.create(
        address=address,
        display_name=name,
        host=host,
        port=int(port),
        encryption=encryption,
        is_default=address.startswith("noreply"),
        last_test_passed=passed,
        last_test_at=None if passed is None else timezone.now() - timedelta(minutes=minutes_ago),
    )


def _make_mail(chance: random.Random, sender: Sender, moment: datetime, *, is_latest: bool) -> None:
    subject = "Task finished: dm_sales_hourly"
    head, body = _compose(sender, subject)
    mail = Mail.objects.create(
        sender=sender,
        sender_address=sender.address,
        subject=subject,
        message_id=f"<{chance.getrandbits(64):x}@{sender.address.rpartition('@')[2]}>",
        template_name=chance.choice(_TEMPLATES),
        accessed_resource=chance.choice(_RESOURCES),
        requester_ip=f"10.20.{chance.randrange(4)}.{chance.randrange(1, 250)}",
        requested_by=chance.choice(["scheduler", "admin"]),
        accepted_at=moment,
        due_at=moment,
        expires_at=moment + timedelta(days=1),
        state=MailState.SENT,
        finished_at=moment,
        size=len(head) + len(body),
    )
    store_content(mail.pk, head, body, moment)
    Body.objects.filter(pk=mail.pk).update(attached_size=len(_FILE))
    failed: list[SendingRecord] = []
    for address in chance.sample(_RECEIVERS, 3 if is_latest else chance.choice([1, 1, 1, 2])):
        tries = SendingRecord.objects.bulk_create(_tries(chance, mail, address, moment, fails=is_latest))
        count_records([record.pk for record in tries])
        failed += [record for record in tries if record.fault and record.reply_code]
    keep_dialogues([(mail.pk, 1, list(_say(failed)))])


def _say(failed: list[SendingRecord]) -> Iterator[Line]:
    """Tell what was said in the tries at one mail that a server answered badly."""
    answers = [f"{record.reply_code} {record.enhanced_status} {record.reply_text}" for record in failed]
    if not failed:
        return
    yield Line(LineKind.CONNECTED, "192.0.2.25:465")
    yield Line(LineKind.SECURED, f"{failed[0].tls_version} {failed[0].tls_cipher}")
    if failed[0].phase == Phase.AUTH:
        yield from (Line(LineKind.CLIENT, "AUTH PLAIN […]"), Line(LineKind.SERVER, answers[0]))
        return
    yield Line(LineKind.CLIENT, f"MAIL FROM:<{failed[0].sender_address}>")
    yield Line(LineKind.SERVER, "250 2.1.0 Ok")
    for record, answer in zip(failed, answers, strict=True):
        yield Line(LineKind.CLIENT, f"RCPT TO:<{record.receiver_address}>")
        yield Line(LineKind.SERVER, answer)


def _compose(sender: Sender, subject: str) -> tuple[bytes, bytes]:
    """Write a mail in its two parts as they are stored: its own header fields, and all from Content-Type on."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"], message["Subject"] = sender.address, _RECEIVERS[0], subject
    message.set_content("The task dm_sales_hourly ended after 12 minutes and wrote 48,112 rows.")
    message.add_alternative(_HTML, subtype="html")
    message.add_attachment(_FILE, maintype="text", subtype="csv", filename="steps.csv")
    mime = message.as_bytes()
    at = mime.index(b"Content-Type:")
    return mime[:at], mime[at:]


def _tries(
    chance: random.Random, mail: Mail, address: str, moment: datetime, *, fails: bool
) -> Iterator[SendingRecord]:
    receiver = Receiver.objects.create(mail=mail, address=address, state=ReceiverState.ACCEPTED)
    draw = chance.random()
    common = {
        "mail": mail,
        "receiver": receiver,
        "sender_address": mail.sender_address,
        "receiver_address": address,
        "requester_ip": mail.requester_ip,
        "template_name": mail.template_name,
        "accessed_resource": mail.accessed_resource,
    }
    ended = moment + timedelta(milliseconds=chance.randrange(120, 1900))
    if draw < 0.02:
        reason = SkipReason.NOT_CONFIGURED
        yield SendingRecord(
            **common,
            epoch=1,
            started_at=moment,
            ended_at=moment,
            outcome=Outcome.SKIPPED,
            skip_reason=reason,
            cause=explain_outcome(Outcome.SKIPPED, reason).key,
        )
        return
    common |= {"server": f"{mail.sender.host}:{mail.sender.port}", "tls_version": "TLSv1.3"}  # type: ignore[union-attr]
    common |= {"tls_cipher": "TLS_AES_256_GCM_SHA384"}
    if fails or draw < 0.12:
        outcome, phase, fault, code, status, text = _FAILURES[1] if fails else chance.choice(_FAILURES)
        yield SendingRecord(
            **common, epoch=1, started_at=moment, ended_at=ended, outcome=outcome, phase=phase, fault=fault,
            reply_code=code, enhanced_status=status, reply_text=text,
            cause=explain(Failure(phase, fault, code, status, text)).key,
        )  # fmt: skip
        if not fails:
            return
    later = moment + timedelta(seconds=34) if fails else moment
    uncertain = not fails and draw > 0.985
    yield SendingRecord(
        **common, epoch=2, started_at=later, ended_at=later + (ended - moment), phase=Phase.DATA,
        outcome=Outcome.UNKNOWN if uncertain else Outcome.ACCEPTED, fault=Fault.DISCONNECTED if uncertain else "",
        cause=explain_outcome(Outcome.UNKNOWN).key if uncertain else "",
        reply_code=None if uncertain else 250, enhanced_status="" if uncertain else "2.0.0",
        reply_text="" if uncertain else "Ok: queued as 4B7C21A0F3", queue_id="" if uncertain else "4B7C21A0F3",
    )  # fmt: skip


@transaction.atomic
def fill_queue() -> None:
    """Let mail wait for every reason that there is, some be held and some have failed."""
    chance = random.Random(11)
    now = timezone.now()
    Heartbeat.objects.update_or_create(name="worker", defaults={"seen_at": now + timedelta(hours=1)})
    noreply, alerts, reports, ops, exchange = (Sender.objects.get(address=row[0]) for row in _SENDERS)
    Sender.objects.filter(pk=reports.pk).update(paused_at=now - timedelta(hours=2, minutes=7), paused_by="admin")
    Circuit.objects.create(
        sender=ops, state=CircuitState.REFUSED, opened_at=now, reply="535 Error: authentication failed, login fail"
    )
    Circuit.objects.create(
        sender=exchange,
        state=CircuitState.OPEN,
        opened_at=now - timedelta(minutes=25),
        probe_at=now + timedelta(hours=1),
    )
    for sender, count, minutes in (
        (noreply, 214, 1),
        (alerts, 1, 9),
        (reports, 41, 95),
        (ops, 3, 40),
        (exchange, 12, 24),
    ):
        for index in reversed(range(count)):
            _make_waiting(chance, sender, now - timedelta(minutes=minutes, seconds=index))
    Mail.objects.filter(sender=alerts, finished_at=None).update(
        state=MailState.RETRY, due_at=now + timedelta(minutes=16), attempts=3
    )
    for state, receiver, count in (
        (MailState.UNCERTAIN, ReceiverState.UNCERTAIN, 2),
        (MailState.FAILED, ReceiverState.REFUSED, 17),
        (MailState.CANCELLED, ReceiverState.CANCELLED, 4),
    ):
        for index in reversed(range(count)):
            mail = _make_waiting(chance, noreply, now - timedelta(hours=3, minutes=index * 7))
            mail.receivers.update(state=receiver)
            Mail.objects.filter(pk=mail.pk).update(state=state, finished_at=now - timedelta(hours=2, minutes=index * 7))
    _raise_alarms()


def _raise_alarms() -> None:
    """Raise the alarms of this queue, and one that is over."""
    now = timezone.now()
    register([Trouble(AlarmKind.QUEUE_OLD, Sender.objects.get(address="alerts@example.com"))], now - timedelta(hours=9))
    Alarm.objects.update(cleared_at=now - timedelta(hours=8, minutes=42))
    register(look_at_everything(now).troubles, now)


def _make_waiting(chance: random.Random, sender: Sender, moment: datetime) -> Mail:
    mail = Mail.objects.create(
        sender=sender,
        sender_address=sender.address,
        subject="Task finished: dm_sales_hourly",
        template_name=chance.choice(_TEMPLATES),
        requested_by="scheduler",
        accepted_at=moment,
        due_at=moment,
        expires_at=moment + timedelta(days=1),
    )
    addresses = chance.sample(_RECEIVERS, chance.choice([1, 1, 2, 5]))
    Receiver.objects.bulk_create([Receiver(mail=mail, address=address) for address in addresses])
    return mail
