"""A client over one kept connection, no rows, no records: the floor of what sending costs.

    python -m bench.delivery.plain smtplib|ours PORT COUNT SIZE [CA_FILE]

`smtplib` is Python's own client, `ours` the session that our engine uses. Prints "ready", waits for a line, sends the
mails, prints "done". With a CA file it speaks TLS from the start and signs in.
"""

from __future__ import annotations

import os
import smtplib
import ssl
import sys
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from bench.delivery.peers.mail_text import body, receiver, subject

SENDER = "platform@example.com"


def message(size: int) -> bytes:
    """Write a mail once; it is sent again and again."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = SENDER, receiver(0), subject(0)
    mail.set_content(body(0, size))
    return mail.as_bytes()


def _wait_for_the_word() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def by_smtplib(port: int, count: int, mime: bytes, authority: str) -> None:
    """Send with Python's own client."""
    _wait_for_the_word()
    if authority:
        context = ssl.create_default_context(cafile=authority)
        client: smtplib.SMTP = smtplib.SMTP_SSL("127.0.0.1", port, local_hostname="bench", context=context)
        client.ehlo()
        client.login(SENDER, "password")
    else:
        client = smtplib.SMTP("127.0.0.1", port, local_hostname="bench")
        client.ehlo()
    for number in range(count):
        client.sendmail(SENDER, [receiver(number)], mime)


def by_ours(port: int, count: int, mime: bytes, authority: str) -> None:
    """Send with the session of our engine, its fence open."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailbox_admin.settings")
    import django

    django.setup()

    from delivery.smtp.policy import DialPolicy
    from delivery.smtp.session import open_session
    from delivery.values import ComposedMail, Credentials, Envelope, ServerSettings
    from senders.enums import Encryption

    settings = ServerSettings(
        "127.0.0.1", port, Encryption.SSL if authority else Encryption.NONE,
        Credentials(SENDER, "password") if authority else None, Path(authority).read_text() if authority else "",
        "bench",
    )  # fmt: skip
    mails = (ComposedMail(Envelope(SENDER, (receiver(number),)), f"<{number}@bench>", mime) for number in range(count))
    _wait_for_the_word()
    session = open_session(settings, policy=DialPolicy(), deadline=time.monotonic() + 60)
    for _ in session.deliver_all(mails, before_dot=lambda _: True, seconds_per_mail=60):
        pass


WAYS: dict[str, Callable[[int, int, bytes, str], None]] = {"smtplib": by_smtplib, "ours": by_ours}


def main() -> None:
    way, port, count, size, *authority = sys.argv[1:]
    mime = message(int(size))
    WAYS[way](int(port), int(count), mime, authority[0] if authority else "")
    print("done", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
