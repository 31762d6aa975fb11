"""The pages of what is done with many records, in Simplified Chinese: sending again, exports, keeping, masking."""

import itertools
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from delivery.acceptance import accept_mail
from delivery.exporting import continue_one
from delivery.values import Attachment
from records.export.enums import ExportFailure, ExportState, FileKind
from records.export.models import UNFINISHED as UNFINISHED_EXPORTS
from records.export.models import ExportOrder
from records.keeping.enums import Stage
from records.keeping.forms import KeepingForm
from records.keeping.models import ONLY, KeepingRound
from records.masking.enums import Target
from records.masking.models import MaskingRule
from records.models import Mail
from records.resending.enums import LeftOut, ResendingState
from records.resending.models import UNFINISHED, Resending
from senders.models import Sender
from tests.delivery.resending.scenes import order
from tests.records.keeping.rows import mail_with_files
from tests.web.chinese.reading import (
    assert_chinese,
    chinese,
)

pytestmark = pytest.mark.usefixtures("own_keys")

EXPORTING = ("records.view_sendingrecord", "records.export_records")


class TestEveryPage:
    def test_of_sending_again(self, admin: Client, filled: Mail) -> None:
        for query in ("", "?since=soon", "?receiver=nobody", "?result=failed"):
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
            assert_chinese(
                admin.post(new, wrong | {"ticket": str(uuid4()), "time_zone": "UTC"}, follow=True).content.decode()
            )
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
        page = {"ticket": str(uuid4()), "time_zone": "UTC"}
        admin.post(url, {"since": "2026-01-01", "until": "2026-01-02", "kind": FileKind.EVIDENCE, **page})
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
