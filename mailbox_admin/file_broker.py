"""A broker made of files, for one machine without Redis: `files://` as the broker's URL.

One folder per queue, one file per message. A message is written aside and renamed, so no reader sees half of it;
it is taken by deleting its file, which succeeds for exactly one of any number of processes.

Losing the folder loses wake-ups only: the database is the truth, and the sweep finds what is due.
"""

import os
import uuid
from collections import deque
from pathlib import Path
from queue import Empty
from time import time_ns
from typing import Any
from urllib.parse import quote

from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.utils.json import dumps, loads

_SUFFIX = ".message"


class QueueFolder:
    """The messages of one queue, as files in a folder that only its owner may enter."""

    def __init__(self, top: Path, queue: str) -> None:
        """Make the folder if it is missing."""
        # Quoted, dots too: a queue's name can't leave the top folder.
        self.path = top / quote(queue, safe="").replace(".", "%2E")
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._listed: deque[str] = deque()

    def put(self, text: str) -> None:
        """Add a message at the end."""
        name = f"{time_ns():020d}-{uuid.uuid4().hex}"
        aside = self.path / f".{name}"
        handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        aside.rename(self.path / f"{name}{_SUFFIX}")

    def take(self) -> str | None:
        """Take the oldest message away; None when there is none."""
        if not self._listed:
            self._listed.extend(self._names())
        while self._listed:
            path = self.path / self._listed.popleft()
            try:
                text = path.read_text(encoding="utf-8")
                path.unlink()
            except FileNotFoundError:
                continue  # another process was first
            return text
        return None

    def size(self) -> int:
        """Count the messages."""
        return len(self._names())

    def clear(self) -> int:
        """Take all messages away; returns how many there were."""
        taken = 0
        while self.take() is not None:
            taken += 1
        return taken

    def _names(self) -> list[str]:
        names = (path.name for path in self.path.glob(f"[0-9]*{_SUFFIX}"))
        return sorted(names)


class Channel(virtual.Channel):
    """Queues as folders below `folder` of the transport's options."""

    connection: Any  # the Transport: kombu's types say Connection

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Start without any open folder."""
        super().__init__(*arguments, **options)
        self._folders: dict[str, QueueFolder] = {}

    def _folder(self, queue: str) -> QueueFolder:
        if queue not in self._folders:
            options: dict[str, Any] = self.connection.client.transport_options
            self._folders[queue] = QueueFolder(Path(options["folder"]), queue)
        return self._folders[queue]

    def _put(self, queue: str, message: dict[str, Any], **_options: Any) -> None:
        self._folder(queue).put(dumps(message))

    def _get(self, queue: str, timeout: float | None = None) -> Any:  # noqa: ARG002  # kombu passes it by name
        text = self._folder(queue).take()
        if text is None:
            raise Empty
        return loads(text)

    def _size(self, queue: str) -> int:
        return self._folder(queue).size()

    def _purge(self, queue: str) -> int:
        return self._folder(queue).clear()


class Transport(virtual.Transport):
    """What kombu calls a transport: polled, on this machine only."""

    Channel = Channel
    driver_type = "files"
    driver_name = "files"
    polling_interval = 0.1

    def driver_version(self) -> str:
        """Name the version that kombu shows."""
        return "1"


TRANSPORT_ALIASES["files"] = "mailbox_admin.file_broker:Transport"
