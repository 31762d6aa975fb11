"""Sending the mails of the filtered records again, as pages: what is shown before, who may, and how it is followed."""

import re
from datetime import date, timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from delivery.resending import collecting, meant, orders
from delivery.views import resending
from records.enums import MailState, Outcome, ResultClass
from records.filters import RecordFilters
from records.listing.preferences import keep_browser_time_zone
from records.models import Content, Mail
from records.resending.models import Resending
from records.search import plans
from senders.models import Sender
from senders.services import delete_sender
from tests.delivery.engine.scenes import make_sender
from tests.delivery.resending.scenes import (
    end_copy,
    failed,
    healed,
    is_test,
    order,
    receivers_of_copies,
    went,
    went_many,
)
from tests.people import client_of, lose, make_person

pytestmark = pytest.mark.django_db(transaction=True)

MAILBOX = "/system/setting/mailbox/"
URL = f"{MAILBOX}send-again/"
ORDERS = f"{URL}orders/"
NEEDED = ("records.view_sendingrecord", "records.send_mail")


@pytest.fixture
def sender() -> Sender:
    return make_sender()


@pytest.fixture
def ada() -> Client:
    return client_of(make_person(*NEEDED, "records.view_content", name="ada"))


def text_of(content: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", content.decode()).split())


def shown(client: Client, url: str = URL) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return text_of(response.content)


def typed(**values: str) -> dict[str, str]:
    page = {"ticket": str(uuid4()), "up_to": str(orders.find_end()), "time_zone": "UTC"}
    return {"destination": "own", **page, **values}


def action_of(content: bytes) -> str:
    """Find where the page's form leads to."""
    found = re.search(r'<form class="card deed" method="post" action="([^"]+)"', content.decode())
    assert found
    return unescape(found[1])


def hidden(content: bytes, name: str) -> str:
    """Find what the page's form holds that nobody sees."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]+)"', content.decode())
    assert found
    return found[1]


def the_order() -> Resending:
    return Resending.objects.get()


class TestAsking:
    def test_it_says_how_many_mails_to_whom_and_from_whom(self, ada: Client, sender: Sender) -> None:
        went_many(sender, 7)
        text = shown(ada)
        assert "7 mails are meant." in text
        assert (
            "Receivers r6@example.org, r5@example.org, r4@example.org, r3@example.org, r2@example.org and 2 more"
            in text
        )
        assert "Senders reports@example.com" in text
        assert "may get it a second time" in text

    def test_the_filters_of_the_list_hold(self, ada: Client, sender: Sender) -> None:
        went_many(sender, 3)
        assert "1 mail is meant." in shown(ada, f"{URL}?receiver=r1")

    def test_it_says_what_is_left_out(self, ada: Client, sender: Sender) -> None:
        went_many(sender, 3)
        went(sender, outcome=Outcome.DEFERRED, state=MailState.RETRY)
        Content.objects.filter(mail__in=Mail.objects.order_by("pk")[:2].values("pk")).delete()
        text = shown(ada)
        assert "2 of them are left out, because their content is not kept any more." in text
        assert "1 of them is left out, because it still waits to be sent." in text
        assert "So at most 1 mail goes again." in text

    def test_where_nothing_is_left_out_it_names_one_number_only(self, ada: Client, sender: Sender) -> None:
        went_many(sender, 3)
        assert "at most" not in shown(ada)

    @pytest.mark.parametrize("is_deleted", [True, False], ids=["deleted", "disabled"])
    def test_it_says_for_how_many_a_sender_must_be_chosen(
        self, ada: Client, sender: Sender, *, is_deleted: bool
    ) -> None:
        other = make_sender(address="other@example.com")
        went_many(other, 2)
        went(sender)
        assert "unless a sender is chosen" not in shown(ada)
        if is_deleted:
            delete_sender(other)
        else:
            Sender.objects.filter(pk=other.pk).update(is_enabled=False)
        text = shown(ada)
        assert "2 of them are left out unless a sender is chosen below" in text
        assert (orders.run(order()).sent, the_order().left_out) == (1, {"account_gone": 2})
        response = ada.post(URL, typed(sender=str(sender.pk)), follow=True)
        assert "3 mails were accepted for sending again." in text_of(response.content)

    def test_it_says_that_copies_of_another_receiver_are_not_counted_beforehand(
        self, ada: Client, sender: Sender
    ) -> None:
        mail = failed(sender)
        orders.run(order(mail_id=mail.pk, to="boss@example.org"))
        assert "Those of which that address got a copy since are left out too" in shown(ada, f"{URL}?result=failed")
        work = orders.run(order(result=ResultClass.FAILED, to="boss@example.org"))
        assert (work.sent, work.left_out) == (0, {"sent_again": 1})

    def test_where_all_are_left_out_it_says_why_and_offers_no_button(self, ada: Client, sender: Sender) -> None:
        went_many(sender, 2)
        went(sender, outcome=Outcome.DEFERRED, state=MailState.RETRY)
        is_test(went(sender))
        Content.objects.filter(mail__state=MailState.SENT).delete()
        response = ada.get(f"{URL}?sender=reports@example.com")
        text = text_of(response.content)
        assert "Nothing can be sent again" in text
        assert "2 of them are left out, because their content is not kept any more." in text
        assert "1 of them is left out, because it still waits to be sent." in text
        assert "1 test mail is left out" in text
        assert b'action="/system/setting/mailbox/send-again/' not in response.content
        assert b'href="/system/setting/mailbox/records/?sender=reports%40example.com"' in response.content

    def test_where_failures_are_asked_for_it_says_who_has_it_by_now(self, ada: Client, sender: Sender) -> None:
        for _ in range(2):
            healed(sender)
        again = failed(sender)
        orders.run(order(mail_id=again.pk, result=ResultClass.FAILED))
        failed(sender)
        text = shown(ada, f"{URL}?result=failed")
        assert "4 mails are meant." in text
        assert "2 of them are left out, because they were accepted for their receivers by now." in text
        assert (
            "1 of them is left out, because it was sent again since, and a server took that copy, or it is on its way."
            in text
        )
        assert "Nobody gets it a second time who has it for certain." in text
        text = shown(ada)
        assert "by now" not in text
        assert "Where all of them have it, all of them get it a second time." in text

    def test_what_it_says_beforehand_is_what_comes_of_it(self, ada: Client, sender: Sender, own_keys: None) -> None:
        healed(sender)
        tried, gone = failed(sender), failed(sender)
        orders.run(order(mail_id=tried.pk))
        end_copy(tried, Outcome.REFUSED)
        went(sender, outcome=Outcome.DEFERRED, state=MailState.RETRY)
        failed(sender, subject="739218 is your code", secrets=["739218"])
        Content.objects.filter(mail=gone).delete()
        counted = meant.find_meant(RecordFilters(result=ResultClass.FAILED), orders.find_end())
        work = orders.run(order(result=ResultClass.FAILED))
        assert counted.left_out == work.left_out
        assert work.left_out == {"has_it": 1, "sent_again": 1, "unfinished": 1, "secrets_gone": 1, "content_gone": 1}
        assert (counted.mails, work.sent) == (6, 1)

    def test_where_everybody_has_it_there_is_nothing_to_send(self, ada: Client, sender: Sender) -> None:
        healed(sender)
        response = ada.get(f"{URL}?result=failed")
        assert "Nothing can be sent again" in text_of(response.content)
        assert "because it was accepted for its receivers by now." in text_of(response.content)
        assert b'name="destination"' not in response.content

    def test_masked_mail_that_waits_is_left_out_for_one_reason(
        self, ada: Client, sender: Sender, own_keys: None
    ) -> None:
        went(sender)
        secret: dict[str, Any] = {"subject": "739218 is your code", "secrets": ["739218"]}
        went(sender, outcome=Outcome.DEFERRED, state=MailState.RETRY, **secret)
        text = shown(ada)
        assert "Send these mails again?" in text
        assert "1 of them is left out, because it still waits to be sent." in text
        assert "content is not kept" not in text
        went(sender, **secret)
        text = shown(ada)
        assert "1 of them is left out, because its secrets are masked: whoever asked for it must ask again." in text
        assert "content is not kept" not in text

    def test_counting_costs_as_many_queries_for_many_as_for_one(self, sender: Sender) -> None:
        counts = []
        for number in (1, 5):
            for _ in range(number):
                healed(sender)
                orders.run(order(mail_id=failed(sender).pk))
            with CaptureQueriesContext(connection) as queries:
                meant.find_meant(RecordFilters(result=ResultClass.FAILED), orders.find_end())
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_test_mail_is_not_counted(self, ada: Client, sender: Sender) -> None:
        is_test(went(sender))
        response = ada.get(URL)
        assert "There is no mail to be sent again behind these records." in text_of(response.content)
        assert b'type="submit" class="button button-primary"' not in response.content

    def test_counting_stops(self, ada: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(meant, "MAX_COUNTED", 2)
        went_many(sender, 3)
        assert "More than 10,000 mails are meant." in shown(ada)

    def test_reading_stops_when_it_takes_long(
        self, ada: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(meant, "PATIENCE", -1.0)
        went_many(sender, 2)
        text = shown(ada)
        assert "At least 2 mails are meant." in text
        assert "There are too many to count which of them are left out" in text

    @pytest.mark.parametrize(("place", "sentence"), [(5, "No mail was found so far"), (0, "At least 1 mail is meant.")])
    def test_reading_stops_when_it_takes_long_to_find_any(
        self, ada: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch, place: int, sentence: str
    ) -> None:
        monkeypatch.setattr(meant, "PATIENCE", -1.0)
        monkeypatch.setattr(meant, "_BATCH", 1)
        monkeypatch.setattr(plans, "BUDGET_WITH_MAILS", 2)
        for number in range(6):
            went(sender, subject="A rare one" if number == 5 - place else "Rows")
        text = shown(ada, f"{URL}?subject=rare")
        assert sentence in text
        assert "Send these mails again?" in text

    def test_more_than_may_be_sent_at_once_are_refused_beforehand(
        self, ada: Client, sender: Sender, settings: Settings
    ) -> None:
        settings.MAILBOX_MAX_RESENDS = 2
        went_many(sender, 3)
        response = ada.get(URL)
        assert "At most 2 mails can be sent again at once." in text_of(response.content)
        assert b'name="destination"' not in response.content

    def test_wrong_filters_are_told(self, ada: Client) -> None:
        for response in (ada.get(f"{URL}?since=soon"), ada.post(f"{URL}?since=soon", typed())):
            assert response.status_code == 400
            assert "This is not a day" in response.content.decode()
        assert not Resending.objects.exists()

    def test_asking_sends_nothing(self, ada: Client, sender: Sender) -> None:
        went(sender)
        ada.get(URL)
        assert (Resending.objects.count(), Mail.objects.count()) == (0, 1)


class TestBeginning:
    def test_the_mails_go_and_the_page_of_the_order_says_so(self, ada: Client, sender: Sender) -> None:
        mails = went_many(sender, 3)
        response = ada.post(f"{URL}?receiver=r1", typed(), follow=True)
        assert "1 mail was accepted for sending again." in text_of(response.content)
        assert [receivers_of_copies(mail) for mail in mails] == [[], [["r1@example.org"]], []]
        assert (the_order().done_by, the_order().requester_ip) == ("ada", "127.0.0.1")

    def test_a_page_that_is_sent_in_twice_is_one_order(self, ada: Client, sender: Sender) -> None:
        went(sender)
        values = typed()
        assert ada.post(URL, values).headers["Location"] == ada.post(URL, values).headers["Location"]
        assert Mail.objects.count() == 2

    def test_a_page_of_another_begins_nothing_and_tells_nothing(self, ada: Client, sender: Sender) -> None:
        went_many(sender, 2)
        values = typed()
        ada.post(f"{URL}?receiver=r1", values)
        bob = client_of(make_person(*NEEDED, name="bob"))
        response = bob.post(f"{URL}?receiver=r0", values, follow=True)
        assert response.redirect_chain == [(f"{URL}?receiver=r0", 302)]
        assert "The page was out of date, and nothing was sent." in text_of(response.content)
        assert (the_order().done_by, Mail.objects.count()) == ("ada", 3)
        assert bob.post(f"{URL}?receiver=r0", typed()).headers["Location"].startswith(ORDERS)

    def test_nothing_that_came_after_the_question_goes(self, ada: Client, sender: Sender) -> None:
        went(sender)
        values = typed()
        went(sender)
        ada.post(URL, values)
        assert the_order().total == 1

    def test_days_are_those_that_were_shown_though_midnight_passes(
        self, ada: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        went(sender)
        page = ada.get(f"{URL}?range=7d", follow=True)
        assert "1 mail is meant." in text_of(page.content)
        tomorrow = timezone.localdate() + timedelta(days=1)
        monkeypatch.setattr(timezone, "localdate", lambda: tomorrow)
        ada.post(action_of(page.content), typed())
        assert (the_order().query, the_order().total) == (page.request["QUERY_STRING"], 1)

    def test_days_that_would_be_others_tomorrow_are_not_taken_at_their_word(self, ada: Client, sender: Sender) -> None:
        went(sender)
        response = ada.post(f"{URL}?range=7d", typed(), follow=True)
        assert "The page was out of date, and nothing was sent." in text_of(response.content)
        assert f"{URL}?since=" in action_of(response.content)
        assert not Resending.objects.exists()

    def test_nothing_goes_where_the_days_shown_mean_others_by_now(self, ada: Client, sender: Sender) -> None:
        went(sender)
        values = {**typed(), "time_zone": hidden(ada.get(URL).content, "time_zone")}
        keep_browser_time_zone(User.objects.get(username="ada").pk, "Asia/Shanghai")
        response = ada.post(URL, values, follow=True)
        assert "The page was out of date, and nothing was sent." in text_of(response.content)
        assert not Resending.objects.exists()
        ada.post(URL, {**values, "time_zone": hidden(response.content, "time_zone")})
        assert (the_order().time_zone, the_order().total) == ("Asia/Shanghai", 1)

    def test_all_go_to_another_receiver(self, ada: Client, sender: Sender) -> None:
        mail = went(sender, "anna@example.org", "bob@example.org")
        ada.post(URL, typed(destination="other", to="boss@BÜCHER.example"))
        assert receivers_of_copies(mail) == [["boss@bücher.example"]]

    def test_an_address_counts_only_if_it_is_wanted(self, ada: Client, sender: Sender) -> None:
        mail = went(sender, "anna@example.org")
        ada.post(URL, typed(to="boss@example.org"))
        assert receivers_of_copies(mail) == [["anna@example.org"]]

    def test_the_rest_goes_on_behind_the_scenes(
        self, ada: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resending, "PATIENCE", 0.0)
        monkeypatch.setattr(collecting, "BATCH", 1)
        went_many(sender, 2)
        response = ada.post(URL, typed(), follow=True)
        assert "Collecting: 1 mail so far." in text_of(response.content)
        orders.continue_unfinished(seconds=60)
        assert the_order().sent == 2

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"destination": "other"}, "Enter the address that all the mails go to."),
            ({"destination": "other", "to": "nobody"}, "The @ is missing."),
            ({"destination": "other", "to": "a@example.org, b@example.org"}, "Enter one address only."),
            ({"destination": ""}, "Choose to whom the mails go."),
            ({"destination": "all"}, "Choose one of the two."),
            ({"sender": "999999"}, "That account is disabled or was deleted. Choose another one."),
        ],
    )
    def test_what_is_wrong_is_told_and_nothing_is_sent(
        self, values: dict[str, str], sentence: str, ada: Client, sender: Sender
    ) -> None:
        went(sender)
        response = ada.post(URL, typed(**values))
        assert response.status_code == 400
        assert sentence in text_of(response.content)
        assert not Resending.objects.exists()

    @pytest.mark.parametrize(
        "values",
        [
            {"up_to": "soon"},
            {"ticket": "1"},
            {"ticket": "", "up_to": ""},
            {"time_zone": "Asia/Shanghai"},
            {"time_zone": ""},
        ],
    )
    def test_a_page_that_makes_no_sense_any_more_is_made_anew(
        self, values: dict[str, str], ada: Client, sender: Sender
    ) -> None:
        went(sender)
        response = ada.post(f"{URL}?receiver=bob", typed(**values), follow=True)
        assert response.redirect_chain == [(f"{URL}?receiver=bob", 302)]
        assert "The page was out of date, and nothing was sent." in text_of(response.content)
        assert not Resending.objects.exists()


class TestFollowing:
    def test_it_says_why_mails_were_left_out_and_which(self, ada: Client, sender: Sender) -> None:
        gone, _sent = went_many(sender, 2)
        Content.objects.filter(mail=gone).delete()
        work = orders.run(order())
        response = ada.get(f"{ORDERS}{work.pk}/")
        text = text_of(response.content)
        assert "1 Its content is not kept any more, or it was refused before it was composed." in text
        assert f'href="{MAILBOX}mails/{gone.pk}/"' in response.content.decode()

    def test_it_says_who_has_it_by_now(self, ada: Client, sender: Sender) -> None:
        healed(sender)
        failed(sender)
        orders.run(order(result=ResultClass.FAILED))
        work = orders.run(order(result=ResultClass.FAILED))
        text = shown(ada, f"{ORDERS}{work.pk}/")
        assert "1 It was accepted for its receivers by now." in text
        assert "1 It was sent again since, and a server took that copy, or it is on its way." in text

    def test_its_filters_are_told_by_the_clock_of_who_reads(self, ada: Client) -> None:
        work = order(receiver="r1", since=date(2026, 3, 10), until=date(2026, 3, 10))
        keep_browser_time_zone(User.objects.get(username="ada").pk, "Asia/Shanghai")
        page = ada.get(f"{ORDERS}{work.pk}/").content
        assert "From 2026-03-10 08:00 To 2026-03-11 08:00 Receiver r1 To the records" in text_of(page)
        query = "receiver=r1&amp;since=2026-03-10T08%3A00&amp;until=2026-03-11T08%3A00"
        assert f'href="{MAILBOX}records/?{query}"' in page.decode()

    def test_what_subjects_are_searched_for_is_told_to_those_who_may_read_them(self, ada: Client) -> None:
        work = order(subject="payroll", receiver="r1")
        url = f"{ORDERS}{work.pk}/"
        assert f'href="{MAILBOX}records/?receiver=r1&amp;subject=payroll"' in ada.get(url).content.decode()
        page = client_of(make_person(*NEEDED)).get(url).content
        assert "Receiver r1 Subject (for those who may see the content of mails)" in text_of(page)
        assert "To the records" not in text_of(page)
        assert b"payroll" not in page

    def test_all_records_are_told_as_such_and_filters_of_which_nobody_knows_are_not(self, ada: Client) -> None:
        work = order()
        url = f"{ORDERS}{work.pk}/"
        assert "No filter: all of them To the records" in shown(ada, url)
        Resending.objects.update(query="result=maybe")
        assert "Filters that can't be read any more To " in shown(ada, url)

    def test_it_says_that_masked_mails_were_left_out(self, ada: Client, sender: Sender, own_keys: None) -> None:
        went(sender, subject="739218 is your code", secrets=["739218"])
        went(sender)
        assert "1 of them is left out" in shown(ada)
        work = orders.run(order(subject="your code"))
        assert "1 Its secrets are masked; whoever asked for it must ask again." in shown(ada, f"{ORDERS}{work.pk}/")

    def test_it_says_that_too_many_were_meant(self, ada: Client, sender: Sender, settings: Settings) -> None:
        settings.MAILBOX_MAX_RESENDS = 1
        went_many(sender, 2)
        work = orders.run(order())
        assert "Nothing was sent: more than 1 mails are meant." in shown(ada, f"{ORDERS}{work.pk}/")

    def test_it_says_that_its_giver_may_not_send_any_more(self, ada: Client) -> None:
        bob = make_person(*NEEDED, name="bob")
        work = order(person=bob)
        lose(bob, "active")
        orders.run(work)
        assert "Stopped: bob was deactivated since, or may not send these mails any more." in shown(
            ada, f"{ORDERS}{work.pk}/"
        )
        assert "Not allowed any more" in shown(ada, ORDERS)

    def test_the_part_that_changes_is_asked_for_alone(self, ada: Client) -> None:
        work = order()
        for url in (ORDERS, f"{ORDERS}{work.pk}/"):
            response = ada.get(url, headers={"HX-Request": "true"})
            assert "<html" not in response.content.decode()
            assert "HX-Request" in response.headers["Vary"]

    def test_what_has_ended_is_not_asked_for_again(self, ada: Client) -> None:
        work = order()
        assert b"data-refresh" in ada.get(f"{ORDERS}{work.pk}/").content
        orders.run(work)
        assert b"data-refresh" not in ada.get(f"{ORDERS}{work.pk}/").content

    def test_the_orders_of_all_are_listed(self, ada: Client, sender: Sender) -> None:
        went(sender)
        orders.run(order())
        other = client_of(make_person(*NEEDED, name="bob"))
        assert "Done 1 1 0 ada" in shown(other, ORDERS)

    def test_without_any_it_says_so(self, ada: Client) -> None:
        assert "Nothing was sent again yet" in shown(ada, ORDERS)

    def test_an_unknown_one_is_not_found(self, ada: Client) -> None:
        assert ada.get(f"{ORDERS}1/").status_code == 404


class TestStopping:
    def test_its_giver_stops_it(self, ada: Client) -> None:
        work = order()
        assert "Stop" in shown(ada, f"{ORDERS}{work.pk}/")
        response = ada.post(f"{ORDERS}{work.pk}/cancel/", follow=True)
        assert "Stopped by ada: the rest is not sent again." in text_of(response.content)
        assert the_order().state == "cancelled"

    def test_what_has_ended_stays_as_it_is(self, ada: Client) -> None:
        work = orders.run(order())
        response = ada.post(f"{ORDERS}{work.pk}/cancel/", follow=True)
        assert "Too late: it had ended already." in text_of(response.content)

    def test_others_need_the_permission_to_cancel_mail(self, ada: Client) -> None:
        work = order()
        url = f"{ORDERS}{work.pk}/"
        bob = client_of(make_person(*NEEDED, name="bob"))
        assert f"{url}cancel/" not in bob.get(url).content.decode()
        assert (bob.post(f"{url}cancel/").status_code, the_order().state) == (403, "collecting")
        carol = client_of(make_person(*NEEDED, "records.cancel_mail", name="carol"))
        assert carol.post(f"{url}cancel/").status_code == 302
        assert the_order().cancelled_by == "carol"

    def test_the_queue_leads_to_what_goes_on(self, ada: Client) -> None:
        work = order()
        queue = f"{MAILBOX}queue/"
        looker = client_of(make_person("records.view_sendingrecord"))
        stopper = client_of(make_person("records.view_sendingrecord", "records.cancel_mail"))
        led = [f'href="{ORDERS}{work.pk}/"' in client.get(queue).content.decode() for client in (ada, stopper, looker)]
        assert led == [True, True, False]
        assert "What ada sends again from the record list goes on." in shown(stopper, queue)
        orders.run(work)
        assert "goes on" not in shown(stopper, queue)

    def test_who_may_cancel_mail_needs_not_be_allowed_to_send_it(self) -> None:
        work = order()
        url = f"{ORDERS}{work.pk}/"
        carol = client_of(make_person("records.view_sendingrecord", "records.cancel_mail", name="carol"))
        assert carol.get(URL).status_code == 403
        assert f'href="{url}"' in carol.get(ORDERS).content.decode()
        assert f"{url}cancel/" in carol.get(url).content.decode()
        assert carol.post(f"{url}cancel/").status_code == 302
        assert (the_order().state, the_order().cancelled_by) == ("cancelled", "carol")


class TestPermission:
    @pytest.mark.parametrize("missing", NEEDED)
    def test_both_permissions_are_needed(self, missing: str) -> None:
        work = order()
        client = client_of(make_person(*{*NEEDED} - {missing}))
        pages = (URL, ORDERS, f"{ORDERS}{work.pk}/")
        assert [client.get(page).status_code for page in pages] == [403, 403, 403]
        assert client.post(URL, typed()).status_code == 403
        assert client.post(f"{ORDERS}{work.pk}/cancel/").status_code == 403
        assert Resending.objects.count() == 1

    def test_another_receiver_is_for_those_who_may_read_what_he_gets(self, sender: Sender) -> None:
        went(sender)
        bob = client_of(make_person(*NEEDED))
        assert b'value="other"' not in bob.get(URL).content
        assert bob.post(URL, typed(destination="other", to="boss@example.org")).status_code == 403
        assert not Resending.objects.exists()
        assert bob.post(URL, typed()).status_code == 302

    def test_forged_requests_are_refused(self) -> None:
        person = make_person(*NEEDED, name="ada")
        forger = Client(enforce_csrf_checks=True)
        forger.force_login(person)
        work = order()
        assert forger.post(URL, typed()).status_code == 403
        assert forger.post(f"{ORDERS}{work.pk}/cancel/").status_code == 403
        assert (Resending.objects.count(), the_order().state) == (1, "collecting")

    def test_looking_stops_nothing(self, ada: Client) -> None:
        work = order()
        assert ada.get(f"{ORDERS}{work.pk}/cancel/").status_code == 405
