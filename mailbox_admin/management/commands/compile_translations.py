"""`manage.py compile_translations`: the .mo files beside the .po files, for building an image."""

from typing import Any

from django.core.management.base import BaseCommand

from mailbox_admin.preparation import compile_translations


class Command(BaseCommand):
    """Needs neither a database nor gettext's own tools."""

    help = "Compile every .po file that is newer than its .mo file."
    requires_system_checks = []

    def handle(self, **_options: Any) -> None:
        """Compile, and say how many."""
        self.stdout.write(f"{compile_translations()} compiled")
