"""`manage.py rotate_keys`: put all stored passwords under a new encryption key, while the system runs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from senders.exceptions import KeyringError, RotationBusyError
from senders.keyring import Key, uses_environment
from senders.rotation import Rotation, rotate


class Command(BaseCommand):
    """Rotate the encryption keys of stored passwords."""

    help = (
        "Add a new encryption key and re-encrypt every stored password under it, while the system runs. "
        "Where MAILBOX_KEYS holds the keys, put a new key first in it and restart all machines before you call this."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to drop old keys, and to make a key for MAILBOX_KEYS."""
        parser.add_argument(
            "--retire",
            action="store_true",
            help="then drop the keys that no password uses any more (backups made before need them)",
        )
        parser.add_argument("--new-key", action="store_true", help="only print a new key for MAILBOX_KEYS")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Rotate, and say what was done."""
        if options["new_key"]:
            self.stdout.write(Key.generate().text)
            return
        try:
            self._report(rotate(retire=options["retire"]))
        except (KeyringError, RotationBusyError) as error:
            raise CommandError(str(error)) from error

    def _report(self, rotation: Rotation) -> None:
        origin = "MAILBOX_KEYS" if uses_environment() else _("the key file")
        self.stdout.write(
            _("The primary key is %(key)s (from %(origin)s).") % {"key": rotation.primary.id, "origin": origin}
        )
        count = rotation.reencrypted
        self.stdout.write(
            ngettext("%(count)d password re-encrypted.", "%(count)d passwords re-encrypted.", count) % {"count": count}
        )
        if rotation.resealed:
            sentence = ngettext(
                "%(count)d sealed mail re-encrypted.", "%(count)d sealed mails re-encrypted.", rotation.resealed
            )
            self.stdout.write(sentence % {"count": rotation.resealed})
        for key_id in rotation.retired:
            self.stdout.write(_("Key %(key)s dropped.") % {"key": key_id})
        for key_id in rotation.unused:
            self.stdout.write(_("Key %(key)s is not used any more: take it out of MAILBOX_KEYS.") % {"key": key_id})
        for pk in rotation.unreadable:
            self.stderr.write(
                _("The password of account %(pk)d can't be read; type it again on its page.") % {"pk": pk}
            )
        if rotation.unreadable_rows:
            sentence = ngettext(
                "%(count)d sealed mail can't be opened and will fail; bring its key back before it is due.",
                "%(count)d sealed mails can't be opened and will fail; bring their keys back before they are due.",
                rotation.unreadable_rows,
            )
            self.stderr.write(sentence % {"count": rotation.unreadable_rows})
