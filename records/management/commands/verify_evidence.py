"""`manage.py verify_evidence FILE`: tell whether a file of evidence is whole, and if not, what was done to it where."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management.base import BaseCommand, CommandError, CommandParser

from records.evidence.exporting import REMOVED
from records.evidence.keys import PublicKeyError, id_of, known_keys, read_public_key
from records.evidence.verifying import MAX_LINE, Verification, read_header
from senders.exceptions import KeyringError

MAX_TOLD = 100
"""Findings that are told; where so much is wrong, more say nothing more."""

_OTHER_LINE_ENDS = (
    "The file is NOT whole: its lines end in CR LF, as an editor or a transfer as text leaves them. "
    "Take the file as it was exported, and move it as it is (binary)."
)


class Command(BaseCommand):
    """Verifies evidence."""

    help = "Check a file that export_evidence wrote. Exit code 1 if anything was changed, removed, added or moved."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the file and the key."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--public-key", metavar="KEY", help="the key that you were given; the keys of this machine where missing"
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Check it, and tell what is wrong.

        Raises:
            CommandError: Something is wrong, or it can't be checked.
        """
        path: Path = options["file"]
        try:
            with path.open("rb") as file:
                first = file.readline(MAX_LINE)
            if first.endswith(b"\r\n"):
                raise CommandError(_OTHER_LINE_ENDS)
            header = read_header(first)
            verification = Verification(_choose_key(options["public_key"], header))
            wrong = self._tell(verification, path)
        except OSError as error:
            raise CommandError(f"The file can't be read: {error.strerror}.") from error
        except (KeyringError, PublicKeyError) as error:
            raise CommandError(f"{error}.") from error
        if wrong:
            raise CommandError(f"The file is NOT whole: {_count(wrong, 'finding')}.")
        self._tell_what_it_is(verification)

    def _tell(self, verification: Verification, path: Path) -> int:
        wrong = 0
        for finding in verification.run(_lines_of(path)):
            wrong += 1
            if wrong <= MAX_TOLD:
                self.stderr.write(f"Line {finding.line} {finding.sentence}")
        return wrong

    def _tell_what_it_is(self, verification: Verification) -> None:
        header = verification.header or {}
        sender = f" of {header['sender']}" if header.get("sender") else ""
        self.stdout.write(
            f"The file is whole: {_count(verification.records, 'record')}{sender} from {header.get('since')} "
            f"to {header.get('until')}, exported at {header.get('exported_at')} by {header.get('exported_by')}, "
            f"signed with key {id_of(verification.key)}."
        )
        self._tell_what_was_removed(verification)

    def _tell_what_was_removed(self, verification: Verification) -> None:
        # Files from before this was noted don't tell.
        if moment := (verification.end or {}).get(REMOVED):
            self.stdout.write(
                f"Records of tries that began up to {moment} had been removed by the rules of keeping before it was "
                "written: what is missing of them was not taken out of the file."
            )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _lines_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE + 1):
            yield line


def _choose_key(given: str | None, header: dict[str, Any]) -> Ed25519PublicKey:
    """Take the key that was given, or one of this machine's. Never the one in the file: anybody can write that."""
    if given:
        return read_public_key(given)
    own = list(known_keys())
    if not own:
        raise CommandError("This machine has no keys. Give the public key with --public-key.")
    named = header.get("key_id")
    fitting = [key for key in own if id_of(key) == named]
    if isinstance(named, str) and not fitting:
        raise CommandError(
            f"The file says that it is signed with key {named[:64]!r}, which this machine has not, or not any more. "
            "Give its public key with --public-key."
        )
    return fitting[0] if fitting else own[0]
