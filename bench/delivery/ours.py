"""Runs inside the product's own settings, told what to do by the bench: `python -m bench.delivery.ours ACTION …`.

`sender PORT [CA_FILE]` makes the account, `connections N` sets its connections at once, `fill COUNT SIZE` has mails
accepted, `multiply COUNT SIZE` one that is then copied inside the database, `wake` and `one-by-one SIZE` act on every
line that comes in, `profile` sends what is due under a profiler.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailbox_admin.settings")

import django

django.setup()

from django.db import transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.db.models.functions import Now

import mailbox_admin.celery  # noqa: F401  # wakes are published through its application
from bench.delivery.peers.mail_text import body, receiver, subject
from delivery.acceptance import accept_mail, accept_mails
from delivery.request import MailRequest
from senders.enums import Encryption, LoginMethod
from senders.models import Sender
from senders.services import save_sender

ADDRESS = "platform@example.com"
CALL = 1000
"""Mails per transaction when filling."""


def make_sender(port: str, ca_file: str = "") -> None:
    """Make the account; with a CA file it speaks TLS and signs in."""
    sender = Sender(
        address=ADDRESS, display_name="Data Platform", host="127.0.0.1", port=int(port),
        encryption=Encryption.NONE, login_method=LoginMethod.NONE,
    )  # fmt: skip
    if ca_file:
        with open(ca_file) as file:
            sender.trusted_certificates = file.read()
        sender.encryption, sender.login_method = Encryption.SSL, LoginMethod.ADDRESS
    save_sender(sender, password="password" if ca_file else None)


def set_connections(number: str) -> None:
    """Let the account have so many connections at once; 0: as it is by default."""
    Sender.objects.update(max_connections=int(number) or None)


def _pause() -> None:
    """Hold the account's mail until the word to go: workers sweep as soon as they start."""
    Sender.objects.update(paused_at=Now())


def fill(count: str, size: str) -> None:
    """Have mails accepted, held until `wake`, and print the seconds it took."""
    _pause()
    requests = _requests(int(count), int(size))
    started = time.perf_counter()
    for start in range(0, len(requests), CALL):
        accept_mails(requests[start : start + CALL])
    print(time.perf_counter() - started, flush=True)


def accept_in_one_call(count: str, size: str) -> None:
    """Have mails accepted in one call, and print the seconds it took, of the clock and of this process's CPU."""
    _pause()
    accept_mails(_requests(10, int(size)))  # imports, connections
    requests = _requests(int(count), int(size))
    started, cpu_before = time.perf_counter(), time.process_time()
    accept_mails(requests)
    print(time.perf_counter() - started, time.process_time() - cpu_before, flush=True)


def _requests(count: int, size: int) -> list[MailRequest]:
    sender = Sender.objects.get().pk
    return [
        MailRequest(to=[receiver(number)], subject=subject(number), text=body(number, size), sender=sender)
        for number in range(count)
    ]


def multiply(count: str, size: str) -> None:
    """Have one mail accepted and make `count` of it, inside PostgreSQL; each has rows of its own."""
    from django.db import connection

    from records.models import Body, Content, Mail, Receiver

    _pause()
    accept_mails(_requests(1, int(size)))
    first = Mail.objects.latest("pk")
    more = int(count) - 1
    mails = _last(Mail)
    with transaction.atomic(), connection.cursor() as cursor:
        _copy(cursor, Mail, first.pk, more, {"id": f"{mails} + n", "message_id": "'<' || n || '@example.com>'"})
        _copy(cursor, Body, first.content.body_id, more, {"id": f"{mails} + n"})
        _copy(cursor, Content, first.pk, more, {"mail_id": f"{mails} + n", "body_id": f"{mails} + n"})
        receivers = {
            "id": "nextval(pg_get_serial_sequence('records_receiver', 'id'))",
            "mail_id": f"{mails} + n",
            "address": "'user' || n || '@example.org'",
        }
        _copy(cursor, Receiver, first.receivers.get().pk, more, receivers)
        table = Mail._meta.db_table
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")


def _last(model: type[Model]) -> int:
    return model.objects.latest("pk").pk


def _copy(cursor: CursorWrapper, model: type[Model], pk: int, times: int, changed: dict[str, str]) -> None:
    """Insert a row so many times, with some columns changed; `n` counts from 1."""
    columns = [field.column for field in model._meta.concrete_fields]
    values = ", ".join(changed.get(column, f"original.{column}") for column in columns)
    table = model._meta.db_table
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} original, generate_series(1, %s) n"
        f" WHERE original.{model._meta.pk.column} = %s",
        [times, pk],
    )


def wake() -> None:
    """Release the account's mail whenever a line with a number comes in, and send so many wake-ups.

    Each call that accepts mail brings one; who has several workers has several callers.
    """
    from delivery.wake import wake as wake_sender

    pk = Sender.objects.get().pk
    print("ready", flush=True)
    while line := sys.stdin.readline():
        Sender.objects.update(paused_at=None)
        for number in range(int(line)):
            if number:
                time.sleep(0.05)
            wake_sender(pk)


def one_by_one(size: str) -> None:
    """Accept a mail whenever a line comes in, and print when, by the monotonic clock: before and after the call."""
    sender, number = Sender.objects.get(), 0
    print("ready", flush=True)
    while sys.stdin.readline():
        number += 1
        began = time.monotonic()
        accept_mail(sender=sender.pk, to=[receiver(number)], subject=subject(number), text=body(number, int(size)))
        print(began, time.monotonic(), flush=True)


def drain_profiled() -> None:
    """Drain the account in this process under cProfile, and print where the time went."""
    import cProfile
    import pstats

    from delivery.engine.drain import drain

    pk = Sender.objects.get().pk
    Sender.objects.update(paused_at=None)
    profile = cProfile.Profile()
    started = time.perf_counter()
    profile.enable()
    while drain(pk):
        pass
    profile.disable()
    print(f"{time.perf_counter() - started:.3f} s under the profiler")
    for order in ("cumulative", "tottime"):
        pstats.Stats(profile, stream=sys.stdout).sort_stats(order).print_stats(45)


ACTIONS = {
    "sender": make_sender,
    "connections": set_connections,
    "fill": fill,
    "accept": accept_in_one_call,
    "multiply": multiply,
    "wake": wake,
    "one-by-one": one_by_one,
    "profile": drain_profiled,
}

if __name__ == "__main__":
    ACTIONS[sys.argv[1]](*sys.argv[2:])
