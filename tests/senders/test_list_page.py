"""The list of sender accounts."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from senders.listing import SenderRow, initials_of, list_rows
from senders.models import Circuit, Sender
from senders.services import set_default_sender
from tests.senders.conftest import PASSWORD, ClientWith, MakeSender

URL = "/system/setting/mailbox/"


def page_of(client: Client) -> str:
    response = client.get(URL)
    assert response.status_code == 200
    return response.content.decode()


def test_its_address_is_the_module_itself() -> None:
    assert reverse("senders:list") == URL


def test_without_an_account_it_says_what_to_do(admin_client: Client) -> None:
    page = page_of(admin_client)
    assert "No sender account yet" in page
    assert page.count(reverse("senders:add")) == 2  # the banner's and the empty state's
    assert "System default sender" not in page


def test_who_may_not_add_is_offered_no_way_to(client_with: ClientWith) -> None:
    page = page_of(client_with("senders.view_sender"))
    assert "No sender account yet" in page
    assert reverse("senders:add") not in page


def test_an_account_is_shown_with_its_server(admin_client: Client, make_sender: MakeSender) -> None:
    sender = make_sender(display_name="运维值班", address="ops#oncall@example.net", host="smtp.qq.com", port=465)
    page = page_of(admin_client)
    assert "运维值班" in page
    assert "ops#oncall@example.net" in page
    assert 'smtp.qq.com<span class="soft">:465</span>' in page
    assert reverse("senders:edit", args=[sender.pk]) in page
    assert reverse("senders:delete", args=[sender.pk]) in page
    assert "Never" in page


def test_hostile_names_are_shown_as_text(admin_client: Client, make_sender: MakeSender) -> None:
    make_sender(display_name="<script>alert(1)</script>", host='"><img src=x>')
    page = page_of(admin_client)
    assert "<script>alert" not in page
    assert "<img src=x>" not in page


def test_the_latest_test_is_shown(admin_client: Client, make_sender: MakeSender) -> None:
    passed, failed = make_sender(), make_sender(address="other@example.com")
    now = timezone.now()
    Sender.objects.filter(pk=passed.pk).update(last_test_at=now - timedelta(minutes=30), last_test_passed=True)
    Sender.objects.filter(pk=failed.pk).update(last_test_at=now - timedelta(hours=2), last_test_passed=False)
    page = page_of(admin_client)
    assert '<span class="result result-success">Passed</span>' in page
    assert "30\xa0minutes ago" in page
    assert '<span class="result result-failed">Failed</span>' in page
    assert "2\xa0hours ago" in page


def test_without_a_default_none_is_chosen_beforehand(admin_client: Client, make_sender: MakeSender) -> None:
    make_sender()
    page = page_of(admin_client)
    assert '<option value="">Choose a sender</option>' in page
    assert '<span class="badge badge-warn">Not configured</span>' in page
    assert "selected" not in page


def test_with_a_default_there_is_nothing_else_to_say(admin_client: Client, make_sender: MakeSender) -> None:
    set_default_sender(make_sender())
    page = page_of(admin_client)
    assert "Choose a sender" not in page
    assert "Not configured" not in page


def test_an_ipv6_host_is_parted_from_its_port(admin_client: Client, make_sender: MakeSender) -> None:
    make_sender(host="2001:db8::7", port=587)
    assert '[2001:db8::7]<span class="soft">:587</span>' in page_of(admin_client)


def test_the_default_and_disabled_accounts_are_marked(admin_client: Client, make_sender: MakeSender) -> None:
    set_default_sender(make_sender())
    make_sender(address="other@example.com", is_enabled=False)
    page = page_of(admin_client)
    assert page.count('<span class="badge badge-accent">Default</span>') == 1
    assert page.count('<span class="badge">Disabled</span>') == 1


def test_only_enabled_accounts_are_offered_as_default(admin_client: Client, make_sender: MakeSender) -> None:
    enabled = make_sender()
    disabled = make_sender(address="other@example.com", is_enabled=False)
    page = page_of(admin_client)
    assert f'<option value="{enabled.pk}"' in page
    assert f'<option value="{disabled.pk}"' not in page


def test_without_an_enabled_account_it_says_so(admin_client: Client, make_sender: MakeSender) -> None:
    make_sender(is_enabled=False)
    assert "Every account is disabled." in page_of(admin_client)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("refused", "The server refused the sign-in. Mail waits until the account is edited or tested well."),
        ("open", "Not reachable since 2026-03-04 05:06. Mail waits and goes out when the server answers again."),
    ],
)
def test_an_account_whose_mail_waits_says_why(
    admin_client: Client, make_sender: MakeSender, state: str, sentence: str
) -> None:
    opened_at = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    Circuit.objects.create(sender=make_sender(), state=state, opened_at=opened_at, reply="535 <b>no</b>")
    page = page_of(admin_client)
    assert sentence in page
    assert "535 &lt;b&gt;no&lt;/b&gt;" in page


def test_an_account_whose_mail_flows_says_nothing(admin_client: Client, make_sender: MakeSender) -> None:
    Circuit.objects.create(sender=make_sender(), state="closed")
    assert "Mail waits" not in page_of(admin_client)


def test_a_password_that_cannot_be_read_is_told(admin_client: Client, make_sender: MakeSender) -> None:
    sender = make_sender()
    Sender.objects.filter(pk=sender.pk).update(secret="v1:000000000000:AAAA")
    assert "The stored password can't be read. Edit the account and type it again." in page_of(admin_client)


def test_who_may_only_look_is_offered_no_action(client_with: ClientWith, make_sender: MakeSender) -> None:
    sender = make_sender()
    set_default_sender(sender)
    page = page_of(client_with("senders.view_sender"))
    assert reverse("senders:edit", args=[sender.pk]) not in page
    assert reverse("senders:delete", args=[sender.pk]) not in page
    assert reverse("senders:set_default") not in page
    assert "Reports &lt;reports@example.com&gt;" in page


def test_the_number_of_queries_does_not_grow_with_the_rows(admin_client: Client, make_sender: MakeSender) -> None:
    counts = []
    for number in range(3):
        Circuit.objects.create(sender=make_sender(address=f"s{number}@example.com"), state="open")
        with CaptureQueriesContext(connection) as queries:
            page_of(admin_client)
        counts.append(len(queries))
    assert counts[0] == counts[2]
    assert counts[2] <= 12


def test_it_only_answers_to_reading(admin_client: Client) -> None:
    assert admin_client.post(URL).status_code == 405


def test_no_secret_is_in_it(admin_client: Client, make_sender: MakeSender) -> None:
    sender = make_sender()
    page = page_of(admin_client)
    assert PASSWORD not in page
    assert sender.secret not in page


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Acme Notifications", "AN"),
        ("reports", "RE"),
        ("运维值班", "运维"),
        ("Data & Platform Alerts", "DP"),
        ("X", "X"),
        ("!", "!"),
        ("- -", "-"),
    ],
)
def test_a_name_is_shortened(name: str, initials: str) -> None:
    assert initials_of(name) == initials


def test_an_account_keeps_its_colour(make_sender: MakeSender) -> None:
    make_sender()
    (row,) = list_rows()
    assert isinstance(row, SenderRow)
    assert row.tone == list_rows()[0].tone
    assert row.tone in range(5)
    assert row.tested_ago == ""


def test_a_visitor_is_sent_to_the_sign_in(client: Client, db: None) -> None:
    response = client.get(URL)
    assert (response.status_code, response.headers["Location"]) == (302, f"{reverse('login')}?next={URL}")


def test_it_is_shown_in_chinese(admin_client: Client, make_sender: MakeSender, admin_user: User) -> None:
    make_sender()
    response = admin_client.get(URL, headers={"Accept-Language": "zh-hans"})
    assert response.status_code == 200
    assert 'lang="zh-hans"' in response.content.decode()
