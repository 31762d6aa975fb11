"""Every page in Simplified Chinese: which there are, and those of accounts, of writing mail and of alarms."""

import itertools
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from mailbox_admin.permissions import PAGE_PERMISSIONS
from records.alarms.enums import AlarmKind, CallFault, CallState
from records.alarms.models import Alarm, WebhookCall
from records.models import Heartbeat, Mail
from senders.guides import GUIDES
from senders.models import Sender
from tests.dns_server import dns_server
from tests.records.rows import make_mail
from tests.web.chinese.reading import (
    assert_chinese,
    english_in,
)

pytestmark = pytest.mark.usefixtures("own_keys")

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
    "delivery:queue_work_stop", "delivery:detect", "delivery:cancel", "delivery:retry", "delivery:send_now",
    "delivery:decide", "delivery:pause_all", "delivery:resume_all", "delivery:pause", "delivery:resume",
    "delivery:export_cancel", "delivery:export_file", "delivery:masking_suggested", "delivery:masking_switch",
    "delivery:masking_delete",
}  # fmt: skip


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

    def test_of_detected_settings(self, admin: Client, settings: Settings) -> None:
        with dns_server({("hosted.test", "MX"): ["10 mxbiz1.qq.com."]}) as server:
            settings.MAILBOX_NAMESERVERS = [server.address]
            for address in ("a@hosted.test", "a@unknown.test", "a"):
                assert_chinese(admin.post(reverse("delivery:detect"), {"address": address}).content.decode())

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
