"""Rotating the encryption keys: by command, while accounts are saved, with other processes running."""

import os
import subprocess
import sys
import threading
from io import StringIO
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from pytest_django.fixtures import Settings

from senders.keyring import Key, load_keyring, primary_key
from senders.models import Sender
from senders.rotation import Rotation, rotate
from senders.secrets import key_id_of, unseal
from senders.services import save_sender
from tests.senders.conftest import PASSWORD, MakeSender


def run(*arguments: str) -> tuple[str, str]:
    output, errors = StringIO(), StringIO()
    call_command("rotate_keys", *arguments, stdout=output, stderr=errors)
    return output.getvalue(), errors.getvalue()


@pytest.mark.django_db
class TestRotating:
    def test_every_password_goes_under_a_new_key(self, make_sender: MakeSender) -> None:
        make_sender(), make_sender(address="other@example.com"), make_sender(address="c@d.example", login_method="none")
        old = primary_key()
        rotation = rotate()
        assert rotation == Rotation(primary=primary_key(), reencrypted=2)
        assert load_keyring().keys == (rotation.primary, old)
        assert {unseal(sender) for sender in Sender.objects.exclude(secret="")} == {PASSWORD}
        assert {key_id_of(sender.secret) for sender in Sender.objects.all()} == {rotation.primary.id, ""}

    def test_nothing_else_of_an_account_changes(self, make_sender: MakeSender) -> None:
        make_sender()
        others = [field.attname for field in Sender._meta.concrete_fields if field.attname != "secret"]
        before = Sender.objects.values_list(*others).get()
        rotate(retire=True)
        assert Sender.objects.values_list(*others).get() == before
        assert unseal(Sender.objects.get()) == PASSWORD

    def test_retiring_drops_the_keys_that_nobody_uses(self, make_sender: MakeSender) -> None:
        make_sender()
        old = primary_key()
        rotation = rotate(retire=True)
        assert rotation.retired == (old.id,)
        assert load_keyring().keys == (rotation.primary,)
        assert unseal(Sender.objects.get()) == PASSWORD

    def test_an_unreadable_password_is_named_and_left_alone_and_keeps_its_key(self, make_sender: MakeSender) -> None:
        good, broken = make_sender(), make_sender(address="other@example.com")
        old = primary_key()
        Sender.objects.filter(pk=broken.pk).update(secret=good.secret)
        rotation = rotate(retire=True)
        assert rotation.unreadable == (broken.pk,)
        assert rotation.retired == ()
        assert load_keyring().find(old.id) == old
        assert Sender.objects.get(pk=broken.pk).secret == good.secret

    def test_a_system_without_accounts_just_gets_a_new_key(self) -> None:
        assert rotate(retire=True) == Rotation(primary=primary_key(), retired=rotate().retired)


@pytest.mark.django_db
class TestTheCommand:
    def test_it_says_what_it_did(self, make_sender: MakeSender) -> None:
        sender, broken = make_sender(), make_sender(address="other@example.com")
        Sender.objects.filter(pk=broken.pk).update(secret="v1:000000000000:AAAA")
        old = primary_key()
        output, errors = run("--retire")
        assert output.splitlines() == [
            f"The primary key is {primary_key().id} (from the key file).",
            "1 password re-encrypted.",
            f"Key {old.id} dropped.",
        ]
        assert errors.splitlines() == [f"The password of account {broken.pk} can't be read; type it again on its page."]
        assert unseal(Sender.objects.get(pk=sender.pk)) == PASSWORD

    def test_a_new_key_is_printed_on_request_and_nothing_is_changed(self, data_dir: Path) -> None:
        output, _errors = run("--new-key")
        assert Key.parse(output)
        assert list(data_dir.iterdir()) == []

    def test_keys_that_cannot_be_used_end_it_with_a_sentence(self, data_dir: Path) -> None:
        (data_dir / "keys").write_text("nonsense!\n")
        with pytest.raises(CommandError, match="a key is not in base64 form"):
            run()

    def test_with_keys_in_the_environment_it_names_those_that_may_go(
        self, make_sender: MakeSender, settings: Settings
    ) -> None:
        old, new = Key.generate(), Key.generate()
        settings.MAILBOX_KEYS = [old.text]
        make_sender()
        settings.MAILBOX_KEYS = [new.text, old.text]
        output, _errors = run("--retire")
        assert output.splitlines() == [
            f"The primary key is {new.id} (from MAILBOX_KEYS).",
            "1 password re-encrypted.",
            f"Key {old.id} is not used any more: take it out of MAILBOX_KEYS.",
        ]
        settings.MAILBOX_KEYS = [new.text]
        assert unseal(Sender.objects.get()) == PASSWORD


@pytest.mark.django_db(transaction=True)
def test_an_account_that_stays_locked_ends_it_and_nothing_is_lost(
    make_sender: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = make_sender()
    old = primary_key()
    is_locked, may_go = threading.Event(), threading.Event()

    def hold_the_account() -> None:
        with transaction.atomic():
            Sender.objects.select_for_update().get(pk=sender.pk)
            is_locked.set()
            may_go.wait(30)
        connections.close_all()

    holder = threading.Thread(target=hold_the_account)
    holder.start()
    is_locked.wait(30)
    monkeypatch.setattr("senders.rotation.LOCK_TIMEOUT", 200)
    with connection.cursor() as cursor:
        is_sqlite = connection.vendor == "sqlite"
        cursor.execute("PRAGMA busy_timeout = 200" if is_sqlite else "SET lock_timeout = 200")
    with pytest.raises(CommandError, match="call it again"):
        run("--retire")
    may_go.set()
    holder.join()
    connection.close()

    assert load_keyring().find(old.id) == old
    assert unseal(Sender.objects.get()) == PASSWORD
    assert rotate(retire=True).primary == primary_key()
    assert load_keyring().keys == (primary_key(),)


def database_url() -> str:
    """The test database, as another process finds it."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    host, password = quote(str(values["HOST"]), safe=""), quote(str(values["PASSWORD"]), safe="")
    return f"postgres://{values['USER']}:{password}@{host}:{values['PORT']}/{values['NAME']}"


def rotate_in_another_process(data_dir: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "MAILBOX_DATA_DIR": str(data_dir),
        "SECRET_KEY": django_settings.SECRET_KEY,
    }
    return subprocess.run(
        [sys.executable, "manage.py", "rotate_keys", "--retire"],
        cwd=django_settings.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.django_db(transaction=True)
def test_other_processes_may_rotate_while_accounts_are_saved_and_read(make_sender: MakeSender, data_dir: Path) -> None:
    senders = [make_sender(address=f"s{number}@example.com") for number in range(4)]
    written = {sender.pk: PASSWORD for sender in senders}
    stop = threading.Event()
    failures: list[Exception] = []

    def save_again_and_again(sender: Sender) -> None:
        count = 0
        try:
            while not stop.is_set():
                count += 1
                save_sender(sender, password=f"{PASSWORD}-{count}")
                written[sender.pk] = f"{PASSWORD}-{count}"
                assert unseal(Sender.objects.get(pk=sender.pk)) == written[sender.pk]
        except Exception as error:  # noqa: BLE001  (whatever it is, the test must see it)
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=save_again_and_again, args=(sender,)) for sender in senders[:3]]
    first_key = primary_key()
    for thread in threads:
        thread.start()
    rotations = [rotate_in_another_process(data_dir) for _ in range(3)]
    stop.set()
    for thread in threads:
        thread.join()

    assert [(one.returncode, one.stdout.count("dropped.")) for one in rotations] == [(0, 1)] * 3
    assert "can't be read" not in "".join(one.stderr for one in rotations)
    assert failures == []
    assert {sender.pk: unseal(sender) for sender in Sender.objects.all()} == written
    assert load_keyring().find(first_key.id) is None
    assert len(load_keyring().keys) == 1
