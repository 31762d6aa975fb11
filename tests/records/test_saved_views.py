"""Views of the list that a person keeps under a name."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from records.enums import Outcome
from records.filters import RecordFilters
from records.forms import find_filters
from records.listing import saved_views
from records.listing.models import SavedView
from records.listing.saved_views import (
    FAILED_TODAY,
    ViewRefusedError,
    asking_for_views,
    list_views,
    save_view,
    write_query,
)
from records.statements import fetch_together
from tests.people import client_of, make_person
from tests.records.rows import make_record

URL = "/system/setting/mailbox/records/"
VIEWS = f"{URL}views/"
SAVE = f"{VIEWS}save/"


@pytest.fixture
def person(db: None) -> User:
    return make_person("records.view_sendingrecord", "records.view_content")


@pytest.fixture
def client(person: User) -> Client:
    return client_of(person)


def filters_of(query: str) -> RecordFilters:
    filters = find_filters(query)
    assert filters is not None
    return filters


def names(person: User, query: str = "") -> list[tuple[str, bool]]:
    (saved,) = fetch_together(asking_for_views(person.pk))
    current = write_query(filters_of(query), is_folded="fold=1" in query)
    return [(str(view.name), view.is_current) for view in list_views(saved, current)]


def test_failed_today_is_there_from_the_beginning(client: Client) -> None:
    make_record(receiver_address="today@example.net", outcome=Outcome.REFUSED, started_at=timezone.now())
    make_record(receiver_address="fine@example.net", started_at=timezone.now())
    make_record(receiver_address="old@example.net", outcome=Outcome.REFUSED)
    assert f'href="{URL}?range=today&amp;result=failed"' in client.get(URL).content.decode()
    response = client.get(f"{URL}?{FAILED_TODAY}")
    assert [each.receiver_address for each in response.context["page"].records] == ["today@example.net"]


def test_a_view_is_saved_with_its_filters_and_shown_beside_the_others(client: Client, person: User) -> None:
    response = client.post(SAVE, {"name": "Refused this week", "query": "range=7d&outcome=refused&sender="})
    assert response.headers["Location"] == f"{URL}?range=7d&outcome=refused"
    assert names(person) == [("Failed today", False), ("Refused this week", False)]
    assert names(person, "outcome=refused&range=7d") == [("Failed today", False), ("Refused this week", True)]
    assert "The view was saved." in client.get(URL).content.decode()


def test_filters_of_any_length_are_saved(client: Client, person: User) -> None:
    query = RecordFilters(subject="\N{SNOWMAN}" * 200, receiver="\N{SNOWMAN}" * 320).as_query()
    assert len(query) > 4000
    client.post(SAVE, {"name": "Winter", "query": query})
    assert names(person, query)[1:] == [("Winter", True)]


def test_relative_days_are_kept_relative(client: Client) -> None:
    client.post(SAVE, {"name": "Week", "query": "range=7d"})
    assert SavedView.objects.get().query == "range=7d"


def test_what_is_saved_already_is_not_offered_to_be_saved(client: Client) -> None:
    make_record()
    assert "Save as a view" in client.get(URL, {"receiver": "anna"}).content.decode()
    client.post(SAVE, {"name": "Anna", "query": "receiver=anna"})
    assert "Save as a view" not in client.get(URL, {"receiver": "anna"}).content.decode()
    assert "Save as a view" not in client.get(URL).content.decode()


def test_a_folded_list_stays_folded_when_its_view_is_saved(client: Client, person: User) -> None:
    assert 'name="fold" value="1"' in client.get(URL, {"receiver": "anna", "fold": "1"}).content.decode()
    response = client.post(SAVE, {"name": "Mine", "query": "receiver=anna", "fold": "1"})
    assert response.headers["Location"] == f"{URL}?receiver=anna&fold=1"
    assert names(person, "receiver=anna&fold=1")[1] == ("Mine", True)
    assert names(person, "receiver=anna")[1] == ("Mine", False)
    page = client.get(f"{URL}?receiver=anna&fold=1").content.decode()
    assert f'href="{URL}?receiver=anna&amp;fold=1"' in page
    assert f'href="{URL}?fold=1">Clear filters' in page.replace("\n     ", " ")


def test_a_name_that_is_taken_is_asked_about_before_its_view_is_replaced(client: Client) -> None:
    first = client.post(SAVE, {"name": "Mine", "query": "receiver=anna"}, follow=True)
    assert "The view was saved." in first.content.decode()
    typed = {"name": " Mine ", "query": "receiver=bob", "fold": "1"}
    asked = client.post(SAVE, typed).content.decode()
    assert "You have a view of that name already. Replace it, or choose another name." in asked
    assert 'name="replace" value="Mine"' in asked
    assert 'name="query" value="receiver=bob"' in asked
    assert 'name="fold" value="1"' in asked
    assert [view.query for view in SavedView.objects.all()] == ["receiver=anna"]
    replaced = client.post(SAVE, typed | {"replace": "Mine"}, follow=True)
    assert "The view was saved in place of the one of that name." in replaced.content.decode()
    assert [view.query for view in SavedView.objects.all()] == ["receiver=bob&fold=1"]


def test_only_the_view_that_was_asked_about_is_replaced(client: Client, person: User) -> None:
    for name in ("a", "b"):
        save_view(person.pk, name, filters_of("receiver=x"))
    asked = client.post(SAVE, {"name": "b", "query": "receiver=y", "replace": "a"}).content.decode()
    assert 'name="replace" value="b"' in asked
    assert {view.query for view in SavedView.objects.all()} == {"receiver=x"}


def test_a_view_that_was_deleted_before_it_was_replaced_is_a_new_one(client: Client) -> None:
    response = client.post(SAVE, {"name": "Mine", "query": "receiver=bob", "replace": "Mine"}, follow=True)
    assert "The view was saved." in response.content.decode()
    assert [view.query for view in SavedView.objects.all()] == ["receiver=bob"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("failed\u202egpj", "Take out what can&#x27;t be seen"),
        ("two\u2028lines", "Take out what can&#x27;t be seen"),
        ("a\0b", "Take out what can&#x27;t be seen"),
        ("Failed today", "That is the name of a built-in view."),
        (" FAILED\u200d  today ", "That is the name of a built-in view."),
        ("今日失败", "That is the name of a built-in view."),
    ],
)
def test_a_name_that_looks_like_another_is_refused(client: Client, person: User, name: str, sentence: str) -> None:
    save_view(person.pk, "mine", filters_of("receiver=x"))
    rename = f"{VIEWS}{SavedView.objects.get().pk}/rename/"
    for url in (SAVE, rename):
        page = client.post(url, {"name": name, "query": "receiver=anna"}).content.decode()
        assert sentence in page
        assert f'value="{name}"' in page
    assert names(person)[1:] == [("mine", False)]


def test_emoji_that_are_joined_are_a_name(client: Client) -> None:
    client.post(SAVE, {"name": "👩\u200d💻", "query": "receiver=anna"})
    assert SavedView.objects.get().name == "👩\u200d💻"


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_name_that_is_none_is_refused_beside_its_field_and_can_be_mended(client: Client, name: str) -> None:
    page = client.post(SAVE, {"name": name, "query": "receiver=anna&range=7d"}).content.decode()
    assert "Give the view a name of at most 60 characters." in page
    assert 'aria-invalid="true" aria-describedby="save-view-name_error"' in page
    assert 'name="query" value="receiver=anna&amp;range=7d"' in page
    assert f'href="{URL}?receiver=anna&amp;range=7d"' in page
    assert len(name) < 61 or name in page
    assert not SavedView.objects.exists()


def test_for_htmx_what_is_refused_is_the_form_and_what_is_saved_leads_to_the_list(client: Client) -> None:
    htmx = {"HX-Request": "true"}
    part = client.post(SAVE, {"name": "", "query": "receiver=anna"}, headers=htmx).content.decode()
    assert "Give the view a name of at most 60 characters." in part
    assert "<html" not in part
    saved = client.post(SAVE, {"name": "Anna", "query": "receiver=anna"}, headers=htmx)
    assert saved.headers["HX-Redirect"] == f"{URL}?receiver=anna"
    wrong = client.post(SAVE, {"name": "Wrong", "query": "since=soon"}, headers=htmx)
    assert wrong.headers["HX-Redirect"] == URL


@pytest.mark.parametrize("query", ["since=soon", "result=maybe", "mail=x"])
def test_filters_that_are_wrong_are_not_saved(client: Client, query: str) -> None:
    assert client.post(SAVE, {"name": "Wrong", "query": query}).headers["Location"] == URL
    assert not SavedView.objects.exists()


def test_nothing_to_filter_is_nothing_to_save(client: Client) -> None:
    response = client.post(SAVE, {"name": "All", "query": ""}, follow=True)
    assert "There is no filter to save." in response.content.decode()


def test_the_number_of_views_has_an_end(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MAX_VIEWS", 2)
    for name in ("a", "b"):
        save_view(person.pk, name, filters_of("receiver=x"))
    with pytest.raises(ViewRefusedError, match="Delete one"):
        save_view(person.pk, "c", filters_of("receiver=x"))
    assert not save_view(person.pk, "b", filters_of("receiver=y"), replaces=True)
    save_view(make_person().pk, "c", filters_of("receiver=x"))


def test_a_view_can_be_renamed_but_not_to_a_name_that_is_taken(client: Client, person: User) -> None:
    for name in ("a", "b"):
        save_view(person.pk, name, filters_of("receiver=x"))
    first = SavedView.objects.get(name="a")
    client.post(f"{VIEWS}{first.pk}/rename/", {"name": "c"})
    assert names(person)[1:] == [("b", False), ("c", False)]
    page = client.post(f"{VIEWS}{first.pk}/rename/", {"name": "b"}).content.decode()
    assert "You have a view of that name already. Choose another name." in page
    assert page.count('value="b"') == 2
    assert page.count('aria-invalid="true"') == 1
    assert names(person)[1:] == [("b", False), ("c", False)]
    assert "Give the view a name" in client.post(f"{VIEWS}{first.pk}/rename/", {}).content.decode()


def test_a_view_can_be_deleted(client: Client, person: User) -> None:
    save_view(person.pk, "a", filters_of("receiver=x"))
    response = client.post(f"{VIEWS}{SavedView.objects.get().pk}/delete/", follow=True)
    assert "The view was deleted." in response.content.decode()
    assert "No view is saved yet" in response.content.decode()


@pytest.mark.parametrize("deed", ["rename", "delete"])
def test_nobody_touches_the_views_of_others(client: Client, deed: str) -> None:
    other = make_person("records.view_sendingrecord")
    save_view(other.pk, "theirs", filters_of("receiver=x"))
    view = SavedView.objects.get()
    response = client.post(f"{VIEWS}{view.pk}/{deed}/", {"name": "mine"}, follow=True)
    assert "There is no such view any more" in response.content.decode()
    assert SavedView.objects.get().name == "theirs"
    assert "theirs" not in client.get(URL).content.decode()
    assert "theirs" not in client.get(VIEWS).content.decode()


def test_own_views_are_a_page_and_for_htmx_a_part(client: Client, person: User) -> None:
    save_view(person.pk, "<b>bold", filters_of("receiver=x"))
    page = client.get(VIEWS).content.decode()
    part = client.get(VIEWS, headers={"HX-Request": "true"}).content.decode()
    assert "<html" in page
    assert "<html" not in part
    assert "&lt;b&gt;bold" in part
    assert "<b>bold" not in part


def test_more_views_take_no_more_queries(client: Client, person: User) -> None:
    save_view(person.pk, "a", filters_of("receiver=x"))
    with CaptureQueriesContext(connection) as with_one:
        client.get(URL)
    for name in ("b", "c"):
        save_view(person.pk, name, filters_of("receiver=x"))
    with CaptureQueriesContext(connection) as with_three:
        client.get(URL)
    assert len(with_three) == len(with_one)


def test_only_those_who_see_records_may_and_only_by_their_own_forms(person: User) -> None:
    nobody = client_of(make_person())
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person)
    for client in (nobody, strict):
        assert client.post(SAVE, {"name": "a", "query": "receiver=x"}).status_code == 403
    assert nobody.get(VIEWS).status_code == 403
    assert not SavedView.objects.exists()


def test_saving_is_no_link(client: Client, person: User) -> None:
    save_view(person.pk, "a", filters_of("receiver=x"))
    view = SavedView.objects.get()
    assert client.get(SAVE, {"name": "b", "query": "receiver=y"}).headers["Location"] == URL
    assert client.get(f"{VIEWS}{view.pk}/rename/", {"name": "b"}).headers["Location"] == VIEWS
    assert client.get(f"{VIEWS}{view.pk}/delete/").status_code == 405
    assert names(person)[1:] == [("a", False)]


def test_views_go_with_their_person(person: User) -> None:
    save_view(person.pk, "a", filters_of("receiver=x"))
    person.delete()
    assert not SavedView.objects.exists()
