"""The queue's pages: what they show, to whom, and what their buttons do. Each works without scripts."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from delivery.control import bulk
from delivery.control.pausing import pause_everything, pause_sender, resume_sender
from delivery.control.selection import MailFilters, MailGroup
from delivery.engine.cancel import cancel_mail
from delivery.views import queue as queue_view
from records.clock import database_now
from records.interventions import BulkIntervention, Deed, Intervention
from records.listing.preferences import keep_browser_time_zone
from records.models import Body, Content, DeliveryPause, Heartbeat, Mail
from senders.models import Sender
from tests.delivery.control.scenes import accept_many, deeds_at, fail, hold, states, wait_for_retry
from tests.delivery.engine.scenes import accept, fresh, make_sender
from tests.people import client_of, lose, make_person

pytestmark = pytest.mark.django_db(transaction=True)

MAILBOX = "/system/setting/mailbox/"
QUEUE = f"{MAILBOX}queue/"
MAILS = f"{QUEUE}mails/"


@pytest.fixture(autouse=True)
def _worker() -> None:
    Heartbeat.objects.create(name="worker", seen_at=database_now() + timedelta(hours=1))


@pytest.fixture
def sender() -> Sender:
    return make_sender()


@pytest.fixture
def admin() -> Client:
    return client_of(make_person(role="administrator", name="ada"))


def text_of(client: Client, url: str, **headers: str) -> str:
    response = client.get(url, headers=headers)
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def hidden_fields(html: str) -> dict[str, str]:
    """What a page put into its form to tell what it showed."""
    return dict(re.findall(r'<input type="hidden" name="(up_to|as_of|time_zone)" value="([^"]*)"', html))


def html_of(client: Client, url: str) -> str:
    return client.get(url).content.decode()


class TestQueuePage:
    def test_each_account_has_its_line(self, admin: Client, sender: Sender) -> None:
        wait_for_retry(accept(sender))
        text = text_of(admin, QUEUE)
        assert "1 mail waits" in text
        assert "Reports reports@example.com 1 just now Next try later The next try is at" in text

    def test_without_accounts_it_leads_to_the_form_of_one(self, admin: Client) -> None:
        assert "There is no sender account yet" in text_of(admin, QUEUE)
        assert f'href="{MAILBOX}senders/add/"' in html_of(admin, QUEUE)

    def test_an_empty_queue_says_so(self, admin: Client, sender: Sender) -> None:
        assert "Nothing waits to be sent" in text_of(admin, QUEUE)

    def test_what_needs_a_person_is_one_click_away(self, admin: Client, sender: Sender) -> None:
        first, second = accept_many(sender, 2)
        hold(first)
        fail(second)
        html = html_of(admin, QUEUE)
        assert f'href="{MAILS}?group=held"' in html
        assert f'href="{MAILS}?group=failed"' in html

    def test_the_part_that_changes_is_asked_for_alone(self, admin: Client, sender: Sender) -> None:
        response = admin.get(QUEUE, headers={"HX-Request": "true"})
        assert "<html" not in response.content.decode()
        assert "HX-Request" in response.headers["Vary"]

    def test_who_may_only_look_sees_no_button(self, sender: Sender) -> None:
        accept(sender)
        html = html_of(client_of(make_person("records.view_sendingrecord")), QUEUE)
        assert "queue/pause/" not in html
        assert "mails/cancel/" not in html
        assert "mails/retry/" not in html
        assert "mails/send-now/" not in html

    def test_it_costs_as_many_queries_for_three_accounts_as_for_one(self, admin: Client) -> None:
        counts = []
        for number in (1, 2, 3):
            wait_for_retry(accept(make_sender(address=f"a{number}@example.com")))
            admin.get(QUEUE)
            with CaptureQueriesContext(connection) as queries:
                admin.get(QUEUE)
            counts.append(len(queries))
        assert counts[0] == counts[2]

    def test_long_names_are_kept_whole(self, admin: Client) -> None:
        make_sender(display_name="N" * 100)
        assert "N" * 100 in text_of(admin, QUEUE)


class TestPausing:
    def test_a_sender_is_paused_and_resumed(self, admin: Client, sender: Sender) -> None:
        response = admin.post(f"{MAILBOX}senders/{sender.pk}/pause/", follow=True)
        assert response.redirect_chain == [(QUEUE, 302)]
        assert Sender.objects.get().paused_by == "ada"
        assert "Paused by ada since" in text_of(admin, QUEUE)
        admin.post(f"{MAILBOX}senders/{sender.pk}/resume/")
        assert Sender.objects.get().paused_at is None
        assert "Resumed: mail flows again." in text_of(admin, QUEUE)

    def test_everything_is_paused_and_resumed(self, admin: Client, sender: Sender) -> None:
        admin.post(f"{QUEUE}pause/")
        assert DeliveryPause.objects.get().paused_by == "ada"
        admin.post(f"{QUEUE}resume/")
        assert not DeliveryPause.objects.exists()

    def test_pausing_what_is_paused_says_so(self, admin: Client, sender: Sender) -> None:
        for url in (f"{MAILBOX}senders/{sender.pk}/pause/", f"{QUEUE}pause/"):
            admin.post(url)
            assert "Nothing changed: it was paused before" in admin.post(url, follow=True).content.decode()

    def test_the_list_of_accounts_marks_the_paused(self, admin: Client, sender: Sender) -> None:
        pause_sender(sender, "bob")
        assert "Reports Paused reports@example.com" in text_of(admin, MAILBOX)

    def test_it_returns_to_the_page_of_the_click_and_nowhere_else(self, admin: Client, sender: Sender) -> None:
        url = f"{MAILBOX}senders/{sender.pk}/pause/"
        assert admin.post(url, {"next": MAILBOX}).headers["Location"] == MAILBOX
        assert admin.post(url, {"next": "https://evil.example/"}).headers["Location"] == QUEUE

    def test_every_page_says_who_paused_and_since_when(self, admin: Client, sender: Sender) -> None:
        pause_sender(sender, "bob")
        pause_everything("eve")
        text = text_of(admin, MAILBOX)
        assert "Reports is paused by bob since" in text
        assert "All sending is paused by eve since" in text
        assert f"{QUEUE}resume/" in html_of(admin, MAILBOX)

    def test_many_paused_senders_are_named_by_their_number(self, admin: Client) -> None:
        for number in range(5):
            pause_sender(make_sender(address=f"a{number}@example.com"), "bob")
        assert "2 more senders are paused." in text_of(admin, MAILBOX)

    def test_who_may_not_resume_sees_no_button(self, sender: Sender) -> None:
        pause_everything("eve")
        client = client_of(make_person(role="auditor"))
        assert "All sending is paused by eve since" in text_of(client, QUEUE)
        assert f"{QUEUE}resume/" not in html_of(client, QUEUE)

    def test_a_long_resuming_goes_on_behind_the_scenes(
        self, admin: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk, "PROLONG_BATCH", 1)
        monkeypatch.setattr(queue_view, "PATIENCE", 0)
        accept_many(sender, 3)
        pause_sender(sender, "bob")
        admin.post(f"{MAILBOX}senders/{sender.pk}/resume/")
        text = text_of(admin, QUEUE)
        assert "Resuming: the waiting mail gets the time of the pause back, then it flows." in text
        assert "Resuming Mail flows again in a moment" in text
        bulk.continue_unfinished(seconds=60)
        assert "Next in line" in text_of(admin, QUEUE)


class TestMailList:
    def test_each_group_shows_its_own(self, admin: Client, sender: Sender) -> None:
        waits, held, failed = (accept(sender, f"{name}@example.org") for name in ("waits", "held", "failed"))
        hold(held)
        fail(failed)
        for group in ("waiting", "held", "failed"):
            text = text_of(admin, f"{MAILS}?group={group}")
            shown = [name for name in ("waits", "held", "failed") if f"{name}@example.org" in text]
            assert shown == ["waits" if group == "waiting" else group]
        assert waits.pk

    @pytest.mark.parametrize(
        ("group", "sentence"),
        [
            ("", "Nothing waits to be sent"),
            ("held", "No mail is held"),
            ("failed", "No mail has failed"),
            ("cancelled", "No mail was cancelled"),
        ],
    )
    def test_an_empty_group_says_what_would_stand_there(self, admin: Client, group: str, sentence: str) -> None:
        assert sentence in text_of(admin, f"{MAILS}?group={group}")

    def test_filters_narrow(self, admin: Client, sender: Sender) -> None:
        accept(sender, "carol@example.org", template_name="Report")
        accept(sender, "dave@example.org", template_name="Alarm")
        for query in ("receiver=CAROL", "template=Report", f"sender={sender.pk}&receiver=carol@"):
            assert "1 mail " in text_of(admin, f"{MAILS}?{query}")
        assert "No mail matches these filters" in text_of(admin, f"{MAILS}?receiver=erin")

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("group=none", "There is no such group of mails. Choose one of those shown."),
            ("sender=77", "There is no such sender account any more. Choose another one."),
            ("since=2026-02-30", "This is not a day. Write it as year-month-day, such as 2026-01-31."),
            ("since=2026-02-02&until=2026-02-01", "The last day is before the first one. Swap the two."),
        ],
    )
    def test_a_wrong_filter_shows_no_mail_and_says_why(self, admin: Client, query: str, sentence: str) -> None:
        text = text_of(admin, f"{MAILS}?{query}")
        assert "Nothing is shown until this is corrected:" in text
        assert sentence in text

    def test_the_subject_is_only_for_who_may_read_it(self, admin: Client, sender: Sender) -> None:
        accept(sender, subject="Redundancies")
        reader = client_of(make_person("records.view_sendingrecord", "records.cancel_mail"))
        assert "Redundancies" in text_of(admin, MAILS)
        assert "Redundancies" not in text_of(reader, MAILS)
        for page in (MAILS, f"{MAILS}cancel/"):
            assert "Subjects can be searched by those who may see" in text_of(reader, f"{page}?subject=Redundancies")
        assert "No mail matches" in text_of(admin, f"{MAILS}?subject=nothing+like+it")

    @pytest.mark.parametrize("group", ["waiting", "failed"])
    def test_pages_lead_on_and_back_through_all_mails(
        self, admin: Client, sender: Sender, group: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("delivery.views.queued.PAGE_SIZE", 2)
        mails = accept_many(sender, 5)
        if group == "failed":
            for mail in mails:
                fail(mail)
        url, seen = f"{MAILS}?group={group}", []
        while url:
            html = html_of(admin, url)
            seen.append([int(pk) for pk in re.findall(rf'<a href="{MAILBOX}mails/(\d+)/"', html)])
            found = re.search(r'href="([^"]+)"\s+rel="next"', html)
            url = found[1].replace("&amp;", "&") if found else ""
        expected = [mail.pk for mail in mails]
        if group == "failed":
            expected.reverse()
        assert [pk for page in seen for pk in page] == expected
        back = re.search(r'href="([^"]+)"\s+rel="prev"', html)
        assert back
        html = html_of(admin, back[1].replace("&amp;", "&"))
        assert [int(pk) for pk in re.findall(rf'<a href="{MAILBOX}mails/(\d+)/"', html)] == expected[2:4]

    def test_it_costs_as_many_queries_for_three_mails_as_for_one(self, admin: Client, sender: Sender) -> None:
        counts = []
        for _ in range(3):
            accept(sender, "a@example.org", "b@example.org")
            admin.get(MAILS)
            with CaptureQueriesContext(connection) as queries:
                admin.get(MAILS)
            counts.append(len(queries))
        assert counts[0] == counts[2]


class TestDeeds:
    def test_cancelling_asks_first_and_says_exactly_what(self, admin: Client, sender: Sender) -> None:
        accept(sender, "carol@example.org")
        accept(sender, "dave@example.org")
        url = f"{MAILS}cancel/?receiver=carol"
        text = text_of(admin, url)
        assert "1 mail is meant." in text
        assert "carol@example.org" in text
        assert "dave@example.org" not in text
        assert states() == ["queued", "queued"]
        response = admin.post(url, {"deed": "cancel", "up_to": Mail.objects.latest("pk").pk}, follow=True)
        assert "1 mail cancelled." in response.content.decode()
        assert states() == ["cancelled", "queued"]
        assert Intervention.objects.get().done_by == "ada"

    def test_mail_that_came_after_the_question_is_left_alone(self, admin: Client, sender: Sender) -> None:
        asked = accept(sender)
        accept(sender)
        admin.post(f"{MAILS}cancel/", {"deed": "cancel", "up_to": asked.pk})
        assert states() == ["cancelled", "queued"]

    def test_mail_that_came_to_the_group_after_the_question_is_left_alone(self, admin: Client, sender: Sender) -> None:
        shown, put_back, failed_since = (accept(sender) for _ in range(3))
        cancel_mail(put_back.pk)
        waiting, failed = (hidden_fields(html_of(admin, f"{MAILS}{url}")) for url in ("cancel/", "retry/?group=failed"))
        admin.post(f"{MAILBOX}mails/{put_back.pk}/retry/")
        assert fresh(put_back).state == "retry"
        admin.post(f"{MAILS}cancel/", {"deed": "cancel", **waiting})
        assert (fresh(shown).state, fresh(put_back).state) == ("cancelled", "retry")
        fail(failed_since)
        admin.post(f"{MAILS}retry/?group=failed", {"deed": "retry", **failed})
        assert fresh(failed_since).state == "failed"

    def test_nothing_is_done_where_the_days_shown_mean_others_by_now(self, admin: Client, sender: Sender) -> None:
        mail, day = accept(sender), timezone.now().date()
        url = f"{MAILS}cancel/?since={day - timedelta(days=1)}&until={day + timedelta(days=1)}"
        shown = hidden_fields(html_of(admin, url))
        keep_browser_time_zone(User.objects.get(username="ada").pk, "Asia/Shanghai")
        response = admin.post(url, {"deed": "cancel", **shown}, follow=True)
        assert "The page was out of date, and nothing was begun." in response.content.decode()
        assert fresh(mail).state == "queued"
        admin.post(url, {"deed": "cancel", **hidden_fields(response.content.decode())})
        assert fresh(mail).state == "cancelled"

    @pytest.mark.parametrize("as_of", ["", "x", "2026-03-10", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
    def test_a_moment_that_is_none_is_ignored(self, admin: Client, sender: Sender, as_of: str) -> None:
        mail = accept(sender)
        admin.post(f"{MAILS}cancel/", {"deed": "cancel", "as_of": as_of})
        assert fresh(mail).state == "cancelled"

    def test_failed_mail_is_tried_again(self, admin: Client, sender: Sender) -> None:
        fail(accept(sender))
        accept(sender)
        assert "1 mail is meant." in text_of(admin, f"{MAILS}retry/?group=failed")
        admin.post(f"{MAILS}retry/?group=failed", {"deed": "retry"})
        assert states() == ["retry", "queued"]

    def test_a_deed_in_the_wrong_group_is_done_in_its_own(self, admin: Client, sender: Sender) -> None:
        fail(accept(sender))
        accept(sender)
        admin.post(f"{MAILS}retry/?group=waiting", {"deed": "retry"})
        assert states() == ["retry", "queued"]

    def test_waiting_mail_is_sent_now(self, admin: Client, sender: Sender) -> None:
        mail = wait_for_retry(accept(sender))
        admin.post(f"{MAILS}send-now/?sender={sender.pk}", {"deed": "send_now"})
        assert fresh(mail).due_at <= database_now()

    @pytest.mark.parametrize(("deed", "end"), [("arrived", "sent"), ("send_again", "retry"), ("give_up", "failed")])
    def test_held_mail_is_decided(self, admin: Client, sender: Sender, deed: str, end: str) -> None:
        for mail in accept_many(sender, 2):
            hold(mail)
        text = text_of(admin, f"{MAILS}decide/")
        assert "What shall become of them?" in text
        assert "Whoever did get one gets it a second time." in text
        admin.post(f"{MAILS}decide/", {"deed": deed})
        assert states() == [end, end]

    @pytest.mark.parametrize("deed", ["", "cancel", "nonsense"])
    def test_without_a_choice_nothing_is_done(self, admin: Client, sender: Sender, deed: str) -> None:
        hold(accept(sender))
        response = admin.post(f"{MAILS}decide/", {"deed": deed})
        assert "Choose what shall become of them." in response.content.decode()
        assert states() == ["uncertain"]

    def test_where_nothing_is_meant_there_is_nothing_to_click(self, admin: Client, sender: Sender) -> None:
        assert "0 mails are meant." in text_of(admin, f"{MAILS}cancel/")
        assert "Cancel the mails" not in text_of(admin, f"{MAILS}cancel/")

    def test_a_wrong_filter_does_nothing(self, admin: Client, sender: Sender) -> None:
        accept(sender)
        response = admin.post(f"{MAILS}cancel/?since=soon", {"deed": "cancel"})
        assert "Nothing is shown until this is corrected:" in response.content.decode()
        assert states() == ["queued"]

    def test_what_takes_long_shows_how_far_it_is(
        self, admin: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk, "BATCH", 1)
        monkeypatch.setattr(queue_view, "PATIENCE", 0)
        accept_many(sender, 3)
        response = admin.post(f"{MAILS}cancel/", {"deed": "cancel"})
        work = BulkIntervention.objects.get()
        assert response.headers["Location"] == f"{QUEUE}deeds/{work.pk}/"
        assert "1 mail cancelled. It goes on behind the scenes" in text_of(admin, f"{QUEUE}deeds/{work.pk}/")
        assert "What ada asked for many mails goes on." in text_of(admin, QUEUE)
        bulk.continue_unfinished(seconds=60)
        assert "3 mails cancelled." in text_of(admin, f"{QUEUE}deeds/{work.pk}/", **{"HX-Request": "true"})
        assert "goes on" not in text_of(admin, QUEUE)

    def test_who_began_it_stops_it_and_the_rest_stays_as_it_was(
        self, admin: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk, "BATCH", 1)
        monkeypatch.setattr(queue_view, "PATIENCE", 0)
        accept_many(sender, 3)
        page = admin.post(f"{MAILS}cancel/", {"deed": "cancel"}).headers["Location"]
        assert f'action="{page}stop/"' in html_of(admin, page)
        response = admin.post(f"{page}stop/")
        assert response.headers["Location"] == page
        text = text_of(admin, page)
        assert "1 mail cancelled. Stopped by ada: the rest of the mails stays as it was." in text
        assert "/stop/" not in html_of(admin, page)
        assert "data-refresh" not in html_of(admin, page)
        assert "Too late: it had ended already." in admin.post(f"{page}stop/", follow=True).content.decode()
        bulk.continue_unfinished(seconds=60)
        assert states() == ["cancelled", "queued", "queued"]

    def test_others_stop_it_who_might_have_begun_it(self, sender: Sender) -> None:
        accept(sender)
        giver = make_person("records.view_sendingrecord", name="giver")
        work = bulk.begin(Deed.RETRY, MailFilters(group=MailGroup.FAILED), "giver", person=giver)
        page = f"{QUEUE}deeds/{work.pk}/"
        bob = client_of(make_person("records.view_sendingrecord", "records.cancel_mail"))
        assert "/stop/" not in html_of(bob, page)
        assert bob.post(f"{page}stop/").status_code == 403
        assert BulkIntervention.objects.get().is_unfinished
        for person in (giver, make_person("records.view_sendingrecord", "records.retry_mail", name="carol")):
            BulkIntervention.objects.update(state="going", finished_at=None)
            client = client_of(person)
            assert f"{page}stop/" in html_of(client, page)
            assert client.get(f"{page}stop/").status_code == 405
            assert client.post(f"{page}stop/").status_code == 302
            assert BulkIntervention.objects.get().cancelled_by == person.username

    def test_a_forged_stop_is_refused(self, sender: Sender) -> None:
        giver = make_person("records.view_sendingrecord", "records.retry_mail")
        work = bulk.begin(Deed.RETRY, MailFilters(group=MailGroup.FAILED), "giver", person=giver)
        forger = Client(enforce_csrf_checks=True)
        forger.force_login(giver)
        assert forger.post(f"{QUEUE}deeds/{work.pk}/stop/").status_code == 403
        assert BulkIntervention.objects.get().is_unfinished

    def test_it_says_that_its_giver_may_not_do_it_any_more(
        self, admin: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk, "BATCH", 1)
        monkeypatch.setattr(queue_view, "PATIENCE", 0)
        accept_many(sender, 3)
        bob = make_person("records.view_sendingrecord", "records.cancel_mail", name="bob")
        page = client_of(bob).post(f"{MAILS}cancel/", {"deed": "cancel"}).headers["Location"]
        lose(bob, "active")
        bulk.continue_unfinished(seconds=60)
        assert (
            "1 mail cancelled. Stopped: bob was deactivated since, or may not do this any more. "
            "The rest of the mails stays as it was." in text_of(admin, page)
        )
        assert states() == ["cancelled", "queued", "queued"]

    def test_resuming_is_never_stopped(self, admin: Client, sender: Sender) -> None:
        pause_sender(sender, "ada")
        work = resume_sender(sender, "ada")
        assert work is not None
        assert admin.post(f"{QUEUE}deeds/{work.pk}/stop/").status_code == 404
        assert BulkIntervention.objects.get().is_unfinished

    @pytest.mark.parametrize("up_to", ["-1", "9" * 30, "x", "", "１"])
    def test_a_number_that_is_none_is_ignored(self, admin: Client, sender: Sender, up_to: str) -> None:
        accept(sender)
        admin.post(f"{MAILS}cancel/", {"deed": "cancel", "up_to": up_to})
        assert states() == ["cancelled"]


class TestOneMail:
    def test_its_page_says_how_it_stands(self, admin: Client, sender: Sender) -> None:
        mail = accept(sender, "carol@example.org", subject="Figures")
        text = text_of(admin, f"{MAILBOX}mails/{mail.pk}/")
        assert "State Waiting" in text
        assert "carol@example.org Waiting" in text
        assert "Figures" in text

    def test_a_subject_that_is_turned_turns_nothing_beside_it_and_says_so(self, admin: Client, sender: Sender) -> None:
        subject = "Invoice \u202efdp.exe"
        page = html_of(admin, f"{MAILBOX}mails/{accept(sender, subject=subject).pk}/")
        assert f"<bdi>{subject}</bdi>" in page
        assert "Invisible marks in it turn the reading direction" in page
        assert f'<bdi class="truncate" title="{subject}">{subject}</bdi>' in html_of(admin, MAILS)

    def test_its_content_is_not_for_everybody(self, sender: Sender) -> None:
        mail = accept(sender, subject="Figures")
        assert "Figures" not in text_of(
            client_of(make_person("records.view_sendingrecord")), f"{MAILBOX}mails/{mail.pk}/"
        )

    def test_a_held_mail_is_decided_on_its_page_and_the_decision_is_shown(self, admin: Client, sender: Sender) -> None:
        mail = hold(accept(sender))
        page = f"{MAILBOX}mails/{mail.pk}/"
        assert "This mail may have arrived, and waits for a decision." in text_of(admin, page)
        response = admin.post(f"{page}decide/", {"deed": "arrived", "next": page})
        assert response.headers["Location"] == page
        text = text_of(admin, page)
        assert "The mail counts as sent." in text
        assert "What people did Arrived, says a person ada," in text

    def test_the_page_of_its_record_decides_too(self, admin: Client, sender: Sender) -> None:
        mail = accept(sender)
        admin.post(f"{MAILBOX}mails/{mail.pk}/cancel/")
        assert deeds_at(mail) == [("cancel", "ada")]
        record = mail.records.get()
        text = text_of(admin, f"{MAILBOX}records/{record.pk}/")
        assert "Try again" in text
        assert "By ada" in text.partition("What happened")[2]
        hold(mail)
        assert "waits for a decision" in text_of(admin, f"{MAILBOX}records/{record.pk}/")

    def test_who_may_not_decide_is_told_and_has_no_button(self, sender: Sender) -> None:
        mail = hold(accept(sender))
        client = client_of(make_person("records.view_sendingrecord"))
        assert "waits for a decision" in text_of(client, f"{MAILBOX}mails/{mail.pk}/")
        assert "/decide/" not in html_of(client, f"{MAILBOX}mails/{mail.pk}/")

    def test_cancelling_twice_is_noted_once(self, admin: Client, sender: Sender) -> None:
        mail = accept(sender)
        for _ in range(2):
            admin.post(f"{MAILBOX}mails/{mail.pk}/cancel/")
        assert deeds_at(mail) == [("cancel", "ada")]

    def test_a_click_that_comes_too_late_says_so(self, admin: Client, sender: Sender) -> None:
        mail = accept(sender)
        response = admin.post(f"{MAILBOX}mails/{mail.pk}/retry/", follow=True)
        assert "Nothing was done: the mail stands elsewhere by now." in response.content.decode()

    @pytest.mark.parametrize("is_pruned", [True, False], ids=["content", "attachments"])
    def test_it_says_why_a_failed_mail_whose_content_is_gone_cannot_be_tried_again(
        self, admin: Client, sender: Sender, *, is_pruned: bool
    ) -> None:
        mail = fail(accept(sender))
        if is_pruned:
            Content.objects.all().delete()
            why = "The content is not kept any more:"
        else:
            Body.objects.update(attachments_removed_at=database_now())
            why = "The attachments are not kept any more:"
        page = f"{MAILBOX}mails/{mail.pk}/"
        text = text_of(admin, page)
        assert f"This mail can't be tried again. {why}" in text
        assert "It has to be written anew. Write mail" in text
        assert f'action="{page}retry/"' not in html_of(admin, page)
        assert f"Nothing was done. {why}" in admin.post(f"{page}retry/", {"next": page}, follow=True).content.decode()

    def test_it_says_why_a_failed_mail_whose_account_is_gone_cannot_be_tried_again(
        self, admin: Client, sender: Sender
    ) -> None:
        mail = fail(accept(sender))
        Mail.objects.update(sender=None)
        page = f"{MAILBOX}mails/{mail.pk}/"
        assert "Its sender account was deleted. It can be sent again from another account" in text_of(admin, page)
        assert f'href="{page}resend/"' in html_of(admin, page)
        response = admin.post(f"{page}retry/", {"next": page}, follow=True)
        assert "Nothing was done: the sender account of this mail was deleted." in response.content.decode()

    def test_the_page_of_its_record_says_so_too_to_who_might_try_it_again(self, admin: Client, sender: Sender) -> None:
        mail = accept(sender)
        admin.post(f"{MAILBOX}mails/{mail.pk}/cancel/")
        Content.objects.all().delete()
        page = f"{MAILBOX}records/{mail.records.get().pk}/"
        assert "This mail can't be tried again. The content is not kept any more:" in text_of(admin, page)
        assert "tried again" not in text_of(client_of(make_person("records.view_sendingrecord")), page)

    def test_a_decision_that_does_not_exist_is_refused(self, admin: Client, sender: Sender) -> None:
        mail = hold(accept(sender))
        assert admin.post(f"{MAILBOX}mails/{mail.pk}/decide/", {"deed": "cancel"}).status_code == 404

    def test_deeds_at_many_are_named_in_its_list_of_works_only(self, admin: Client, sender: Sender) -> None:
        pause_sender(sender, "bob")
        admin.post(f"{MAILBOX}senders/{sender.pk}/resume/")
        work = BulkIntervention.objects.get(deed=Deed.PROLONG)
        assert admin.get(f"{QUEUE}deeds/{work.pk}/").status_code == 404
