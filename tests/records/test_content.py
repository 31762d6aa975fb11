"""The bytes of mails, and the bodies that many share."""

from datetime import timedelta

import pytest
from django.db.models import ProtectedError
from pytest_django.fixtures import DjangoAssertNumQueries

from records.clock import database_now
from records.content import delete_unused_bodies, find_mime, read_many, store_content
from records.models import Body, Content
from tests.records.rows import make_mail

pytestmark = pytest.mark.django_db


def test_a_mail_reads_as_its_own_fields_and_its_body() -> None:
    mail = make_mail()
    store_content(mail.pk, b"Subject: x\r\n", b"Content-Type: text/plain\r\n\r\nHello\r\n", mail.accepted_at)
    assert find_mime(mail.pk) == b"Subject: x\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    assert mail.content.mime == find_mime(mail.pk)


def test_a_mail_without_content_has_none() -> None:
    assert find_mime(make_mail().pk) is None


def test_many_that_came_lately_are_read_by_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    now = database_now()
    mails = [make_mail(mime=f"mail {number}".encode(), accepted_at=now) for number in range(3)]
    with django_assert_num_queries(1):
        read = read_many([mail.pk for mail in mails])
    assert read == {mail.pk: f"mail {number}".encode() for number, mail in enumerate(mails)}


def test_older_ones_are_read_by_another_one_and_a_mail_without_content_is_left_out(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    now = database_now()
    ages = (timedelta(), timedelta(days=70), timedelta(days=900))
    mails = [make_mail(mime=f"{age}".encode(), accepted_at=now - age) for age in ages]
    bare = make_mail(accepted_at=now)
    with django_assert_num_queries(2):
        read = read_many([mail.pk for mail in (*mails, bare)])
    assert read == {mail.pk: f"{age}".encode() for mail, age in zip(mails, ages, strict=True)}


def test_a_body_that_a_mail_has_cannot_be_deleted() -> None:
    make_mail(mime=b"x")
    with pytest.raises(ProtectedError):
        Body.objects.all().delete()


def test_a_body_goes_with_the_last_of_its_mails() -> None:
    first, second = make_mail(), make_mail()
    body = Body.objects.create(pk=first.pk, octets=b"shared")
    for mail in (first, second):
        Content.objects.create(mail=mail, head=b"", body=body)
    first.delete()
    assert (delete_unused_bodies(), Body.objects.count()) == (0, 1)
    second.delete()
    assert (delete_unused_bodies(), Body.objects.count()) == (1, 0)
