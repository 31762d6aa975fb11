"""Opening sessions and handing over mails, with limits short enough for tests."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from delivery.exceptions import SessionError
from delivery.smtp.policy import DialPolicy
from delivery.smtp.session import Session, open_session
from delivery.values import ComposedMail, Delivery, Envelope, ServerSettings, StepEvent

LOOPBACK = DialPolicy.of_networks("127.0.0.0/8", "::1")
SHORT = 1.5
"""Seconds that a server is given which will stay silent: what it says before comes in time on a busy machine, too."""


def mail(
    *receivers: str,
    sender: str = "alice@example.org",
    mime: bytes = b"Subject: hi\r\n\r\nhello\r\n",
    utf8: bool = False,
) -> ComposedMail:
    envelope = Envelope(sender, receivers or ("bob@example.org",), needs_smtputf8=utf8)
    return ComposedMail(envelope, "<1@example.org>", mime)


@contextmanager
def session(
    settings: ServerSettings, *, seconds: float = 10.0, watcher: Callable[[StepEvent], None] | None = None
) -> Iterator[Session]:
    opened = open_session(settings, policy=LOOPBACK, deadline=time.monotonic() + seconds, watcher=watcher)
    try:
        yield opened
    finally:
        opened.close()


def failure_of_opening(
    settings: ServerSettings, *, seconds: float = 10.0, policy: DialPolicy = LOOPBACK
) -> SessionError:
    with pytest.raises(SessionError) as caught:
        open_session(settings, policy=policy, deadline=time.monotonic() + seconds)
    return caught.value


def hand_over(
    opened: Session, composed: ComposedMail | None = None, *, fence: bool = True, seconds: float = 10.0
) -> Delivery:
    return opened.deliver(composed or mail(), before_dot=lambda: fence, deadline=time.monotonic() + seconds)


def failure_of_delivery(
    opened: Session, composed: ComposedMail | None = None, *, seconds: float = 10.0
) -> SessionError:
    with pytest.raises(SessionError) as caught:
        hand_over(opened, composed, seconds=seconds)
    assert not opened.is_usable
    return caught.value
