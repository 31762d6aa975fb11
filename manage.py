#!/usr/bin/env python
"""Run Django's management commands with Mailbox's settings."""

import os
import sys


def main() -> None:
    """Hand the command line to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailbox_admin.settings")
    from django.core.management import execute_from_command_line

    from mailbox_admin.data_dir import DataDirError, open_data_dir

    if sys.argv[1:2] == ["prepare"]:
        try:
            open_data_dir()
        except DataDirError as error:
            sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
