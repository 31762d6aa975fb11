"""The encryption keys: in a private file, or in MAILBOX_KEYS."""

import threading
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from senders import keyring
from senders.exceptions import KeyFileNotUsedError, KeyringError
from senders.keyring import Key, add_primary_key, drop_keys, ensure_key_file, is_private, load_keyring, primary_key


def test_there_is_no_key_before_the_first_need(data_dir: Path) -> None:
    assert load_keyring().keys == ()
    assert list(data_dir.iterdir()) == []


def test_the_first_need_makes_a_private_file_with_one_key(data_dir: Path) -> None:
    key = primary_key()
    assert load_keyring().keys == (key,)
    assert (data_dir / "keys").stat().st_mode & 0o777 == 0o600
    assert is_private(data_dir / "keys")
    assert (data_dir / "keys").read_text().splitlines()[1:] == [key.text]


def test_a_missing_data_folder_is_made(data_dir: Path, settings: Settings) -> None:
    settings.DATA_DIR = data_dir / "deep" / "below"
    key = primary_key()
    assert load_keyring().primary == key
    assert (data_dir / "deep" / "below").stat().st_mode & 0o777 == 0o700


def test_making_the_file_again_keeps_the_key() -> None:
    first = ensure_key_file()
    assert ensure_key_file() == first


def test_many_at_once_agree_on_one_first_key() -> None:
    barrier = threading.Barrier(12)
    found: list[Key] = []

    def need() -> None:
        barrier.wait()
        found.append(primary_key())

    threads = [threading.Thread(target=need) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [load_keyring().primary] * 12


def test_a_new_key_comes_first_and_the_old_one_stays() -> None:
    old = primary_key()
    new = add_primary_key()
    assert load_keyring().keys == (new, old)
    assert primary_key() == new


def test_a_file_that_another_process_changed_is_read_again(data_dir: Path) -> None:
    primary_key()
    foreign = Key.generate()
    (data_dir / "keys").write_text(f"# by another process\n\n{foreign.text}\n")
    assert load_keyring().keys == (foreign,)


def test_a_key_is_dropped_but_never_the_primary_one() -> None:
    old = primary_key()
    new = add_primary_key()
    assert drop_keys([old.id, new.id, "unknown"]) == (old.id,)
    assert load_keyring().keys == (new,)
    assert drop_keys([old.id]) == ()


def test_nothing_is_left_beside_the_file(data_dir: Path) -> None:
    primary_key()
    add_primary_key()
    assert sorted(path.name for path in data_dir.iterdir()) == ["keys", "keys.lock"]


def test_a_key_never_shows_in_a_repr() -> None:
    key = Key.generate()
    assert repr(key) == f"Key(id='{key.id}')"
    assert key.text not in repr(load_keyring())


def test_a_key_survives_being_written_and_read() -> None:
    key = Key.generate()
    assert Key.parse(f" {key.text}\n") == key


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not base64 at all!", "a key is not in base64 form"),
        ("ключ", "a key is not in base64 form"),
        ("c2hvcnQ=", "a key is not 32 bytes long"),
    ],
)
def test_what_is_no_key_is_refused_without_being_repeated(data_dir: Path, text: str, reason: str) -> None:
    with pytest.raises(KeyringError) as caught:
        Key.parse(text)
    assert str(caught.value) == reason


def test_a_file_that_is_no_text_is_refused(data_dir: Path) -> None:
    (data_dir / "keys").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KeyringError, match="not a text of keys"):
        load_keyring()


def test_a_folder_in_place_of_the_file_is_refused(data_dir: Path) -> None:
    (data_dir / "keys").mkdir()
    with pytest.raises(KeyringError, match="cannot be read"):
        load_keyring()


def test_a_data_folder_that_is_a_file_is_refused(data_dir: Path, settings: Settings) -> None:
    (data_dir / "file").write_text("")
    settings.DATA_DIR = data_dir / "file"
    with pytest.raises(KeyringError, match="cannot be"):
        primary_key()


def test_an_emptied_file_holds_no_key(data_dir: Path) -> None:
    primary_key()
    (data_dir / "keys").write_text("# nothing\n")
    with pytest.raises(KeyringError, match="holds no key"):
        primary_key()


class TestKeysInTheEnvironment:
    def test_the_first_one_is_the_primary_one_and_no_file_is_made(self, settings: Settings, data_dir: Path) -> None:
        first, second = Key.generate(), Key.generate()
        settings.MAILBOX_KEYS = [first.text, second.text, first.text]
        assert load_keyring().keys == (first, second)
        assert primary_key() == first
        assert ensure_key_file().keys == (first, second)
        assert list(data_dir.iterdir()) == []

    def test_they_are_not_changed_by_us(self, settings: Settings) -> None:
        settings.MAILBOX_KEYS = [Key.generate().text]
        with pytest.raises(KeyFileNotUsedError):
            add_primary_key()
        with pytest.raises(KeyFileNotUsedError):
            drop_keys(["any"])

    def test_what_is_no_key_is_refused(self, settings: Settings) -> None:
        settings.MAILBOX_KEYS = ["nonsense"]
        with pytest.raises(KeyringError):
            load_keyring()


def test_the_cache_is_used_while_the_file_is_the_same(data_dir: Path) -> None:
    primary_key()
    assert load_keyring() is load_keyring()
    assert keyring.load_keyring(fresh=True) == load_keyring()
