"""The WSGI entry of the web process."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailbox_admin.settings")

application = get_wsgi_application()

from mailbox_admin.memory import settle_memory  # noqa: E402  # Django has to be set up first

settle_memory()
