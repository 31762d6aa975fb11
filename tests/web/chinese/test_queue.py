"""The pages of the queue in Simplified Chinese."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from records.interventions import BulkIntervention, BulkState, Deed, Intervention
from records.models import DeliveryPause, Heartbeat, Mail
from senders.models import Sender
from tests.records.rows import compose, make_mail
from tests.web.chinese.reading import assert_chinese

pytestmark = pytest.mark.usefixtures("own_keys")


class TestEveryPage:
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
            url = reverse("delivery:queue_work", args=[work.pk])
            assert_chinese(admin.get(url).content.decode())
            for _ in range(2):
                assert_chinese(admin.post(f"{url}stop/", follow=True).content.decode())
            BulkIntervention.objects.filter(pk=work.pk).update(state=BulkState.WITHDRAWN)
            assert_chinese(admin.get(url).content.decode())
        sender = Sender.objects.get(is_default=True)
        for name, arguments in (("pause", [sender.pk]), ("resume", [sender.pk]), ("pause_all", []), ("resume_all", [])):
            for _ in range(2):
                assert_chinese(admin.post(reverse(f"delivery:{name}", args=arguments), follow=True).content.decode())
        for name, values in (("retry", {}), ("send_now", {}), ("decide", {"deed": "arrived"})):
            url = reverse(f"delivery:{name}", args=[filled.pk])
            assert_chinese(admin.post(url, values, follow=True).content.decode())
