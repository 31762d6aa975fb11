"""Python's own SMTP client over one kept connection, no rows, no records: the floor of what sending costs.

    python -m bench.delivery.plain PORT COUNT SIZE [CA_FILE]

Prints "ready", waits for a line, sends the mails, prints "done". With a CA file it speaks TLS from the start and signs in.
"""

from __future__ import annotations

import smtplib
import ssl
import sys
from email.message import EmailMessage
from email.policy import SMTP

from bench.delivery.peers.mail_text import body, receiver, subject


def message(size: int) -> bytes:
    """Write a mail once; it is sent again and again."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = "platform@example.com", receiver(0), subject(0)
    mail.set_content(body(0, size))
    return mail.as_bytes()


def connect(port: int, authority: str | None) -> smtplib.SMTP:
    """Open the connection."""
    if authority is None:
        client = smtplib.SMTP("127.0.0.1", port, local_hostname="bench")
        client.ehlo()
        return client
    context = ssl.create_default_context(cafile=authority)
    client = smtplib.SMTP_SSL("127.0.0.1", port, local_hostname="bench", context=context)
    client.ehlo()
    client.login("platform@example.com", "password")
    return client


def main() -> None:
    port, count, size, *authority = sys.argv[1:]
    mime = message(int(size))
    print("ready", flush=True)
    sys.stdin.readline()
    client = connect(int(port), authority[0] if authority else None)
    for number in range(int(count)):
        client.sendmail("platform@example.com", [receiver(number)], mime)
    print("done", flush=True)
    sys.stdin.readline()
    client.quit()


if __name__ == "__main__":
    main()
