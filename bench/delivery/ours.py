"""Runs inside the product's own settings, told what to do by the bench: `python -m bench.delivery.ours ACTION …`.

`sender PORT [CA_FILE]` makes the account, `connections N` sets its connections at once, `fill COUNT SIZE` has mails
accepted, `wake` and `one by one COUNT` wait for a line first, `drain` sends what is due under a profiler.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailbox_admin.settings")

import django

django.setup()

import mailbox_admin.celery  # noqa: F401  # wakes are published through its application

from bench.delivery.peers.mail_text import body, receiver, subject
from django.db import transaction
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


def fill(count: str, size: str) -> None:
    """Have mails accepted, and print the seconds it took."""
    requests = [_request(number, int(size)) for number in range(int(count))]
    started = time.perf_counter()
    for start in range(0, len(requests), CALL):
        _accept(requests[start : start + CALL])
    print(time.perf_counter() - started, flush=True)


def accept_in_one_call(count: str, size: str) -> None:
    """Have mails accepted in one call, and print the seconds it took."""
    requests = [_request(number, int(size)) for number in range(int(count))]
    started = time.perf_counter()
    _accept(requests)
    print(time.perf_counter() - started, flush=True)


def _request(number: int, size: int) -> dict[str, object]:
    return {"to": [receiver(number)], "subject": subject(number), "text": body(number, size)}


def _accept(requests: list[dict[str, object]]) -> None:
    from delivery.acceptance import accept_mail

    sender = Sender.objects.get()
    with transaction.atomic():
        for request in requests:
            accept_mail(sender=sender, **request)


def wake() -> None:
    """Wake a worker for the account whenever a line comes in."""
    from delivery.wake import wake as wake_sender

    pk = Sender.objects.get().pk
    print("ready", flush=True)
    while sys.stdin.readline():
        wake_sender(pk)
        print("woken", flush=True)


def one_by_one(size: str) -> None:
    """Accept a mail whenever a line comes in, and print when, by the monotonic clock: before and after the call."""
    from delivery.acceptance import accept_mail

    sender, number = Sender.objects.get(), 0
    print("ready", flush=True)
    while sys.stdin.readline():
        number += 1
        began = time.monotonic()
        accept_mail(sender=sender, to=[receiver(number)], subject=subject(number), text=body(number, int(size)))
        print(began, time.monotonic(), flush=True)


def drain_profiled() -> None:
    """Drain the account in this process under cProfile, and print where the time went."""
    import cProfile
    import pstats

    from delivery.engine.drain import drain

    pk = Sender.objects.get().pk
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
    "wake": wake,
    "one-by-one": one_by_one,
    "profile": drain_profiled,
}

if __name__ == "__main__":
    ACTIONS[sys.argv[1]](*sys.argv[2:])
