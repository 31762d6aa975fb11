"""`manage.py send_mail`: accept a mail from a shell or a task; a worker sends it."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

from delivery.acceptance import accept_mail
from delivery.engine.limits import get_limits
from delivery.exceptions import MailNotConfiguredError, RequestRefusedError
from delivery.values import Attachment
from records.enums import Priority
from records.models import Mail

REFUSED = 1
"""Exit code: the mail was not accepted."""
MISUSED = 2
"""Exit code: an option can't be read, or a file is missing."""
STDIN = "-"
CALLER = "command"
"""Who asks, for the record; idempotency keys of the command are told apart from those of screens by it."""

_PRIORITIES = {priority.name.lower(): priority for priority in Priority}
_DURATION = re.compile(r"(?P<number>[0-9]{1,7})(?P<unit>[smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def read_duration(text: str) -> timedelta:
    """Read `90`, `90s`, `15m`, `12h` or `2d`."""
    found = _DURATION.fullmatch(text.strip().lower())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write 90s, 15m, 12h or 2d")
    return timedelta(seconds=int(found["number"]) * _SECONDS[found["unit"]])


def read_moment(text: str) -> datetime:
    """Read a date and time in ISO form; without a zone it is one of the system's time zone."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write 2030-12-31T08:00 or 2030-12-31T08:00+08:00"
        ) from error


class Command(BaseCommand):
    """Accepts one mail, and prints its id."""

    help = "Accept a mail for sending. It is sent by a worker; the answer tells its id and state."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parties = parser.add_argument_group("receivers")
        for name, purpose in (
            ("to", "a receiver"),
            ("cc", "a receiver in copy"),
            ("bcc", "a receiver no header shows"),
        ):
            parties.add_argument(
                f"--{name}", action="append", default=[], metavar="ADDRESS", help=f"{purpose}; repeatable"
            )
        parties.add_argument(
            "--reply-to", action="append", default=[], metavar="ADDRESS", help="where answers go; repeatable"
        )
        self._add_content(parser.add_argument_group("content"))
        self._add_conditions(parser.add_argument_group("how and when"))
        labels = parser.add_argument_group("for the record")
        labels.add_argument("--template-name", default="", metavar="NAME")
        labels.add_argument(
            "--accessed-resource", default="", metavar="PATH", help="path or URL of what the mail is about"
        )
        labels.add_argument("--requester-ip", metavar="IP", help="IP address of the client that asked")
        parser.add_argument("--json", action="store_true", help="answer, and refuse, as JSON")

    def _add_content(self, group: "argparse._ArgumentGroup") -> None:
        group.add_argument("--subject", required=True)
        text, html = group.add_mutually_exclusive_group(), group.add_mutually_exclusive_group()
        text.add_argument("--text", default="", help="the body as text; made from the HTML where it is missing")
        text.add_argument("--text-file", metavar="FILE", help="read the text from a file, or from standard input: -")
        html.add_argument("--html", default="", help="the body as HTML")
        html.add_argument("--html-file", metavar="FILE", help="read the HTML from a file, or from standard input: -")
        group.add_argument(
            "--secret-file",
            metavar="FILE",
            help="secrets such as a code, one per line, or from standard input: -; they are sent, and not kept",
        )
        group.add_argument(
            "--attach", action="append", default=[], metavar="FILE", help="a file, or NAME=FILE to name it; repeatable"
        )

    def _add_conditions(self, group: "argparse._ArgumentGroup") -> None:
        group.add_argument(
            "--sender", metavar="ADDRESS", help="the account; the system default sender where it is missing"
        )
        group.add_argument(
            "--idempotency-key", default="", metavar="KEY", help="a second mail with this key is the first one"
        )
        group.add_argument(
            "--priority", choices=tuple(_PRIORITIES), default="normal",
            help="high where a person waits for it, such as for a sign-in code; bulk for mass mail",
        )  # fmt: skip
        group.add_argument("--not-before", type=read_moment, metavar="TIME", help="such as 2030-12-31T08:00+08:00")
        group.add_argument("--give-up-after", type=read_duration, metavar="DURATION", help="such as 90s, 15m, 12h, 2d")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Accept the mail.

        Raises:
            CommandError: The mail was refused (exit code 1), or a file can't be read (2).
        """
        as_json: bool = options["json"]
        try:
            mail = accept_mail(
                text=_read_body(options["text"], options["text_file"]),
                html=_read_body(options["html"], options["html_file"]),
                attachments=_read_attachments(options["attach"]),
                secrets=_read_secrets(options["secret_file"]),
                requested_by=CALLER,
                priority=_PRIORITIES[options["priority"]],
                **{name: options[name] for name in _PASSED_ON},
            )
        except RequestRefusedError as error:
            self._refuse({"errors": error.errors}, str(error), as_json=as_json)
        except MailNotConfiguredError as error:
            sentence = "Mail is not configured: name a sender, or choose the system default sender."
            self._refuse({"id": error.mail_id, "errors": {"sender": [sentence]}}, sentence, as_json=as_json)
        self.stdout.write(_answer(mail, as_json=as_json))

    def _refuse(self, answer: dict[str, Any], sentence: str, *, as_json: bool) -> NoReturn:
        if as_json:
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
            sys.exit(REFUSED)
        raise CommandError(sentence, returncode=REFUSED)


_PASSED_ON = (
    "to", "cc", "bcc", "reply_to", "subject", "template_name", "accessed_resource", "requester_ip", "sender",
    "idempotency_key", "not_before", "give_up_after",
)  # fmt: skip


def _answer(mail: Mail, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"id": mail.pk, "state": str(mail.state), "message_id": mail.message_id})
    return f"Mail {mail.pk} was accepted."


def _read_body(text: str, path: str | None) -> str:
    if path is None:
        return text
    try:
        return _read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8 text.", returncode=MISUSED) from error


def _read_secrets(path: str | None) -> list[str]:
    """Read the secrets from a file, one per line: on a command line everybody on the machine could read them."""
    return [line for text in _read_body("", path).splitlines() if (line := text.strip())]


def _read_attachments(arguments: Sequence[str]) -> list[Attachment]:
    return [_read_attachment(argument) for argument in arguments]


def _read_attachment(argument: str) -> Attachment:
    name, separator, path = argument.partition("=")
    if not separator or Path(argument).is_file():
        return Attachment(Path(argument).name, _read_bytes(argument))
    return Attachment(name, _read_bytes(path))


def _read_bytes(path: str) -> bytes:
    """Read a file, or standard input, no further than it takes to see that it is too large."""
    limit = get_limits().max_size + 1
    try:
        if path == STDIN:
            return sys.stdin.buffer.read(limit)
        with Path(path).open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.", returncode=MISUSED) from error
