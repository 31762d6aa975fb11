"""Choosing and ordering stand-ins, and the banner that tells of one at work."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from senders.allowances import Window
from senders.enums import CircuitState
from senders.models import Allowance, Circuit, Fallback, Sender
from senders.services import set_default_sender
from senders.stand_ins import Trouble, can_send, chain_of, find_standing_in, find_trouble, save_chain
from tests.senders.conftest import ClientWith, MakeSender

pytestmark = pytest.mark.django_db


@pytest.fixture
def accounts(make_sender: MakeSender) -> list[Sender]:
    names = ("Reports", "Alerts", "Bills", "News")
    return [make_sender(address=f"{name.lower()}@example.com", display_name=name) for name in names]


def names_of(owner: Sender | None) -> list[str]:
    return [sender.display_name for sender in chain_of(owner)]


def step(client: Client, owner: Sender | None, **sent: object) -> str:
    url = reverse("senders:stand_ins", args=[owner.pk]) if owner else reverse("senders:default_stand_ins")
    response = client.post(url, {name: str(value) for name, value in sent.items()}, follow=True)
    target = reverse("senders:edit", args=[owner.pk]) if owner else reverse("senders:list")
    assert response.redirect_chain == [(f"{target}#stand-ins", 302)]
    return " ".join(response.content.decode().split())


def break_down(sender: Sender, *, failures: int = 2, state: str = CircuitState.OPEN, fault: str = "") -> Sender:
    Circuit.objects.update_or_create(pk=sender.pk, defaults={"state": state, "failures": failures, "fault": fault})
    return Sender.objects.select_related("circuit", "allowance").get(pk=sender.pk)


def test_stand_ins_are_added_one_after_the_other(admin_client: Client, accounts: list[Sender]) -> None:
    owner, first, second, _third = accounts
    assert "Stand-ins saved." in step(admin_client, owner, sender=first.pk)
    page = step(admin_client, owner, sender=second.pk)
    assert names_of(owner) == ["Alerts", "Bills"]
    assert page.index("Move Alerts up") < page.index("Move Bills up")


@pytest.mark.parametrize(
    ("button", "name", "after"),
    [
        ("up", "Bills", ["Bills", "Alerts", "News"]),
        ("up", "Alerts", ["Alerts", "Bills", "News"]),
        ("down", "Bills", ["Alerts", "News", "Bills"]),
        ("down", "News", ["Alerts", "Bills", "News"]),
        ("remove", "Bills", ["Alerts", "News"]),
    ],
)
def test_a_button_moves_or_removes_one(
    admin_client: Client, accounts: list[Sender], button: str, name: str, after: list[str]
) -> None:
    owner, *others = accounts
    save_chain(owner, others)
    step(admin_client, owner, **{button: Sender.objects.get(display_name=name).pk})
    assert names_of(owner) == after


def test_a_button_wins_over_what_stands_in_the_select_beside_it(admin_client: Client, accounts: list[Sender]) -> None:
    owner, first, second, third = accounts
    save_chain(owner, [first, second])
    step(admin_client, owner, remove=first.pk, sender=third.pk)
    assert names_of(owner) == ["Bills"]


@pytest.mark.parametrize("value", ["", "987654", "abc", "1 or 1", "9" * 40, "\x00"])
def test_what_is_no_account_changes_nothing(admin_client: Client, accounts: list[Sender], value: str) -> None:
    owner, first, *_rest = accounts
    save_chain(owner, [first])
    for name in ("up", "down", "remove", "sender"):
        step(admin_client, owner, **{name: value})
    assert names_of(owner) == ["Alerts"]


def test_nobody_stands_in_for_itself(admin_client: Client, accounts: list[Sender]) -> None:
    owner = accounts[0]
    assert "An account can&#x27;t stand in for itself." in step(admin_client, owner, sender=owner.pk)
    assert names_of(owner) == []
    save_chain(owner, [owner])
    assert names_of(owner) == []
    with pytest.raises(IntegrityError, match=r"nobody_stands_in_for_itself|CHECK constraint"):
        Fallback.objects.create(owner=owner, sender=owner, position=0)


def test_naming_one_twice_keeps_its_place(admin_client: Client, accounts: list[Sender]) -> None:
    owner, first, second, _third = accounts
    save_chain(owner, [first, second])
    step(admin_client, owner, sender=first.pk)
    assert names_of(owner) == ["Alerts", "Bills"]


def test_the_default_has_a_chain_of_its_own(admin_client: Client, accounts: list[Sender]) -> None:
    default, first, second, _third = accounts
    set_default_sender(default)
    save_chain(default, [second])
    page = step(admin_client, None, sender=first.pk)
    assert (names_of(None), names_of(default)) == (["Alerts"], ["Bills"])
    assert "Move Alerts up" in page


def test_the_chain_of_the_default_is_offered_only_where_there_is_a_default(
    admin_client: Client, accounts: list[Sender]
) -> None:
    page = admin_client.get(reverse("senders:list")).content.decode()
    assert "Stand-ins for the default sender" not in page
    set_default_sender(accounts[0])
    page = admin_client.get(reverse("senders:list")).content.decode()
    assert "Stand-ins for the default sender" in page
    offered = page[page.index('id="stand-ins"') :]
    assert f'value="{accounts[0].pk}"' not in offered[: offered.index("</form>")]


def test_a_new_account_gets_its_stand_ins_after_it_was_saved(admin_client: Client, accounts: list[Sender]) -> None:
    assert 'id="stand-ins"' not in admin_client.get(reverse("senders:add")).content.decode()
    page = admin_client.get(reverse("senders:edit", args=[accounts[0].pk])).content.decode()
    assert 'id="stand-ins"' in page


def test_only_enabled_accounts_are_offered_and_disabled_ones_are_marked(
    admin_client: Client, accounts: list[Sender]
) -> None:
    owner, first, second, _third = accounts
    save_chain(owner, [first])
    Sender.objects.filter(pk__in=[first.pk, second.pk]).update(is_enabled=False)
    page = admin_client.get(reverse("senders:edit", args=[owner.pk])).content.decode()
    shown = page[page.index('id="stand-ins"') :]
    assert "Disabled" in shown
    assert f'<option value="{second.pk}">' not in shown


def test_a_deleted_account_leaves_every_chain(accounts: list[Sender]) -> None:
    owner, first, second, _third = accounts
    save_chain(owner, [first, second])
    save_chain(first, [owner])
    first.delete()
    assert names_of(owner) == ["Bills"]
    assert Fallback.objects.count() == 1


def test_deleting_a_stand_in_says_what_becomes_of_what_it_holds(admin_client: Client, accounts: list[Sender]) -> None:
    owner, stand_in, *_rest = accounts
    save_chain(owner, [stand_in])
    pages = [admin_client.get(reverse("senders:delete", args=[one.pk])).content.decode() for one in (owner, stand_in)]
    assert ["what it holds for one goes back there" in page for page in pages] == [False, True]


def test_each_chain_asks_for_its_own_permission(client_with: ClientWith, accounts: list[Sender]) -> None:
    owner, first, *_rest = accounts
    own, of_default = reverse("senders:stand_ins", args=[owner.pk]), reverse("senders:default_stand_ins")
    changer, chooser = client_with("senders.change_sender"), client_with("senders.set_default_sender")
    requests = [(client, url) for client in (changer, chooser) for url in (own, of_default)]
    statuses = [client.post(url, {"sender": first.pk}).status_code for client, url in requests]
    assert statuses == [302, 403, 403, 302]
    assert changer.get(own).status_code == 405


@pytest.mark.parametrize(
    ("circuit", "trouble"),
    [
        ({"state": CircuitState.CLOSED, "failures": 0}, None),
        ({"state": CircuitState.OPEN, "failures": 1}, None),
        ({"state": CircuitState.OPEN, "failures": 2}, Trouble.UNREACHABLE),
        ({"state": CircuitState.REFUSED, "failures": 1}, Trouble.REFUSED),
    ],
)
def test_trouble_begins_with_the_second_failure_or_a_refused_sign_in(
    accounts: list[Sender], circuit: dict[str, object], trouble: Trouble | None
) -> None:
    assert find_trouble(break_down(accounts[0], **circuit), timezone.now()) == trouble  # type: ignore[arg-type]


def test_a_password_that_cannot_be_read_is_trouble(accounts: list[Sender]) -> None:
    Sender.objects.filter(pk=accounts[0].pk).update(secret="v1:gone:AAAA")
    assert find_trouble(Sender.objects.get(pk=accounts[0].pk), timezone.now()) is Trouble.PASSWORD_UNREADABLE


def test_an_account_that_is_being_probed_does_not_stand_in_for_others(accounts: list[Sender]) -> None:
    assert not can_send(break_down(accounts[0], failures=1), timezone.now())
    assert can_send(accounts[1], timezone.now())


def test_every_page_tells_who_is_stood_in_for_and_by_whom(client_with: ClientWith, accounts: list[Sender]) -> None:
    owner, first, second, _third = accounts
    save_chain(owner, [first, second])
    client = client_with("senders.view_sender", "records.view_sendingrecord")
    assert "can't send now" not in client.get(reverse("records:list")).content.decode()
    break_down(owner)
    Sender.objects.filter(pk=first.pk).update(is_enabled=False)
    for page in (reverse("records:list"), reverse("senders:list")):
        text = " ".join(client.get(page).content.decode().split())
        assert "Reports can't send now. </strong> Its mail server is not reachable." in text
        assert "Its mail goes out through Bills (bills@example.com)." in text


def test_the_banner_says_when_nobody_is_left(client_with: ClientWith, accounts: list[Sender]) -> None:
    owner, first, *_rest = accounts
    save_chain(owner, [first])
    break_down(owner, state=CircuitState.REFUSED)
    break_down(first)
    page = client_with("senders.view_sender").get(reverse("senders:list")).content.decode()
    assert "The mail server refused its sign-in." in page
    assert "None of its stand-ins can send either, so its mail waits." in page


def test_who_may_not_see_accounts_is_not_told_of_them(client_with: ClientWith, accounts: list[Sender]) -> None:
    save_chain(accounts[0], accounts[1:])
    break_down(accounts[0])
    page = client_with("records.view_sendingrecord").get(reverse("records:list")).content.decode()
    assert "Its mail goes out through" not in page


def test_the_banner_is_told_in_chinese(client_with: ClientWith, accounts: list[Sender]) -> None:
    save_chain(accounts[0], accounts[1:])
    break_down(accounts[0])
    client = client_with("senders.view_sender")
    client.cookies["django_language"] = "zh-hans"
    with override("zh-hans"):
        page = client.get(reverse("senders:list")).content.decode()
    assert "Reports 目前无法发信" in page


def test_the_default_is_stood_in_for_by_its_own_chain_after_that_of_the_default(accounts: list[Sender]) -> None:
    default, first, second, _third = accounts
    set_default_sender(default)
    save_chain(None, [first])
    save_chain(default, [second])
    break_down(default)
    [found] = find_standing_in()
    assert (found.original, found.stand_in) == (default, first)
    break_down(first)
    [found] = find_standing_in()
    assert found.stand_in == second


def test_a_paused_or_disabled_account_is_not_stood_in_for(accounts: list[Sender]) -> None:
    paused, disabled, stand_in, _rest = accounts
    for owner in (paused, disabled):
        save_chain(owner, [stand_in])
        break_down(owner)
    Sender.objects.filter(pk=paused.pk).update(paused_at=timezone.now())
    Sender.objects.filter(pk=disabled.pk).update(is_enabled=False)
    assert find_standing_in() == []


def test_an_account_whose_day_is_over_is_stood_in_for(accounts: list[Sender]) -> None:
    owner, first, *_rest = accounts
    save_chain(owner, [first])
    now = timezone.now()
    Sender.objects.filter(pk=owner.pk).update(per_day=10, per_minute=1)
    row = Allowance.objects.create(sender=owner, day_began=Window.DAY.begin(now), day_used=9)
    Allowance.objects.filter(pk=row.pk).update(minute_began=Window.MINUTE.begin(now), minute_used=1)
    assert find_standing_in(now) == []
    Allowance.objects.filter(pk=row.pk).update(day_used=10)
    assert [found.trouble for found in find_standing_in(now)] == [Trouble.DAY_IS_OVER]
    assert find_standing_in(now + timedelta(days=1)) == []
