"""How every process logs: readable on a terminal, JSON otherwise; never a secret."""

import logging
import re
import sys
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

_SECRET_NAME = re.compile(r"passw|secret|token|authorization|credential|cookie|api_?key", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(?P<before>\bAUTH\s+[A-Z0-9-]+\s+|\b(?:password|passwd|secret|token|authorization)\s*[=:]\s*|://[^\s:/@]+:)"
    r"(?P<secret>[^\s@,;'\"]+)",
    re.IGNORECASE,
)
_HIDDEN = "********"
STYLES = ("auto", "text", "json")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class SecretFilter(logging.Filter):
    """A last net: what looks like a secret is hidden, whoever logged it. Nobody should."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Hide secrets in the record's sentence and extras; lets every record pass."""
        message = record.getMessage()
        hidden = _SECRET_TEXT.sub(rf"\g<before>{_HIDDEN}", message)
        if hidden != message:
            record.msg, record.args = hidden, None
        for name in vars(record):
            if _SECRET_NAME.search(name):
                setattr(record, name, _HIDDEN)
        return True


class RequestFilter(logging.Filter):
    """Names a request by its method and path: its query says what was searched for, such as addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the name in the place of the request; lets every record pass."""
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest):
            record.request = f"{request.method} {request.path}"
        return True


class RefusalFilter(logging.Filter):
    """Keeps out what Django says of a page that is refused, with a traceback: `views.permission_denied` says it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every other record pass."""
        return not (record.exc_info and isinstance(record.exc_info[1], PermissionDenied))


class LineFormatter(logging.Formatter):
    """One readable line: time, level, logger, sentence, then the extras as `name=value`."""

    _standard = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        """Write the record; a traceback follows on lines of its own."""
        line, *traceback = super().format(record).split("\n")
        extras = (f"{name}={value!r}" for name, value in vars(record).items() if name not in self._standard)
        return "\n".join([" ".join([line, *extras]), *traceback])


def logging_config(style: str, level: str) -> dict[str, Any]:
    """Build what `logging.config.dictConfig` wants.

    Args:
        style: `text`, `json`, or `auto`: text on a terminal and JSON elsewhere.
        level: the level of the product's own loggers; libraries log warnings only.
    """
    if style == "auto":
        style = "text" if sys.stderr.isatty() else "json"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "secrets": {"()": f"{__name__}.SecretFilter"},
            "requests": {"()": f"{__name__}.RequestFilter"},
            "refusals": {"()": f"{__name__}.RefusalFilter"},
        },
        "formatters": {
            "text": {"()": f"{__name__}.LineFormatter", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "format": "%(asctime)s %(levelname)s %(name)s %(process)d %(message)s",
                "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
                "json_ensure_ascii": False,
            },
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": style, "filters": ["secrets", "requests"]}
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            **{name: {"level": level} for name in ("mailbox_admin", "senders", "records", "delivery")},
            # Handlers of its own would write every line twice.
            **{name: {"handlers": [], "propagate": True} for name in ("django", "django.server", "gunicorn.error")},
            "django.request": {"filters": ["refusals"]},
        },
    }
