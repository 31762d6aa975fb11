"""`manage.py show_queue`: what waits to be sent, since when, and why."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from delivery.control.queue import Queue, QueueRow, read_queue
from senders.sentences import join_sentences


class Command(BaseCommand):
    """Prints the queue."""

    help = "Show what waits to be sent: per account how much, since when, and why. Counting stops at 10,000 each."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the form of the answer."""
        parser.add_argument("--json", action="store_true", help="answer as JSON")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Print it."""
        queue = read_queue()
        self.stdout.write(json.dumps(_as_json(queue), ensure_ascii=False) if options["json"] else _as_text(queue))


def _as_json(queue: Queue) -> dict[str, Any]:
    return {
        "paused_since": queue.pause.paused_at.isoformat() if queue.pause else None,
        "paused_by": queue.pause.paused_by if queue.pause else None,
        "waiting": queue.waiting,
        "sending": queue.sending,
        "held": queue.held,
        "failed": queue.failed,
        "senders": [_row_as_json(row) for row in queue.rows],
    }


def _row_as_json(row: QueueRow) -> dict[str, Any]:
    return {
        "sender": row.sender.address,
        "waiting": row.waiting,
        "more": row.is_capped,
        "sending": row.sending,
        "oldest_at": row.oldest_at.isoformat() if row.oldest_at else None,
        "paused_since": row.sender.paused_at.isoformat() if row.sender.paused_at else None,
        "why": row.why.mark,
        "sentence": row.why.sentence,
        "reply": row.why.reply,
    }


def _as_text(queue: Queue) -> str:
    lines = [f"waiting {queue.waiting}, sending {queue.sending}, held {queue.held}, failed {queue.failed}"]
    lines += [_row_as_text(row) for row in queue.rows]
    return "\n".join(lines)


def _row_as_text(row: QueueRow) -> str:
    waiting = f"{row.waiting}{'+' if row.is_capped else ''}"
    parts = [f"{waiting:>7} {row.sending:>5}  {row.sender.address}: {row.why.mark}."]
    return join_sentences([*parts, row.why.sentence, row.why.reply])
