"""The pages of records in Simplified Chinese: the list, a record, the dashboard."""

import itertools
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from delivery.values import Attachment
from records.dialogue.keeping import keep_dialogues
from records.dialogue.lines import Line, LineKind
from records.enums import Fault, Outcome, Phase, SkipReason
from records.interventions import Deed, Intervention
from records.keeping.rounds import run_whole
from records.listing.columns import COLUMNS
from records.listing.models import SavedView
from records.models import Mail, SendingRecord
from records.overview.spans import Span
from tests.records.keeping.rows import old_mail, set_rules, store_body
from tests.records.rows import make_mail, make_record
from tests.web.chinese.reading import (
    assert_chinese,
)

pytestmark = pytest.mark.usefixtures("own_keys")


class TestEveryPage:
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
        for values in ({}, {"name": "空"}, *named, {"name": "失败", "query": "receiver=b"}):
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


def test_the_headers_of_an_export_are_chinese(admin: Client, filled: Mail) -> None:
    answer = b"".join(admin.get(reverse("records:export")).streaming_content).decode()  # type: ignore[attr-defined]
    assert answer.splitlines()[0].removeprefix("\ufeff") == (
        "发送时间,发送结果,发件人,收件人邮箱,模板名称,访问资源,IP 地址,"
        "应答码,增强状态码,服务器应答,原因,结束时间,服务器,队列 ID,邮件编号,记录编号,Message-ID,主题"
    )
