"""Errors of the delivery room."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from delivery.values import CertificateFacts, Reply
    from records.dialogue.lines import Line
    from records.enums import Fault, Phase


class DeliveryError(Exception):
    """The root of all errors that the delivery room raises on purpose."""


class SessionError(DeliveryError):
    """A session with a mail server failed before, or apart from, the fate of one mail.

    Raised by opening a session and by delivering over it when the connection is lost before the
    point of no return. Never raised after the final dot was sent: that is a `Delivery` without a reply.
    """

    def __init__(
        self,
        phase: Phase,
        fault: Fault,
        *,
        reply: Reply | None = None,
        detail: str = "",
        certificates: tuple[CertificateFacts, ...] = (),
    ) -> None:
        """Hold what is known: where, what, the server's reply, the chain it showed."""
        super().__init__(f"{phase}: {fault}" + (f": {reply}" if reply else f": {detail}" if detail else ""))
        self.phase = phase
        self.fault = fault
        self.reply = reply
        self.detail = detail
        """A short technical text without secrets; never a foreign server's words."""
        self.certificates = certificates
        """Leaf first; given with certificate faults so that a person can compare the fingerprint."""
        self.dialogue: tuple[Line, ...] = ()
        """What was said in the session before, since its last mail ended; given when the session is left."""


class RequestRefusedError(DeliveryError):
    """A mail was not accepted for delivery; nothing was queued.

    Raised by accepting a mail whose fields are wrong. `errors` maps a field's name to its sentences.
    """

    def __init__(
        self, errors: dict[str, list[str]], *, index: int = 0, others: dict[int, dict[str, list[str]]] | None = None
    ) -> None:
        """Hold the sentences by field.

        Args:
            errors: Of the first request of the call that is wrong.
            index: Its place in the call.
            others: By their places, the errors of further requests that were found wrong in the same look.
        """
        super().__init__("; ".join(f"{name}: {' '.join(texts)}" for name, texts in errors.items()))
        self.errors = errors
        self.index = index
        self.others = others or {}


class MailNotConfiguredError(DeliveryError):
    """A mail names no sender and there is no system default sender.

    Raised after the refusal was recorded: `mail_id` is the record's mail.
    """

    def __init__(self, mail_id: int, *others: int) -> None:
        """Hold the ids of the refused mails of the call, whose records tell the reason."""
        super().__init__(f"mail {mail_id} refused: mail is not configured")
        self.mail_id = mail_id
        self.mail_ids = (mail_id, *others)
