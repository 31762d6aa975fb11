"""The interface in Simplified Chinese: nothing missing in the catalogue, nothing left in English on any page."""

import itertools
import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from uuid import uuid4

import polib
import pytest
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django.fixtures import Settings

from delivery.acceptance import accept_mail
from delivery.exporting import continue_one
from delivery.values import Attachment
from mailbox_admin.permissions import PAGE_PERMISSIONS
from records.alarms.enums import AlarmKind, CallFault, CallState
from records.alarms.models import Alarm, WebhookCall
from records.dialogue.keeping import keep_dialogues
from records.dialogue.lines import Line, LineKind
from records.enums import Fault, Outcome, Phase, ReceiverState, SkipReason
from records.export.enums import ExportFailure, ExportState, FileKind
from records.export.models import UNFINISHED as UNFINISHED_EXPORTS
from records.export.models import ExportOrder
from records.interventions import BulkIntervention, Deed, Intervention
from records.keeping.enums import Stage
from records.keeping.forms import KeepingForm
from records.keeping.models import ONLY, KeepingRound
from records.keeping.rounds import run_whole
from records.listing.columns import COLUMNS
from records.listing.models import SavedView
from records.masking.enums import Target
from records.masking.models import MaskingRule
from records.models import DeliveryPause, Heartbeat, Mail, SendingRecord
from records.overview.spans import Span
from records.resending.enums import LeftOut, ResendingState
from records.resending.models import UNFINISHED, Resending
from senders.enums import CircuitState, Encryption
from senders.guides import GUIDES
from senders.listing import list_rows
from senders.models import Circuit, Sender
from senders.services import save_sender, set_default_sender
from tests import smtpd
from tests.delivery.resending.scenes import order
from tests.dns_server import dns_server
from tests.people import PASSWORD, make_person
from tests.records.keeping.rows import mail_with_files, old_mail, set_rules, store_body
from tests.records.rows import compose, make_mail, make_record
from tests.web.checking import ADDRESS, CANARY, CHECK, MAILBOX, form_values, lines_of, save_account

pytestmark = pytest.mark.usefixtures("own_keys")

CATALOGUE = polib.pofile(str(Path(settings.ROOT, "locale/zh_Hans/LC_MESSAGES/django.po")))
PLACEHOLDER = re.compile(r"%(?:%|\(\w+\))(?:\.\d+)?[a-z%]|%%\(\w+\)s")
# Two words in a row of which the second is not a name: a piece of an English sentence.
ENGLISH = re.compile(r"(?<![\w.@/-])[A-Za-z']{2,},? [a-z']{2,}(?![\w.@/-])")
# What no reader sees or hears.
SILENT_ATTRIBUTES = {"data-search", "data-hosts", "data-domains", "data-mend"}
SILENT_TAGS = {"script", "style"}
# The words of others: a server's reply, the issuer of the tests' certificates, what a menu is called in English.
QUOTATION = re.compile(r"\b\d{3} \d\.\d\.\d .*|\S+=[^：]*O=trustme|（[^）]*）")

EXPORTING = ("records.view_sendingrecord", "records.export_records")
# What leads to a page by GET, and what does not.
PAGES = {
    "senders:list", "senders:add", "senders:edit", "senders:delete", "senders:guide", "records:list",
    "records:detail", "records:preview", "records:overview", "records:look", "records:views", "records:keeping",
    "delivery:check_saved", "delivery:compose", "delivery:accepted", "delivery:resend", "delivery:alarms",
    "delivery:queue", "delivery:queue_mails", "delivery:queue_mail", "delivery:queue_cancel",
    "delivery:queue_send_now", "delivery:queue_retry", "delivery:queue_decide", "delivery:queue_work",
    "delivery:resend_many", "delivery:resendings", "delivery:resending", "delivery:exports", "delivery:export_new",
    "delivery:export_order", "delivery:masking", "delivery:masking_new", "delivery:masking_rule",
}  # fmt: skip
OTHERS = {
    "senders:set_default", "senders:stand_ins", "senders:default_stand_ins", "records:news", "records:time_zone",
    "records:save_view", "records:rename_view", "records:delete_view", "records:of_mail", "records:source",
    "records:export", "records:export_xlsx", "records:attachment", "delivery:resending_cancel", "delivery:check",
    "delivery:detect", "delivery:cancel", "delivery:retry", "delivery:send_now", "delivery:decide",
    "delivery:pause_all", "delivery:resume_all", "delivery:pause", "delivery:resume", "delivery:export_cancel",
    "delivery:export_file", "delivery:masking_suggested", "delivery:masking_switch", "delivery:masking_delete",
}  # fmt: skip


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


@pytest.fixture
def admin(db: None) -> Client:
    return chinese(role="administrator")


def make_sender(number: int = 1, **values: object) -> Sender:
    account = Sender(address=f"a{number}@example.com", display_name=f"账号{number}", host="smtp.qq.com", port=465)
    for name, value in values.items():
        setattr(account, name, value)
    return save_sender(account, password="canary-pw")


@pytest.fixture
def filled(db: None) -> Mail:
    """Accounts in every state, and a mail with tries that ended in every way."""
    now = timezone.now()
    set_default_sender(make_sender())
    make_sender(2, is_enabled=False, encryption=Encryption.NONE, last_test_at=now, last_test_passed=True)
    long_ago = now - timedelta(days=70)
    unreachable = make_sender(3, encryption=Encryption.TLS, last_test_at=long_ago, last_test_passed=False)
    Circuit.objects.create(sender=unreachable, state=CircuitState.OPEN, opened_at=now)
    Circuit.objects.create(sender=make_sender(4), state=CircuitState.REFUSED)
    mail = make_mail(mime=compose(html="<p>您好</p>", files=(("行.csv", b"a,b"),)), subject="数据已加载")
    for outcome in Outcome:
        make_record(mail, outcome=outcome, receiver_address=f"{outcome}@example.net", state=_state_after(outcome))
    return mail


def _state_after(outcome: Outcome) -> ReceiverState:
    return ReceiverState.ACCEPTED if outcome is Outcome.ACCEPTED else ReceiverState.REFUSED


class TestTheCatalogue:
    def test_is_what_the_script_makes_of_the_code(self) -> None:
        script = subprocess.run(
            ["scripts/translations", "--check"], cwd=settings.ROOT, capture_output=True, text=True, check=False
        )
        assert script.stderr == ""
        assert (script.stdout, script.returncode) == (f"{len(CATALOGUE)} strings, 0 not translated\n", 0)

    def test_is_complete(self) -> None:
        assert [entry.msgid for entry in CATALOGUE if entry.fuzzy or entry.obsolete or not entry.translated()] == []

    def test_keeps_every_placeholder(self) -> None:
        def differs(entry: polib.POEntry) -> bool:
            # Chinese has one form for every number: that of the plural, as one may be said without the number.
            english = entry.msgid_plural or entry.msgid
            return set(PLACEHOLDER.findall(english)) != set(PLACEHOLDER.findall(chinese_of(entry)))

        assert [entry.msgid for entry in CATALOGUE if differs(entry)] == []

    def test_ends_sentences_as_chinese_does(self) -> None:
        def is_wrong(entry: polib.POEntry) -> bool:
            translated = chinese_of(entry)
            return entry.msgid.endswith(".") != translated.endswith("。") or translated.strip() != translated

        assert [entry.msgid for entry in CATALOGUE if is_wrong(entry)] == []

    @pytest.mark.parametrize(
        ("english", "expected"),
        [
            ("Mail Server (SMTP)", "邮件服务器"),
            ("Port", "端口"),
            ("Encryption Method", "加密方式"),
            ("No Encryption", "不加密"),
            ("Sender Address", "发件人地址"),
            ("Password", "密码"),
            ("Displayed Name", "显示名称"),
            ("Sign in with", "登录方式"),
            ("Send Test Mail", "发送测试邮件"),
            ("System default sender", "系统默认发件人"),
            ("System Management", "管理系统"),
            ("System Setting", "系统设置"),
            ("Mailbox", "邮箱"),
            ("Mail sending record", "邮件发送记录"),
            ("Receiver email", "收件人邮箱"),
            ("Accessed resource", "访问资源"),
            ("Template name", "模板名称"),
            ("Sending time", "发送时间"),
            ("Sending result", "发送结果"),
        ],
    )
    def test_uses_the_words_of_the_guides(self, english: str, expected: str) -> None:
        with translation.override("zh-hans"):
            assert translation.gettext(english) == expected


class TestEveryPage:
    def test_is_walked_here(self) -> None:
        assert set(PAGE_PERMISSIONS) == PAGES | OTHERS

    def test_is_found_wanting_where_it_is_english(self, admin: Client, filled: Mail) -> None:
        page = admin.get(reverse("records:list"), headers={"Accept-Language": "en"}).content.decode()
        found = english_in(page)
        assert {"Mail sending record", "Sending time", "Failed for now", "Skip to content", "All senders"} <= set(found)

    def test_without_any_data(self, admin: Client) -> None:
        for name in ("senders:list", "senders:add", "records:list", "delivery:compose", "delivery:alarms"):
            assert_chinese(admin.get(reverse(name)).content.decode())

    def test_of_accounts(self, admin: Client, filled: Mail) -> None:
        assert_chinese(admin.get(reverse("senders:list")).content.decode())
        for sender in Sender.objects.all():
            for name in ("senders:edit", "senders:delete", "delivery:check_saved"):
                assert_chinese(admin.get(reverse(name, args=[sender.pk])).content.decode())

    def test_of_guides(self, admin: Client) -> None:
        for guide in GUIDES:
            assert_chinese(admin.get(reverse("senders:guide", args=[guide.slug])).content.decode())

    def test_of_records(self, admin: Client, filled: Mail) -> None:
        queries = (
            "", "?result=failed", "?receiver=nobody", "?since=soon", "?since=2026-03-02&until=2026-03-01", "?fold=1",
            "?outcome=refused", "?range=7d&phase=rcpt&requested_by=ada&message_id=x", "?range=x&outcome=x&phase=x",
        )  # fmt: skip
        for query in queries:
            assert_chinese(admin.get(reverse("records:list") + query).content.decode())
        for record in SendingRecord.objects.all():
            assert_chinese(admin.get(reverse("records:detail", args=[record.pk])).content.decode())
        assert_chinese(admin.get(reverse("records:preview", args=[filled.pk])).content.decode())

    def test_of_the_life_of_a_mail(self, admin: Client, filled: Mail) -> None:
        begun = filled.accepted_at
        waiting = make_mail(
            state="retry", subject="等待", requested_by="ada", due_at=timezone.now() + timedelta(hours=3)
        )
        being_sent = make_mail(state="sending", subject="等待", lease_until=timezone.now() + timedelta(hours=1))
        for mail, waits in ((waiting, (2, 45, 700, 9_000, 30_000, 200_000)), (being_sent, (1, 2, 3, 4, 5))):
            for epoch, seconds in enumerate(waits, start=1):
                begun += timedelta(seconds=seconds)
                make_record(
                    mail, epoch=epoch, started_at=begun, state="pending", outcome=Outcome.DEFERRED,
                    fault=Fault.REPLY, phase=Phase.RCPT, reply_code=450, reply_text="no",
                )  # fmt: skip
            said = {LineKind.CONTENT: "2048", LineKind.LEFT_OUT: "12", LineKind.ENDED: Fault.TIMEOUT.value}
            keep_dialogues([(mail.pk, 1, [Line(kind, said.get(kind, "250 ok")) for kind in LineKind])])
            for reason in (SkipReason.HANDED_OVER, SkipReason.HANDED_BACK):
                epoch, begun = epoch + 1, begun + timedelta(seconds=1)
                make_record(mail, epoch=epoch, started_at=begun, outcome=Outcome.SKIPPED, skip_reason=reason)
            for deed in Deed:
                Intervention.objects.create(mail=mail, deed=deed, done_by="ada", done_at=begun)
            assert_chinese(admin.get(reverse("records:of_mail", args=[mail.pk]), follow=True).content.decode())

    def test_of_contents_and_of_who_looked(self, admin: Client) -> None:
        set_rules(contents_days=30, attachments_days=10)
        body = store_body(9, "见附件。", Attachment("行.csv", b"a,b"))
        without_files, without_content = old_mail(20, body=body, subject="月报"), old_mail(60, subject="月报")
        run_whole(pause=0)
        for name in ("preview", "source"):
            admin.get(reverse(f"records:{name}", args=[without_files.pk]))
        for mail in (without_files, without_content):
            assert_chinese(admin.get(reverse("records:of_mail", args=[mail.pk]), follow=True).content.decode())
        assert_chinese(admin.get(reverse("records:preview", args=[without_files.pk])).content.decode())

    def test_of_the_look_of_the_list(self, admin: Client, filled: Mail) -> None:
        look = {"density": "compact", "columns": [column.key for column in COLUMNS], "time_zone": "Asia/Shanghai"}
        assert_chinese(admin.get(reverse("records:look")).content.decode())
        wrong = {"density": "x", "columns": ["x"], "time_zone": "x"}
        for values in (wrong, look):
            assert_chinese(admin.post(reverse("records:look"), values, follow=True).content.decode())
        assert_chinese(admin.get(reverse("records:look")).content.decode())

    def test_of_views(self, admin: Client, filled: Mail) -> None:
        assert_chinese(admin.get(reverse("records:views")).content.decode())
        named = [{"name": "失败", "query": "result=failed"}, {"name": "某人", "query": "receiver=a"}]
        for values in ({}, {"name": "空"}, *named):
            assert_chinese(admin.post(reverse("records:save_view"), values, follow=True).content.decode())
        view = SavedView.objects.get(name="失败")
        for name in ("", "某人", "今日"):
            url = reverse("records:rename_view", args=[view.pk])
            assert_chinese(admin.post(url, {"name": name}, follow=True).content.decode())
        url = reverse("records:delete_view", args=[view.pk])
        assert_chinese(admin.post(url, follow=True).content.decode())

    def test_of_the_dashboard(self, admin: Client, filled: Mail) -> None:
        for outcome in Outcome:
            make_record(started_at=timezone.now() - timedelta(minutes=1), outcome=outcome, phase=Phase.RCPT)
        for span in Span:
            assert_chinese(admin.get(reverse("records:overview"), {"span": span}).content.decode())

    def test_of_keeping(self, admin: Client, filled: Mail) -> None:
        page = reverse("records:keeping")
        mail_with_files(20, Attachment("a.txt", b"x"))
        for typed in ("0", "x", "99999999999", "0.001", "5", ""):
            values = dict.fromkeys(KeepingForm.base_fields, typed)
            assert_chinese(admin.post(page, values, follow=True).content.decode())
        assert_chinese(admin.post(page, {"records_days": "20", "contents_days": "30"}).content.decode())
        much = {"records": 9_000_000, "contents_size": 9 * 1024**3, "attachments_size": 5 * 1024**3}
        KeepingRound.objects.update_or_create(pk=ONLY, defaults={"began_at": timezone.now(), **much})
        stricter = {"max_records": "1000", "max_contents_size": "1", "max_attachments_size": "1"}
        assert_chinese(admin.post(page, stricter).content.decode())
        for stage in Stage:
            KeepingRound.objects.update(stage=stage)
            assert_chinese(admin.get(page).content.decode())
        KeepingRound.objects.update(ended_at=timezone.now() - timedelta(hours=3))
        assert_chinese(admin.post(page, stricter | {"confirmed": "yes"}, follow=True).content.decode())

    def test_of_records_that_say_why(self, admin: Client, db: None) -> None:
        mail = make_mail(subject="数据已加载")
        whys = [{"outcome": Outcome.SKIPPED, "skip_reason": reason} for reason in SkipReason]
        whys += [
            {"outcome": Outcome.NOT_CONNECTED, "fault": fault, "phase": phase}
            for fault, phase in zip(Fault, itertools.cycle(Phase), strict=False)
        ]
        records = [make_record(mail, epoch=number, **why) for number, why in enumerate(whys)]
        for record in records:
            assert_chinese(admin.get(reverse("records:detail", args=[record.pk])).content.decode())

    def test_of_sending_again(self, admin: Client, filled: Mail) -> None:
        for query in ("", "?since=soon", "?receiver=nobody"):
            assert_chinese(admin.get(reverse("delivery:resend_many") + query).content.decode())
        assert_chinese(admin.get(reverse("delivery:resendings")).content.decode())
        for state in ResendingState:
            work = order()
            is_over = state not in UNFINISHED
            Resending.objects.filter(pk=work.pk).update(
                state=state,
                total=9,
                sent=3,
                left_out={reason.value: 1 for reason in LeftOut},
                finished_at=work.began_at if is_over else None,
            )
            assert_chinese(admin.get(reverse("delivery:resending", args=[work.pk])).content.decode())
        assert_chinese(admin.get(reverse("delivery:resendings")).content.decode())

    def test_of_exports(self, admin: Client, filled: Mail) -> None:
        page, new = reverse("delivery:exports"), reverse("delivery:export_new")
        assert_chinese(admin.get(page).content.decode())
        sender = Sender.objects.get(is_default=True)
        for query in ("", f"?sender={sender.pk}&result=failed", "?since=soon"):
            assert_chinese(admin.get(new + query).content.decode())
        assert_chinese(chinese(*EXPORTING).get(new).content.decode())
        for wrong in ({}, {"kind": "x"}, {"kind": "evidence"}, *[{"kind": "csv"}] * 4):
            assert_chinese(admin.post(new, wrong | {"ticket": str(uuid4())}, follow=True).content.decode())
        assert_chinese(admin.post(new, follow=True).content.decode())
        orders = ExportOrder.objects.order_by("pk")
        for work in orders[:2]:
            while continue_one(work.pk, seconds=60):
                pass
        for work in orders:
            for _ in range(2):
                url = reverse("delivery:export_order", args=[work.pk])
                assert_chinese(admin.get(url).content.decode())
                assert_chinese(admin.post(f"{url}cancel/", follow=True).content.decode())
        assert_chinese(admin.get(page).content.decode())

    def test_of_exports_in_every_state(self, admin: Client, filled: Mail) -> None:
        url = reverse("delivery:export_new")
        days = {"since": "2026-01-01", "until": "2026-01-02", "kind": FileKind.EVIDENCE, "ticket": str(uuid4())}
        admin.post(url, days)
        work = ExportOrder.objects.get()
        continue_one(work.pk, seconds=60)
        url = reverse("delivery:export_order", args=[work.pk])
        assert "公钥" in admin.get(url).content.decode()
        assert_chinese(admin.get(url).content.decode())
        for state, is_at_least in itertools.product(ExportState, (False, True)):
            ended = None if state in UNFINISHED_EXPORTS else timezone.now()
            ExportOrder.objects.update(state=state, total_is_at_least=is_at_least, total=9, finished_at=ended)
            assert_chinese(admin.get(url).content.decode())
            assert_chinese(admin.get(reverse("delivery:exports")).content.decode())
        for failure in ExportFailure:
            ExportOrder.objects.update(state=ExportState.FAILED, failure=failure, finished_at=timezone.now())
            assert_chinese(admin.get(url).content.decode())

    def test_of_masking(self, admin: Client, filled: Mail) -> None:
        page, new = reverse("delivery:masking"), reverse("delivery:masking_new")
        for url in (page, new):
            assert_chinese(admin.get(url).content.decode())
        for target in ("codes", "links"):
            posted = admin.post(reverse("delivery:masking_suggested"), {"target": target}, follow=True)
            assert_chinese(posted.content.decode())
        rule = MaskingRule.objects.get(target="codes")
        sample = {"sample_subject": "您的验证码是 739218", "sample_text": "您好"}
        for number, target in enumerate(Target):
            typed = {"name": f"规则{number}", "target": target, "words": "激活码", "pattern": "a", "template": "登录*"}
            for values in (typed | sample | {"do": "try"}, typed):
                assert_chinese(admin.post(new, values, follow=True).content.decode())
        for wrong in ({}, {"target": "x"}, {"target": "after_words", "name": rule.name}, {"words": "a\n" * 51}):
            assert_chinese(admin.post(new, wrong).content.decode())
        for pattern in ("", "(", ")", "[", "*", "a**", "a{1001}", "[b-a]", r"\y", "a\\", "(?=a)", "(?P<1>a)"):
            assert_chinese(admin.post(new, {"target": "pattern", "pattern": pattern}).content.decode())
        assert_chinese(admin.get(reverse("delivery:masking_rule", args=[rule.pk])).content.decode())
        for name, values in (("switch", {}), ("switch", {"enabled": "yes"}), ("delete", {})):
            url = reverse(f"delivery:masking_{name}", args=[rule.pk])
            assert_chinese(admin.post(url, values, follow=True).content.decode())

    def test_of_masked_mails(self, admin: Client, filled: Mail) -> None:
        MaskingRule.objects.create(name="验证码", target=Target.CODES)
        for secrets, text in ((("canary-7",), "canary-7"), ((), "验证码 739218"), (("canary-7",), "验证码 739218")):
            mail = accept_mail(to=["a@example.net"], subject="登录", text=text, secrets=secrets)
            for ended in (None, timezone.now()):
                Mail.objects.filter(pk=mail.pk).update(finished_at=ended, state="failed" if ended else "queued")
                for name in ("records:of_mail", "records:preview"):
                    assert_chinese(admin.get(reverse(name, args=[mail.pk]), follow=True).content.decode())
                assert_chinese(admin.get(reverse("delivery:resend", args=[mail.pk])).content.decode())
        assert_chinese(admin.get(reverse("delivery:resend_many") + "?receiver=a@example.net").content.decode())

    def test_of_what_is_not_there_any_more(self, admin: Client) -> None:
        set_rules(contents_days=30, attachments_days=10, records_days=400, max_records=1_000_000)
        without_content = old_mail(60, subject="月报")
        body = store_body(without_content.pk + 1, "见附件。", Attachment("行.csv", b"a,b"))
        without_files = old_mail(20, body=body, subject="月报")
        run_whole(pause=0)
        addresses = (
            (404, "records:detail", 9_999), (404, "records:of_mail", 9_999), (404, "delivery:queue_mail", 9_999),
            (404, "records:attachment", without_files.pk, 9), (410, "records:attachment", without_files.pk, 0),
            (410, "records:preview", without_content.pk),
        )  # fmt: skip
        for status, name, *arguments in addresses:
            answer = admin.get(reverse(name, args=arguments))
            assert answer.status_code == status
            assert_chinese(answer.content.decode())

    def test_of_writing(self, admin: Client, filled: Mail) -> None:
        waiting = make_mail(state="queued", subject="等待")
        assert_chinese(admin.get(reverse("delivery:compose")).content.decode())
        assert_chinese(admin.get(reverse("delivery:resend", args=[filled.pk])).content.decode())
        assert_chinese(admin.get(reverse("delivery:resend", args=[waiting.pk])).content.decode())
        for mail in (filled, waiting):
            assert_chinese(admin.get(reverse("delivery:accepted", args=[mail.pk])).content.decode())

    def test_of_alarms(self, admin: Client, filled: Mail, settings: Settings) -> None:
        settings.MAILBOX_ALARM_WEBHOOK, settings.MAILBOX_ALARM_WEBHOOK_SECRET = (
            "https://alerts.example.com/hook",
            "short",
        )
        now, sender = timezone.now(), Sender.objects.get(is_default=True)
        for ended, kind in itertools.product((None, now), AlarmKind):
            alarm = Alarm.objects.create(
                kind=kind, scope=sender.pk, sender=sender, sender_address=sender.address,
                raised_at=now, cleared_at=ended, began_at=now, amount=3, bound=5, cause="connect-timeout",
                reply="535 5.7.8 no",
            )  # fmt: skip
            for fault, state in itertools.product(("", *CallFault), CallState):
                WebhookCall.objects.create(
                    alarm=alarm, event="raised", fault=fault, state=state, created_at=now, due_at=now
                )
        Heartbeat.objects.create(name="worker", seen_at=now - timedelta(hours=1))
        for name in ("delivery:alarms", "records:list"):
            assert_chinese(admin.get(reverse(name)).content.decode())

    def test_of_the_queue(self, admin: Client, filled: Mail) -> None:
        for sender in Sender.objects.order_by("pk"):
            make_mail(state="queued", sender=sender, subject="等待")
        Sender.objects.filter(is_default=True).update(paused_at=timezone.now(), paused_by="ada")
        assert_chinese(admin.get(reverse("delivery:queue")).content.decode())
        Mail.objects.filter(state="queued").update(due_at=timezone.now() + timedelta(hours=1))
        Heartbeat.objects.create(name="worker", seen_at=timezone.now() - timedelta(hours=1))
        DeliveryPause.objects.create(paused_at=timezone.now(), paused_by="ada")
        assert_chinese(admin.get(reverse("delivery:queue")).content.decode())
        DeliveryPause.objects.all().delete()
        assert_chinese(admin.get(reverse("delivery:queue")).content.decode())

    def test_of_the_mails_in_it(self, admin: Client, filled: Mail) -> None:
        for query in ("", "?group=held", "?group=failed", "?group=cancelled", "?receiver=nobody", "?since=soon"):
            assert_chinese(admin.get(reverse("delivery:queue_mails") + query).content.decode())
        sender = Sender.objects.get(is_default=True)
        for state in ("queued", "uncertain", "failed", "cancelled"):
            ended = None if state == "queued" else timezone.now()
            mail = make_mail(state=state, subject="等待", sender=sender, finished_at=ended, mime=compose())
            for deed in Deed:
                Intervention.objects.create(mail=mail, deed=deed, done_by="ada", done_at=timezone.now())
            assert_chinese(admin.get(reverse("delivery:queue_mail", args=[mail.pk])).content.decode())
        for group in ("waiting", "held", "failed", "cancelled"):
            assert_chinese(admin.get(f"{reverse('delivery:queue_mails')}?group={group}").content.decode())

    def test_of_what_is_done_to_them(self, admin: Client, filled: Mail) -> None:
        for name in ("queue_cancel", "queue_send_now", "queue_retry", "queue_decide"):
            assert_chinese(admin.get(reverse(f"delivery:{name}")).content.decode())
            assert_chinese(admin.post(reverse(f"delivery:{name}"), {"deed": ""}).content.decode())
        for deed in set(Deed) - {Deed.PROLONG}:
            work = BulkIntervention.objects.create(deed=deed, done_by="ada", began_at=timezone.now(), up_to_id=9)
            assert_chinese(admin.get(reverse("delivery:queue_work", args=[work.pk])).content.decode())
        sender = Sender.objects.get(is_default=True)
        for name, arguments in (("pause", [sender.pk]), ("resume", [sender.pk]), ("pause_all", []), ("resume_all", [])):
            for _ in range(2):
                assert_chinese(admin.post(reverse(f"delivery:{name}", args=arguments), follow=True).content.decode())
        for name, values in (("retry", {}), ("send_now", {}), ("decide", {"deed": "arrived"})):
            url = reverse(f"delivery:{name}", args=[filled.pk])
            assert_chinese(admin.post(url, values, follow=True).content.decode())

    def test_that_refuses_what_was_typed(self, admin: Client, filled: Mail) -> None:
        wrong = {"host": "smtp://x", "port": "99999", "address": "a, b", "timeout": "x", "login_method": "none"}
        for values in ({}, wrong):
            assert_chinese(admin.post(reverse("senders:add"), values).content.decode())
            assert_chinese(admin.post(reverse("delivery:compose"), values).content.decode())
            assert_chinese(admin.post(reverse("delivery:check"), values).content.decode())

    def test_after_an_action(self, admin: Client, filled: Mail) -> None:
        default = Sender.objects.get(is_default=True)
        posts = [
            (reverse("senders:set_default"), {"sender": default.pk}),
            (reverse("senders:delete", args=[default.pk]), {}),
            (reverse("delivery:cancel", args=[make_mail(state="queued", subject="等待").pk]), {}),
            (reverse("delivery:cancel", args=[filled.pk]), {}),
        ]
        for url, values in posts:
            assert_chinese(admin.post(url, values, follow=True).content.decode())

    def test_of_detected_settings(self, admin: Client, settings: Settings) -> None:
        with dns_server({("hosted.test", "MX"): ["10 mxbiz1.qq.com."]}) as server:
            settings.MAILBOX_NAMESERVERS = [server.address]
            for address in ("a@hosted.test", "a@unknown.test", "a"):
                assert_chinese(admin.post(reverse("delivery:detect"), {"address": address}).content.decode())


class TestThePagesAround:
    def test_sign_in_its_refusal_and_its_lock(self, db: None, settings: Settings) -> None:
        make_person(name="ada")
        client = Client(headers={"Accept-Language": "zh-CN"})
        assert_chinese(client.get("/sign-in/").content.decode())
        answers = [
            client.post("/sign-in/", {"username": "ada", "password": "x"}) for _ in range(settings.AXES_FAILURE_LIMIT)
        ]
        assert answers[-1].status_code == 429
        for answer in answers:
            assert_chinese(answer.content.decode())

    def test_being_signed_out_in_the_midst_of_a_form(self, db: None) -> None:
        client = Client(headers={"Accept-Language": "zh-CN"})
        assert_chinese(client.post(reverse("senders:add"), {}, follow=True).content.decode())

    def test_changing_the_password(self, admin: Client) -> None:
        assert_chinese(admin.get("/password/").content.decode())
        weak = {"old_password": "x", "new_password1": "12345", "new_password2": "12345"}
        for values in ({}, weak, weak | {"new_password2": "other"}, weak | {"old_password": PASSWORD}):
            assert_chinese(admin.post("/password/", values).content.decode())

    def test_what_is_not_allowed_or_not_there(self, db: None) -> None:
        auditor = chinese(role="auditor")
        assert_chinese(auditor.get(reverse("senders:list")).content.decode())
        assert_chinese(chinese().get("/").content.decode())
        assert_chinese(auditor.get("/nothing/").content.decode())

    def test_a_form_without_its_proof(self, db: None) -> None:
        strict = Client(enforce_csrf_checks=True, headers={"Accept-Language": "zh-CN"})
        assert_chinese(strict.post("/sign-in/", {}).content.decode())

    def test_a_broken_server(self) -> None:
        with translation.override("zh-hans"):
            assert_chinese(render_to_string("500.html"))

    def test_every_weakness_of_a_password(self) -> None:
        with translation.override("zh-hans"), pytest.raises(ValidationError) as refused:
            validate_password("12345")
        assert refused.value.messages == ["密码太短，至少需要 10 个字符。", "这个密码太常见了。", "密码只包含数字。"]


class TestTheConnectionCheck:
    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture
    def server(self) -> Iterator[smtpd.MailServer]:
        with smtpd.mail_server(Encryption.TLS, users={ADDRESS: CANARY}) as running:
            yield running

    @pytest.fixture
    def stranger(self, transactional_db: None) -> Client:
        return chinese(role="administrator")

    def test_its_steps_and_its_verdict(self, stranger: Client, server: smtpd.MailServer) -> None:
        for changes in ({}, {"password": "wrong"}, {"trusted_certificates": ""}, {"encryption": "ssl"}):
            values = form_values(server, **changes)
            lines = lines_of(stranger.post(CHECK, values, headers={"Accept": "application/x-ndjson"}))
            said = [line[part] for line in lines for part in ("steps", "html", "say") if part in line]
            assert [english_in(part) for part in said] == [[]] * len(said)
            assert_chinese(stranger.post(CHECK, values).content.decode())

    def test_of_a_stored_account(self, stranger: Client, server: smtpd.MailServer) -> None:
        account = save_account(server, display_name="数据平台")
        url = f"{MAILBOX}senders/{account.pk}/check/"
        for recipient in ("me@acme.test", "me"):
            assert_chinese(stranger.post(url, {"recipient": recipient}).content.decode())


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        (timedelta(seconds=20), "刚刚"),
        (timedelta(minutes=5), "5\xa0分钟前"),
        (timedelta(hours=3), "3\xa0小时前"),
        (timedelta(days=2), "2\xa0天前"),
        (timedelta(days=70), "2\xa0个月前"),
    ],
)
def test_times_read_as_chinese_does(db: None, passed: timedelta, expected: str) -> None:
    make_sender(last_test_at=timezone.now() - passed)
    with translation.override("zh-hans"):
        assert [row.tested_ago for row in list_rows()] == [expected]


def test_the_headers_of_an_export_are_chinese(admin: Client, filled: Mail) -> None:
    answer = b"".join(admin.get(reverse("records:export")).streaming_content).decode()  # type: ignore[attr-defined]
    assert answer.splitlines()[0].removeprefix("\ufeff") == (
        "发送时间,发送结果,发件人,收件人邮箱,模板名称,访问资源,IP 地址,"
        "应答码,增强状态码,服务器应答,原因,结束时间,服务器,队列 ID,邮件编号,记录编号,Message-ID,主题"
    )
