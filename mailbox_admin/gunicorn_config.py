"""How gunicorn serves the web: `gunicorn -c python:mailbox_admin.gunicorn_config mailbox_admin.wsgi:application`."""

import os
from pathlib import Path

from mailbox_admin.logs import logging_config

worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS") or 1)
# A streamed answer (connection check, export) holds a thread while it lasts.
threads = int(os.environ.get("WEB_THREADS") or 16)
# Its heartbeat file on a disk can block a worker for so long that it is taken for dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
graceful_timeout = 20
keepalive = 5
loglevel = "warning"
logconfig_dict = logging_config(os.environ.get("LOG_FORMAT") or "auto", os.environ.get("LOG_LEVEL") or "INFO")
control_socket_disable = True
