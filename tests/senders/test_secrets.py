"""Stored passwords: encrypted, bound to their row, unreadable rather than wrong."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from senders.exceptions import SecretFault, SecretUnreadableError
from senders.keyring import Key, add_primary_key, drop_keys, load_keyring, primary_key
from senders.models import Sender
from senders.secrets import is_readable, key_id_of, seal, unseal
from senders.services import save_sender
from tests.senders.conftest import PASSWORD, MakeSender

pytestmark = pytest.mark.django_db


def fault_of(sender: Sender) -> SecretFault:
    with pytest.raises(SecretUnreadableError) as caught:
        unseal(sender)
    assert caught.value.pk == sender.pk
    assert PASSWORD not in str(caught.value)
    return caught.value.fault


def test_a_sealed_password_names_its_key_and_hides_the_rest(make_sender: MakeSender) -> None:
    sender = make_sender()
    version, key_id, sealed = sender.secret.split(":")
    assert (version, key_id) == ("v1", primary_key().id)
    assert PASSWORD.encode() not in base64.b64decode(sealed)
    assert unseal(sender) == PASSWORD


@given(password=st.text())
def test_any_password_comes_back_as_it_was(password: str) -> None:
    assert unseal(Sender(pk=7, secret=seal(7, password))) == password


def test_the_same_password_never_looks_the_same() -> None:
    assert seal(7, PASSWORD) != seal(7, PASSWORD)


def test_no_secret_is_no_password(make_sender: MakeSender) -> None:
    assert unseal(Sender(pk=7, secret="")) == ""
    assert is_readable(Sender(pk=7, secret=""))


def test_a_secret_moved_to_another_row_cannot_be_read(make_sender: MakeSender) -> None:
    victim = make_sender()
    thief = make_sender(address="thief@example.com")
    Sender.objects.filter(pk=thief.pk).update(secret=victim.secret)
    thief.refresh_from_db()
    assert fault_of(thief) == SecretFault.NOT_AUTHENTIC
    assert not is_readable(thief)


@pytest.mark.parametrize("position", [0, 11, 12, -1])
def test_one_changed_byte_makes_it_unreadable(make_sender: MakeSender, position: int) -> None:
    sender = make_sender()
    head, _, tail = sender.secret.rpartition(":")
    sealed = bytearray(base64.b64decode(tail))
    sealed[position] ^= 1
    sender.secret = f"{head}:{base64.b64encode(bytes(sealed)).decode()}"
    sender.save(update_fields=["secret"])
    assert fault_of(sender) == SecretFault.NOT_AUTHENTIC


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        ("plaintext", SecretFault.MALFORMED),
        ("v2:abc:def", SecretFault.MALFORMED),
        ("v1::def", SecretFault.MALFORMED),
        ("v1:0123456789ab:AAAA", SecretFault.KEY_MISSING),
    ],
)
def test_what_is_no_ciphertext_of_ours_is_reported(make_sender: MakeSender, secret: str, fault: SecretFault) -> None:
    sender = make_sender()
    sender.secret = secret
    sender.save(update_fields=["secret"])
    assert fault_of(sender) == fault


@pytest.mark.parametrize("tail", ["", "****", "AAAA"])
def test_a_broken_ciphertext_under_a_known_key_is_reported(make_sender: MakeSender, tail: str) -> None:
    sender = make_sender()
    sender.secret = f"v1:{primary_key().id}:{tail}"
    sender.save(update_fields=["secret"])
    assert fault_of(sender) == SecretFault.NOT_AUTHENTIC


def test_a_lost_key_file_makes_it_unreadable_and_makes_no_new_file(make_sender: MakeSender, data_dir: Path) -> None:
    sender = make_sender()
    (data_dir / "keys").unlink()
    assert fault_of(sender) == SecretFault.KEY_MISSING
    assert not (data_dir / "keys").exists()


def test_keys_that_cannot_be_used_make_it_unreadable(make_sender: MakeSender, settings: Settings) -> None:
    sender = make_sender()
    settings.MAILBOX_KEYS = ["nonsense"]
    assert fault_of(sender) == SecretFault.KEY_MISSING


def test_an_older_key_still_reads(make_sender: MakeSender) -> None:
    sender = make_sender()
    add_primary_key()
    assert unseal(sender) == PASSWORD
    assert key_id_of(sender.secret) == load_keyring().keys[1].id


def test_a_key_that_another_process_added_is_found(make_sender: MakeSender, data_dir: Path) -> None:
    sender = make_sender()
    old = primary_key()
    new = Key.generate()
    (data_dir / "keys").write_text(f"{new.text}\n{old.text}\n")
    sender.secret = seal(sender.pk, "other")
    assert key_id_of(sender.secret) == new.id
    assert unseal(sender) == "other"


def test_an_account_loaded_before_a_rotation_is_read_through_its_present_row(make_sender: MakeSender) -> None:
    loaded_before = make_sender()
    old = primary_key()
    add_primary_key()
    Sender.objects.filter(pk=loaded_before.pk).update(secret=seal(loaded_before.pk, PASSWORD))
    drop_keys([old.id])
    assert unseal(loaded_before) == PASSWORD


def test_a_password_typed_for_another_server_meanwhile_is_not_given_to_the_one_loaded_before(
    make_sender: MakeSender,
) -> None:
    loaded_before = make_sender()
    old = primary_key()
    add_primary_key()
    edited = Sender.objects.get(pk=loaded_before.pk)
    edited.host = "other.example.com"
    save_sender(edited, password="another password")
    drop_keys([old.id])
    assert fault_of(loaded_before) == SecretFault.KEY_MISSING


def test_an_account_deleted_meanwhile_is_unreadable(make_sender: MakeSender) -> None:
    sender = make_sender()
    old = primary_key()
    add_primary_key()
    drop_keys([old.id])
    Sender.objects.all().delete()
    assert fault_of(sender) == SecretFault.KEY_MISSING
