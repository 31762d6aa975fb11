#!/usr/bin/env python
"""Run Django's management commands with Mailbox's settings."""

import os
import sys


def main() -> None:
    """Hand the command line to Django, or say in a sentence why that can't be."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailbox_admin.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError:
        sys.exit("This Python lacks Mailbox's packages. Run ./run once, then: .venv/bin/python manage.py …")

    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    from mailbox_admin.data_dir import DataDirError, open_data_dir, require_secret_key

    try:
        if sys.argv[1:2] == ["prepare"]:
            open_data_dir()
        else:
            require_secret_key()
        settings.SECRET_KEY  # noqa: B018  # reads them all
    except (DataDirError, ImproperlyConfigured) as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
