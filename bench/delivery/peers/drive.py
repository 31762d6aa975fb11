"""Runs in the peers' environment, told what to do by the bench: `python drive.py ACTION PEER [COUNT SIZE]`.

`fill` queues COUNT mails of SIZE bytes and prints the seconds it took; `deliver` prints "ready", waits for a line,
sends whatever is queued, prints "done" and waits until it is let go, so that its memory and CPU time can be read.
"""

import os
import sys
import time
from collections.abc import Callable

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

import django
import worker  # noqa: F401  # tasks are published through its application

django.setup()

from django.core.mail import EmailMessage, get_connection
from django.core.management import call_command

SENDER = "platform@example.com"
CALL = 1000
"""Mails per call, where a peer takes several."""


def mails(count: int, size: int) -> list[tuple[str, str, str]]:
    """Return subject, body and receiver of each."""
    from mail_text import body, receiver, subject

    return [(subject(number), body(number, size), receiver(number)) for number in range(count)]


def fill_post_office(all_mails: list[tuple[str, str, str]]) -> None:
    from post_office import mail

    for start in range(0, len(all_mails), CALL):
        mail.send_many(
            [
                {"recipients": receiver, "sender": SENDER, "subject": subject, "message": body}
                for subject, body, receiver in all_mails[start : start + CALL]
            ]
        )


def fill_through(backend: str) -> Callable[[list[tuple[str, str, str]]], None]:
    def fill(all_mails: list[tuple[str, str, str]]) -> None:
        connection = get_connection(backend)
        messages = [EmailMessage(subject, body, SENDER, [receiver]) for subject, body, receiver in all_mails]
        for start in range(0, len(messages), CALL):
            connection.send_messages(messages[start : start + CALL])

    return fill


def fill_one_task(all_mails: list[tuple[str, str, str]]) -> None:
    from one_task.tasks import send

    for subject, body, receiver in all_mails:
        send.delay(subject, body, SENDER, receiver)


def fill_recorded(all_mails: list[tuple[str, str, str]]) -> None:
    from one_task.models import Record
    from one_task.tasks import send_recorded

    for subject, body, receiver in all_mails:
        record = Record.objects.create(sender=SENDER, receiver=receiver, subject=subject, body=body)
        send_recorded.delay(record.pk)


FILLS = {
    "post_office": fill_post_office,
    "mailer": fill_through("mailer.backend.DbBackend"),
    "celery_email": fill_through("djcelery_email.backends.CeleryEmailBackend"),
    "one_task": fill_one_task,
    "recorded_task": fill_recorded,
}


def deliver(peer: str) -> None:
    if peer.startswith("mailer"):
        from mailer.engine import send_all

        send_all()
    else:
        processes = int(os.environ.get("PEER_PROCESSES", "1"))
        call_command("send_queued_mail", processes=processes, verbosity=0)


def main() -> None:
    action, peer = sys.argv[1:3]
    if action == "migrate":
        call_command("migrate", verbosity=0)
    elif action == "fill":
        all_mails = mails(int(sys.argv[3]), int(sys.argv[4]))
        started = time.perf_counter()
        FILLS[peer.split()[0]](all_mails)
        print(time.perf_counter() - started, flush=True)
    elif action == "fill in one call":
        from post_office import mail

        wanted = [
            {"recipients": receiver, "sender": SENDER, "subject": subject, "message": body}
            for subject, body, receiver in mails(int(sys.argv[3]), int(sys.argv[4]))
        ]
        mail.send_many(wanted[:10])  # imports, connections
        started, cpu_before = time.perf_counter(), time.process_time()
        mail.send_many(wanted)
        print(time.perf_counter() - started, time.process_time() - cpu_before, flush=True)
    elif action == "deliver":
        print("ready", flush=True)
        sys.stdin.readline()
        deliver(peer)
        print("done", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main()
