"""Who may open what: the two roles, the first page of each, and addresses typed by hand."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver, reverse

from mailbox_admin.permissions import EITHER_PERMISSION, PAGE_PERMISSIONS, PERMISSION_NAMES
from mailbox_admin.roles import Role, update_roles
from records.models import Mail
from senders.models import Sender
from tests.people import client_of, make_person
from tests.records.rows import compose, make_mail, make_record

MAILBOX = "/system/setting/mailbox/"
ALL = sorted({name for names in PAGE_PERMISSIONS.values() for name in names})
ROOMS = ("senders", "records", "delivery")


def names_of(group: str) -> set[str]:
    permissions = Permission.objects.filter(group__name=group)
    return {f"{each.content_type.app_label}.{each.codename}" for each in permissions.select_related("content_type")}


@pytest.mark.django_db
def test_the_administrator_may_everything_in_the_product() -> None:
    rooms = Permission.objects.filter(content_type__app_label__in=("senders", "records"))
    expected = {f"{each.content_type.app_label}.{each.codename}" for each in rooms.select_related("content_type")}
    assert names_of("administrator") == expected
    assert set(PERMISSION_NAMES) == set(ALL) <= expected


@pytest.mark.django_db
def test_the_auditor_sees_and_exports_records_and_nothing_else() -> None:
    assert names_of("auditor") == {"records.view_sendingrecord", "records.export_records"}


@pytest.mark.django_db
def test_roles_are_brought_back_to_what_they_are() -> None:
    Group.objects.get(name="auditor").permissions.add(Permission.objects.get(codename="view_content"))
    Group.objects.get(name="administrator").delete()
    update_roles()
    assert names_of("auditor") == {"records.view_sendingrecord", "records.export_records"}
    assert "senders.add_sender" in names_of("administrator")


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role)
def test_home_is_the_overview(role: Role) -> None:
    assert client_of(make_person(role=role.value)).get("/").headers["Location"] == f"{MAILBOX}overview/"


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "first_tab"), [(Role.ADMINISTRATOR, MAILBOX), (Role.AUDITOR, f"{MAILBOX}records/")])
def test_the_module_begins_with_the_first_tab_of_the_role(role: Role, first_tab: str) -> None:
    assert client_of(make_person(role=role.value)).get("/system/setting/").headers["Location"] == first_tab


@pytest.mark.django_db
def test_home_without_the_overview_is_the_first_tab() -> None:
    person = make_person("senders.view_sender")
    assert client_of(person).get("/").headers["Location"] == MAILBOX
    assert "Dashboard" not in client_of(person).get(MAILBOX).content.decode()


@pytest.mark.django_db
def test_home_of_a_person_without_a_role_says_so() -> None:
    response = client_of(make_person()).get("/")
    assert response.status_code == 403
    assert "Your account has no role yet" in response.content.decode()


@pytest.mark.django_db
def test_the_tabs_are_those_that_the_person_may_open() -> None:
    make_record()
    text = client_of(make_person(role="auditor")).get(f"{MAILBOX}records/").content.decode()
    assert "Mail sending record</a>" in text
    assert "Sender accounts</a>" not in text
    assert "Write mail</a>" not in text


def url_of(view_name: str, **others: int) -> str:
    """The address of a page, about rows that exist unless other numbers are given."""
    sender = Sender.objects.first() or Sender.objects.create(
        address="a@example.com", display_name="A", host="h.example"
    )
    mail = make_mail(mime=compose(files=(("a.txt", b"x"),)))
    record = make_record(mail)
    values = {
        "pk": record.pk if view_name.startswith("records:") else sender.pk,
        "mail_id": mail.pk,
        "index": 0,
        "slug": "qq",
    } | others
    return reverse(view_name, kwargs={name: values[name] for name in _parts_of(view_name)})


def _parts_of(view_name: str) -> tuple[str, ...]:
    """What the address of a page is made with."""
    (names,) = {tuple(names) for _path, names in _patterns(view_name)}
    return names


def _patterns(view_name: str) -> list[tuple[str, list[str]]]:
    room, _colon, name = view_name.partition(":")
    _prefix, resolver = get_resolver().namespace_dict[room]
    return [possibility for possibilities in resolver.reverse_dict.getlist(name) for possibility in possibilities[0]]


def test_every_page_of_the_rooms_has_its_permission_written_down() -> None:
    known = {
        f"{room}:{name}"
        for room in ROOMS
        for name in get_resolver().namespace_dict[room][1].reverse_dict
        if isinstance(name, str)
    }
    assert known == set(PAGE_PERMISSIONS)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("view_name", "wanted"), [(view, name) for view, names in sorted(PAGE_PERMISSIONS.items()) for name in names]
)
def test_every_page_is_closed_without_its_permission_and_names_it(view_name: str, wanted: str) -> None:
    url = url_of(view_name)
    refused = client_of(make_person(*[name for name in ALL if name != wanted]))
    for method in (refused.get, refused.post):
        response = method(url)
        assert response.status_code == 403
        assert str(PERMISSION_NAMES[wanted]) in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("view_name", sorted(PAGE_PERMISSIONS))
def test_every_page_opens_with_its_permissions_alone(view_name: str) -> None:
    url = url_of(view_name)
    for either in EITHER_PERMISSION.get(view_name, ("",)):
        person = make_person(*PAGE_PERMISSIONS[view_name], *filter(None, [either]))
        Mail.objects.update(requested_by=person.get_username())  # of other people's mail some pages show less
        assert client_of(person).get(url).status_code != 403


@pytest.mark.django_db
@pytest.mark.parametrize("view_name", sorted(EITHER_PERMISSION))
def test_where_one_of_two_is_enough_none_is_not_and_both_are_named(view_name: str) -> None:
    names = EITHER_PERMISSION[view_name]
    refused = client_of(make_person(*[name for name in ALL if name not in names]))
    for method in (refused.get, refused.post):
        response = method(url_of(view_name))
        assert response.status_code == 403
        assert ", or: ".join(str(PERMISSION_NAMES[name]) for name in names) in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("view_name", sorted(PAGE_PERMISSIONS))
def test_nobody_is_let_in_without_signing_in(client: Client, view_name: str) -> None:
    url = url_of(view_name)
    for method in (client.get, client.post):
        assert method(url).headers["Location"] == f"/sign-in/?next={url}"


@pytest.mark.django_db
def test_a_superuser_may_everything() -> None:
    admin = User.objects.create_superuser("root", password="x")
    assert client_of(admin).get(f"{MAILBOX}records/").status_code == 200


@pytest.mark.django_db
def test_migrating_again_changes_no_role() -> None:
    before = names_of("administrator"), names_of("auditor")
    call_command("migrate", verbosity=0)
    assert (names_of("administrator"), names_of("auditor")) == before


@pytest.mark.django_db
@pytest.mark.parametrize("number", [0, 2**63, 10**30])
def test_no_page_fails_for_a_number_that_nothing_can_have(number: int) -> None:
    client = client_of(make_person(role="administrator"))
    numbered = [(view, part) for view in PAGE_PERMISSIONS for part in {"pk", "mail_id"}.intersection(_parts_of(view))]
    urls = [url_of(view, **{part: number}) for view, part in numbered]
    assert [url for url in urls if client.get(url).status_code not in {404, 405}] == []
    # Whoever deletes what is gone already is led back.
    assert [url for url in urls if client.post(url).status_code not in {302, 404, 405}] == []


@pytest.mark.django_db
@pytest.mark.parametrize("number", [2, 2**63, 10**30])
def test_no_attachment_has_a_number_beyond_the_last(number: int) -> None:
    client = client_of(make_person(role="administrator"))
    assert client.get(url_of("records:attachment", index=number)).status_code == 404
