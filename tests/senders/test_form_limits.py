"""The limits in the form of an account: what is known is shown, what is wrong gets its own sentence."""

from datetime import timedelta

import pytest
from django.utils import timezone

from senders.allowances import Window
from senders.forms import SenderForm
from senders.limit_fields import LIMIT_FIELDS
from senders.models import Allowance, Sender
from tests.senders.conftest import ClientWith, MakeSender

pytestmark = pytest.mark.django_db
Values = dict[str, str]


def page_of(client_with: ClientWith, sender: Sender) -> str:
    response = client_with("senders.change_sender", "senders.view_sender").get(
        f"/system/setting/mailbox/senders/{sender.pk}/"
    )
    return " ".join(response.content.decode().split())


def list_page(client_with: ClientWith) -> str:
    return " ".join(client_with("senders.view_sender").get("/system/setting/mailbox/").content.decode().split())


def stored(values: Values, instance: Sender | None = None) -> Sender:
    form = SenderForm(values, instance=instance)
    assert form.errors == {}
    saved = form.store()
    assert saved is not None
    return Sender.objects.get(pk=saved.pk)


def placeholders(form: SenderForm) -> list[str]:
    return [form.fields[name].widget.attrs["placeholder"] for name in LIMIT_FIELDS]


def test_empty_limits_are_stored_as_none(form_values: Values) -> None:
    saved = stored(form_values)
    assert [getattr(saved, name) for name in LIMIT_FIELDS] == [None, None, None, None]


def test_limits_are_stored_as_typed(form_values: Values) -> None:
    saved = stored({**form_values, "max_connections": "2", "per_minute": "30", "per_hour": "500", "per_day": " 2000 "})
    assert [getattr(saved, name) for name in LIMIT_FIELDS] == [2, 30, 500, 2000]


def test_what_the_provider_is_known_to_bear_stands_in_the_empty_fields(form_values: Values) -> None:
    assert placeholders(SenderForm()) == ["", "", "", ""]
    office = SenderForm({**form_values, "host": "smtp.office365.com"})
    assert placeholders(office) == ["3", "30", "", "10000"]
    gmail = SenderForm({**form_values, "host": "smtp.gmail.com", "address": "someone@gmail.com"})
    assert placeholders(gmail) == ["", "", "", "500"]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("per_day", "many", "Type the number alone, such as 30, or leave the field empty."),
        ("per_day", "1,000", "Type the number alone, such as 30, or leave the field empty."),
        ("per_minute", "2.5", "Type the number alone, such as 30, or leave the field empty."),
        ("per_hour", "0", "The least is 1. To send nothing at all, disable the account instead."),
        ("per_hour", "-3", "The least is 1. To send nothing at all, disable the account instead."),
        ("max_connections", "101", "The most is 100. Leave the field empty for no limit."),
        ("per_day", "99999999999", "The most is 10000000. Leave the field empty for no limit."),
    ],
)
def test_a_wrong_limit_gets_a_sentence_that_helps(form_values: Values, name: str, value: str, sentence: str) -> None:
    form = SenderForm({**form_values, name: value})
    assert form.errors == {name: [sentence]}
    assert form.has_limit_values


@pytest.mark.parametrize(
    ("limits", "wrong"),
    [
        ({"per_minute": "30", "per_hour": "20"}, ["per_hour"]),
        ({"per_minute": "30", "per_day": "20"}, ["per_day"]),
        ({"per_minute": "30", "per_hour": "20", "per_day": "10"}, ["per_hour", "per_day"]),
        ({"per_minute": "30", "per_hour": "30", "per_day": "30"}, []),
    ],
)
def test_a_limit_below_that_of_a_shorter_time_is_refused(form_values: Values, limits: Values, wrong: list[str]) -> None:
    assert list(SenderForm({**form_values, **limits}).errors) == wrong


def test_the_limits_are_folded_away_until_one_is_set(form_values: Values) -> None:
    assert not SenderForm(form_values).has_limit_values
    assert SenderForm({**form_values, "per_day": "5"}).has_limit_values


def test_another_server_begins_with_nothing_used_and_nothing_learned(make_sender: MakeSender) -> None:
    sender = make_sender()
    Allowance.objects.create(sender=sender, day_used=5, learned_per_minute=2)
    form = SenderForm(instance=sender)
    values = {name: str(form[name].value() or "") for name in form.fields} | {"is_enabled": "on"}
    stored({**values, "display_name": "Renamed"}, sender)
    assert Allowance.objects.exists()
    stored({**values, "host": "smtp.example.org", "password": "typed again"}, sender)
    assert not Allowance.objects.exists()


def used_today(sender: Sender, count: int) -> None:
    Allowance.objects.create(sender=sender, day_began=Window.DAY.begin(timezone.now()), day_used=count)


def test_the_quota_of_the_day_is_shown_as_used_and_left(client_with: ClientWith, make_sender: MakeSender) -> None:
    sender = make_sender(per_day=2000)
    used_today(sender, 1460)
    for page in (list_page(client_with), page_of(client_with, sender)):
        assert "1,460 of 2,000 used today, 540 left" in page
        assert 'max="2000" value="1460"' in page


def test_a_quota_that_is_used_up_says_when_mail_goes_out_again(
    client_with: ClientWith, make_sender: MakeSender
) -> None:
    used_today(make_sender(per_day=50), 50)
    ends = timezone.localtime(Window.DAY.end(timezone.now()))
    assert f"All 50 of today are used. Mail waits until {ends:%Y-%m-%d} 00:00." in list_page(client_with)


def test_an_account_without_a_quota_shows_none(client_with: ClientWith, make_sender: MakeSender) -> None:
    sender = make_sender(per_minute=3)
    assert "<progress" not in list_page(client_with) + page_of(client_with, sender)


def test_what_the_server_complained_of_is_told_in_plain_words(client_with: ClientWith, make_sender: MakeSender) -> None:
    sender = make_sender()
    now = timezone.now()
    Allowance.objects.create(
        sender=sender, slow_until=now + timedelta(minutes=5), learned_per_minute=6, learned_connections=1,
        learned_until=now + timedelta(minutes=30), hint="450 4.7.1 <slow> down",
    )  # fmt: skip
    page = page_of(client_with, sender)
    until = timezone.localtime(now + timedelta(minutes=5))
    assert f"Mail of this account waits until {until:%Y-%m-%d %H:%M} and goes out then by itself." in page
    assert "For now at most 6 mails a minute are sent" in page
    assert "For now at most 1 connection is opened" in page
    assert "450 4.7.1 &lt;slow&gt; down" in page
    assert "450 4.7.1 &lt;slow&gt; down" in list_page(client_with)


def test_what_was_learned_long_ago_is_not_told(client_with: ClientWith, make_sender: MakeSender) -> None:
    sender = make_sender()
    long_ago = timezone.now() - timedelta(days=1)
    Allowance.objects.create(
        sender=sender, slow_until=long_ago, learned_per_minute=6, learned_until=long_ago, hint="450 slow down"
    )
    assert "450 slow down" not in page_of(client_with, sender) + list_page(client_with)
