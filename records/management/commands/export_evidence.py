"""`manage.py export_evidence`: write records as a file that proves that nothing in it was changed."""

import getpass
import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import get_current_timezone, make_aware

from records.evidence.exporting import REMOVED, Selection, cover, stream_evidence
from records.evidence.keys import signing_key, text_of
from records.evidence.lines import Line
from records.models import SendingRecord
from senders.exceptions import KeyringError
from senders.models import Sender


class Command(BaseCommand):
    """Exports records as evidence."""

    help = (
        "Write the records of a time as signed, hash-chained lines of JSON: who got what and when, and what "
        "the servers answered; never what a mail says. Check such a file with verify_evidence."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which records, and where to."""
        parser.add_argument(
            "--since", metavar="TIME", help="first day (2026-03-01), or time, of the server's time zone"
        )
        parser.add_argument("--until", metavar="TIME", help="last day, included, or the time before which tries began")
        parser.add_argument("--sender", default="", metavar="ADDRESS", help="only the mail of this account")
        parser.add_argument("--output", type=Path, metavar="FILE", help="must not exist yet")
        parser.add_argument("--by", default="", metavar="NAME", help="who exports it; the system user where missing")
        parser.add_argument("--public-key", action="store_true", help="only print the public key, for the auditor")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Write the file.

        Raises:
            CommandError: A value is missing or wrong, the file is there, or it can't be written.
        """
        try:
            if options["public_key"]:
                self.stdout.write(text_of(signing_key().public_key()))
                return
            asked = _read_selection(options)
            if options["output"] is None:
                raise CommandError("Say where to with --output FILE.")
            selection = cover(asked)
            if selection.since == selection.until:
                raise CommandError(
                    "Not every try of that time is recorded yet. Wait some minutes, or ask for an earlier one."
                )
            number, end = _write(options["output"], selection, options["by"] or getpass.getuser())
        except KeyringError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The file can't be written: {error.strerror}.") from error
        self.stdout.write(f"{number} lines written. Public key: {text_of(signing_key().public_key())}")
        if selection.until < asked.until:
            self.stdout.write(f"It ends at {selection.until.isoformat()}: not every later try is recorded yet.")
        if removed := end[REMOVED]:
            self.stdout.write(
                f"Records of tries that began up to {removed} were removed by the rules of keeping. The file says so."
            )


def _read_selection(options: dict[str, Any]) -> Selection:
    since, until = (_read_time(options, name) for name in ("since", "until"))
    if since >= until:
        raise CommandError("--since must lie before --until. Swap the two.")
    return Selection(since, until, _find_sender(options["sender"].strip()))


def _find_sender(address: str) -> str:
    """Find an address as its records have it: evidence that nobody of a mistyped name sent anything would be no lie."""
    if not address or SendingRecord.objects.filter(sender_address=address).exists():
        return address
    account = Sender.objects.filter(address__iexact=address).values_list("address", flat=True).first()
    if account is None:
        raise CommandError(f"There is no account {address}, nor a record of one. Look at its address on the page.")
    return account


_MISSING = {
    "since": "--since is missing. Say the first day, --since 2026-03-01, or a time, --since 2026-03-01T12:00.",
    "until": "--until is missing. Say the last day, --until 2026-03-31, or a time, --until 2026-03-31T12:00.",
}


def _read_time(options: dict[str, Any], name: str) -> datetime:
    text = (options[name] or "").strip()
    if not text:
        raise CommandError(_MISSING[name])
    try:
        day, moment = parse_date(text), parse_datetime(text) if len(text) > len("2026-03-01") else None
        if moment is None and day is not None:
            moment = datetime.combine(day, datetime.min.time()) + timedelta(days=1 if name == "until" else 0)
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise CommandError(
            f"--{name} {text} is neither a day, such as 2026-03-01, nor a time, such as 2026-03-01T12:00."
        )
    return moment if moment.tzinfo else make_aware(moment, get_current_timezone())


def _write(path: Path, selection: Selection, by: str) -> tuple[int, Line]:
    """Write the whole file aside, on disk before it gets its name: there is never half a file by that name.

    Returns:
        How many lines it has, and the last one.
    """
    if path.exists():
        raise CommandError(f"{path} exists already. Evidence is never overwritten.")
    aside = path.with_name(f".{path.name}.part")
    number, line = 0, b""
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for number, line in enumerate(stream_evidence(selection, by), 1):  # noqa: B007  # wanted afterwards
                file.write(line)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    except FileExistsError as error:
        raise CommandError(f"{path} exists already. Evidence is never overwritten.") from error
    finally:
        aside.unlink(missing_ok=True)
    return number, json.loads(line)
