"""What composing a mail costs, beside the two usual ways.

    .venv/bin/python bench/compose.py

Each way writes the same mail (2 KB of text and HTML; with a 200 kB attachment; in Chinese) to bytes with CRLF.
Figures are the best of several rounds: other work on the machine only ever makes a round slower.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from email.message import EmailMessage as StandardMessage
from email.policy import SMTP
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

if not settings.configured:
    settings.configure(USE_I18N=False, EMAIL_USE_LOCALTIME=False)

from delivery.compose.addressing import read_parties
from delivery.compose.fonts import replace_unsupported_fonts
from delivery.compose.message import compose, compose_body, compose_head
from delivery.compose.plain_text import text_from_html
from delivery.values import Attachment, Draft

SENTENCE = "The nightly load of the orders table finished with warnings. "
ROW = "<tr><td style=\"font-family:'Segoe UI',Arial;color:#333\">orders</td><td>finished</td></tr>\n"
CHINESE = "数据平台任务“每日订单加载”执行失败，请检查运行日志。"
FILE = bytes(range(256)) * 800


def draft(text: str, html: str, *, subject: str, attachments: tuple[Attachment, ...] = ()) -> Draft:
    return Draft(
        sender_address="platform@example.com", display_name="Data Platform", subject=subject,
        to=("ann@example.com", "bob@example.com"), text=text, html=html, attachments=attachments,
    )  # fmt: skip


ENGLISH = draft(SENTENCE * 17, "<table>" + ROW * 11 + "</table>", subject="Load finished with warnings")
CASES = {
    "text and HTML, 2 KB": ENGLISH,
    "the same with a file of 200 kB": draft(
        ENGLISH.text, ENGLISH.html, subject=ENGLISH.subject, attachments=(Attachment("report.xlsx", FILE),)
    ),
    "text and HTML in Chinese, 2 KB": draft(CHINESE * 13, f"<p>{CHINESE * 13}</p>", subject=CHINESE),
}


def by_standard_library(draft: Draft) -> bytes:
    message = StandardMessage(policy=SMTP)
    message["From"] = f"{draft.display_name} <{draft.sender_address}>"
    message["To"] = ", ".join(draft.to)
    message["Subject"] = draft.subject
    message.set_content(draft.text)
    message.add_alternative(draft.html, subtype="html")
    for file in draft.attachments:
        message.add_attachment(file.content, maintype="application", subtype="octet-stream", filename=file.filename)
    return message.as_bytes()


def by_django(draft: Draft) -> bytes:
    message = EmailMultiAlternatives(
        draft.subject, draft.text, f"{draft.display_name} <{draft.sender_address}>", list(draft.to)
    )
    message.attach_alternative(draft.html, "text/html")
    for file in draft.attachments:
        message.attach(file.filename, file.content, "application/octet-stream")
    return message.message().as_bytes(linesep="\r\n")


def seconds(work: Callable[[], object], *, rounds: int = 7, each: float = 0.15) -> float:
    """Return the seconds of one call: the best mean of several rounds."""
    work()
    means = []
    for _ in range(rounds):
        gc.collect()
        started, calls = time.perf_counter(), 0
        while time.perf_counter() - started < each:
            work()
            calls += 1
        means.append((time.perf_counter() - started) / calls)
    return min(means)


def main() -> None:
    print(f"{'':34}{'ours':>10}{'standard library':>22}{'Django':>20}")
    for name, one in CASES.items():
        ours = seconds(lambda: compose(one).mime)
        others = [seconds(lambda: by_standard_library(one)), seconds(lambda: by_django(one))]
        columns = "".join(f"{other * 1e6:>11.0f} µs {other / ours:4.1f} ×" for other in others)
        print(f"{name:34}{ours * 1e6:>7.0f} µs{columns}")
    parties = read_parties(ENGLISH)
    plain = ENGLISH.html.replace("font-family:'Segoe UI',Arial;", "")
    parts: dict[str, Callable[[], object]] = {
        "its own header fields": lambda: compose_head(parties, ENGLISH.display_name, ENGLISH.subject),
        "its body, once for all who get it": lambda: compose_body(ENGLISH.text, ENGLISH.html),
        "fonts of that HTML": lambda: replace_unsupported_fonts(ENGLISH.html),
        "fonts of HTML that names none": lambda: replace_unsupported_fonts(plain),
        "plain text of that HTML": lambda: text_from_html(ENGLISH.html),
    }
    print("\nof the first:")
    for name, work in parts.items():
        print(f"{name:34}{seconds(work) * 1e6:>7.0f} µs")


if __name__ == "__main__":
    main()
