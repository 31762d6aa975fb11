"""`manage.py prepare`: everything that must be done before the processes start."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from mailbox_admin import preparation
from senders.exceptions import KeyringError
from senders.keyring import ensure_key_file


class Command(BaseCommand):
    """Keys, migrations, translations, static files, the first administrator. May be run any number of times."""

    help = "Make keys, migrate the database, compile translations, collect static files, create the first admin."
    # Asked below, once what they look for was made.
    requires_system_checks = []

    def handle(self, **_options: Any) -> None:
        """Do the steps in order.

        Raises:
            CommandError: if the keys, the database or MAILBOX_ADMIN_PASSWORD can't be used.
        """
        try:
            ensure_key_file()
        except KeyringError as error:
            raise CommandError(f"The encryption keys cannot be used: {error}.") from error
        self.check()
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {error}") from error
        try:
            preparation.compile_translations()
        except PermissionError as error:
            # The code belongs to someone else, who should have compiled them; English works anyway.
            self.stderr.write(f"Translations not compiled: {error}. Run `manage.py compile_translations` as the owner.")
        preparation.collect_static_files()
        try:
            password = preparation.create_first_admin()
        except ValidationError as error:
            raise CommandError(f"MAILBOX_ADMIN_PASSWORD is too weak: {' '.join(error.messages)}") from error
        if password:
            self.stdout.write(f"First administrator: user {preparation.FIRST_ADMIN}, password {password}")
            self.stdout.write("This password is shown only now. Change it after signing in.")
