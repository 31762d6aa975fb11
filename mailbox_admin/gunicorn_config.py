"""How gunicorn serves the web: `gunicorn -c python:mailbox_admin.gunicorn_config mailbox_admin.wsgi:application`."""

from pathlib import Path

from mailbox_admin.environment import Environment
from mailbox_admin.logs import LEVELS, STYLES, logging_config

env = Environment()

worker_class = "gthread"
workers = env.int("WEB_WORKERS", default=1)
# A streamed answer (connection check, export) holds a thread while it lasts.
threads = env.int("WEB_THREADS", default=16)
# Its heartbeat file on a disk can block a worker for so long that it is taken for dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
graceful_timeout = 20
keepalive = 5
# The most that it allows: an address holds all filters of a list, a letter of Chinese takes nine bytes of it.
limit_request_line = 8190
loglevel = "warning"
logconfig_dict = logging_config(
    style=env.one_of("LOG_FORMAT", STYLES, default="auto"), level=env.one_of("LOG_LEVEL", LEVELS, default="INFO")
)
control_socket_disable = True
