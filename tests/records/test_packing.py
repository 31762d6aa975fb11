"""How bodies are stored."""

import os
from base64 import encodebytes

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from records.content import find_mime, read_many, store_content
from records.enums import Packing
from records.models import Body, Content
from records.months.calendar import month_of
from records.packing import WORTH_IT, pack, unpack
from tests.records.rows import make_mail


@given(st.binary(max_size=3 * WORTH_IT))
def test_what_is_packed_comes_back(octets: bytes) -> None:
    assert unpack(*pack(octets)) == octets


def test_a_small_body_is_left_as_it_is() -> None:
    assert pack(b"a" * (WORTH_IT - 1)) == (b"a" * (WORTH_IT - 1), Packing.PLAIN)


def test_a_body_that_does_not_get_smaller_is_left_as_it_is() -> None:
    octets = os.urandom(2 * WORTH_IT)
    assert pack(octets) == (octets, Packing.PLAIN)


def test_text_gets_much_smaller() -> None:
    octets = b"The nightly load of the orders table finished with warnings.\r\n" * 200
    packed = pack(octets)
    assert packed.packing == Packing.ZLIB
    assert len(packed.octets) < len(octets) // 10


def test_an_encoded_file_loses_what_its_encoding_added() -> None:
    octets = encodebytes(os.urandom(500_000))
    packed = pack(octets)
    assert unpack(*packed) == octets
    assert len(packed.octets) < 520_000


def test_bytes_stored_in_an_unknown_way_are_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="7 is not a valid Packing"):
        unpack(b"x", 7)


@pytest.mark.django_db
def test_a_packed_body_reads_as_it_was_written_and_is_stored_smaller() -> None:
    mail = make_mail()
    octets = b"Rows were loaded.\r\n" * 1000
    store_content(mail.pk, b"Subject: x\r\n", octets, mail.accepted_at)
    assert find_mime(mail.pk) == b"Subject: x\r\n" + octets
    assert mail.content.mime == b"Subject: x\r\n" + octets
    stored = Body.objects.get()
    assert (stored.packing, len(stored.octets) < 1000) == (Packing.ZLIB, True)


@pytest.mark.django_db
def test_mails_that_share_a_packed_body_read_it_each_with_its_own_head() -> None:
    first, second = make_mail(), make_mail()
    octets = b"Rows were loaded.\r\n" * 1000
    store_content(first.pk, b"To: anna\r\n", octets, first.accepted_at)
    Content.objects.create(mail=second, head=b"To: bert\r\n", body_id=first.pk, month=month_of(first.accepted_at))
    assert read_many([first.pk, second.pk]) == {
        first.pk: b"To: anna\r\n" + octets,
        second.pk: b"To: bert\r\n" + octets,
    }


@pytest.mark.django_db
def test_a_body_of_an_unknown_packing_cannot_be_stored() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Body.objects.create(pk=1, octets=b"x", packing=7)
