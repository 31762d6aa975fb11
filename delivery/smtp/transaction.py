"""One mail over an open session: MAIL, RCPT, DATA, the fence, the final dot (RFC 5321 §3.3, §4.1.1.4).

What may become of it, and nothing else does:

- a `Delivery`: the fate of receivers, or `committed` without a final reply: nobody knows;
- a `SessionError`: the session ended, and the final dot was certainly not sent.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from delivery.exceptions import SessionError
from delivery.smtp.dialogue import Dialogue
from delivery.smtp.replies import find_queue_id
from delivery.smtp.steps import Step, Steps
from delivery.smtp.stream import BLOCK_SIZE
from delivery.values import ComposedMail, Delivery, ReceiverReply, Reply
from records.enums import Fault, Phase

DATA_LIMIT = 120.0
"""Seconds for the reply to DATA (RFC 5321 §4.5.3.2.4)."""
BLOCK_LIMIT = 180.0
"""Seconds for sending one block of the content (RFC 5321 §4.5.3.2.5)."""
DOT_LIMIT = 600.0
"""Seconds for the reply to the final dot (RFC 5321 §4.5.3.2.6)."""

_FINAL_DOT = b".\r\n"
_UNFIT_PATH = re.compile(r"[\x00-\x1f\x7f]|[<>](?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)")
"""Control characters anywhere, and angle brackets outside quotes."""
_OF_THE_SESSION = {421, 530, 535, 538}
"""Replies that say something of the session, whatever the command: leaving, or a missing sign-in (RFC 4954 §6)."""


def check_sendable(mail: ComposedMail) -> None:
    """See to it that a mail can't say more to the server than it should: the last line of defence.

    Raises:
        ValueError: A bare CR or LF in the content, or an address that would end its command or its brackets.
    """
    if not mail.mime.count(b"\r") == mail.mime.count(b"\n") == mail.mime.count(b"\r\n"):
        raise ValueError("The content has a bare CR or LF.")
    if any(_UNFIT_PATH.search(path) for path in (mail.envelope.reverse_path, *mail.envelope.forward_paths)):
        raise ValueError("An address of the envelope has control characters or angle brackets.")
    if not mail.envelope.forward_paths:
        raise ValueError("The envelope has no receiver.")


def on_the_wire(mime: bytes) -> bytes:
    """Give the content as it is sent after DATA, without the final dot: dots doubled, the last line ended."""
    stuffed = (b"." if mime.startswith(b".") else b"") + mime.replace(b"\r\n.", b"\r\n..")
    return stuffed if stuffed.endswith(b"\r\n") or not stuffed else stuffed + b"\r\n"


class Transaction:
    """Hands one mail to the server.

    Commands are built apart from the reading and judging of their replies, so that they can be sent in one write.
    """

    def __init__(self, dialogue: Dialogue, steps: Steps, mail: ComposedMail, before_dot: Callable[[], bool]) -> None:
        """Prepare; nothing is sent yet."""
        self._dialogue = dialogue
        self._steps = steps
        self._mail = mail
        self._before_dot = before_dot
        self._paths = tuple(dict.fromkeys(mail.envelope.forward_paths))
        self._utf8 = mail.envelope.needs_smtputf8 or not "".join((mail.envelope.reverse_path, *self._paths)).isascii()
        self._refused: list[ReceiverReply] = []
        self._accepted: list[str] = []
        self.is_open = False
        """The server holds a begun transaction, which RSET must end before the next."""

    def run(self) -> Delivery:
        """Hand the mail over.

        Raises:
            SessionError: The session ended before the final dot was sent.
        """
        if (refusal := self._refusal_of_ours() or self._say_mail()) is not None:
            return self._all_refused(*refusal)
        for path in self._paths:
            self._say_rcpt(path)
        if not self._accepted:
            return Delivery(tuple(self._refused), committed=False)
        return self._say_data()

    def _refusal_of_ours(self) -> tuple[Phase, Fault, Reply] | None:
        """Refuse what the server's EHLO says it can't take."""
        extensions = self._dialogue.extensions
        if self._utf8 and "SMTPUTF8" not in extensions:
            return Phase.MAIL, Fault.SMTPUTF8_MISSING, Reply(553, "5.6.7")
        limit = extensions.get("SIZE", "")
        if limit.isdecimal() and 0 < int(limit[:20]) < len(self._mail.mime):
            return Phase.MAIL, Fault.TOO_LARGE, Reply(552, "5.3.4")
        return None

    def _all_refused(self, phase: Phase, fault: Fault, reply: Reply) -> Delivery:
        receivers = (ReceiverReply(path, accepted=False, phase=phase, reply=reply, fault=fault) for path in self._paths)
        return Delivery(tuple(receivers), committed=False)

    def _mail_command(self) -> str:
        extensions = self._dialogue.extensions
        parameters = [
            f"SIZE={len(self._mail.mime)}" if "SIZE" in extensions else "",
            "BODY=8BITMIME" if "8BITMIME" in extensions and not self._mail.mime.isascii() else "",
            "SMTPUTF8" if self._utf8 else "",
        ]
        return " ".join(filter(None, [f"MAIL FROM:<{self._mail.envelope.reverse_path}>", *parameters]))

    def _say_mail(self) -> tuple[Phase, Fault, Reply] | None:
        self._dialogue.phase = Phase.MAIL
        with self._steps.step(Phase.MAIL, path=self._mail.envelope.reverse_path) as step:
            step.reply = self._judged(self._dialogue.ask(self._mail_command(), utf8=self._utf8))
            step.failed = not step.reply.is_positive
            self.is_open = not step.failed
        return (Phase.MAIL, Fault.REPLY, step.reply) if step.failed else None

    def _say_rcpt(self, path: str) -> None:
        self._dialogue.phase = Phase.RCPT
        with self._steps.step(Phase.RCPT, path=path) as step:
            reply = self._judged(self._dialogue.ask(f"RCPT TO:<{path}>", utf8=self._utf8))
            if reply.code == 552:  # too many receivers, in the words of older servers (RFC 5321 §4.5.3.1.10)
                reply = replace(reply, code=452)
            step.reply, step.failed = reply, not reply.is_positive
        if step.failed:
            self._refused.append(ReceiverReply(path, accepted=False, phase=Phase.RCPT, reply=reply))
        else:
            self._accepted.append(path)

    def _judged(self, reply: Reply, *, wanted: int = 2) -> Reply:
        """Let through a reply that decides over this mail or receiver; the others end the session."""
        if reply.code in _OF_THE_SESSION:
            wants_tls = reply.code == 538 or (reply.code == 530 and "TLS" in reply.text.upper())
            is_clear = self._dialogue.stream.tls is None
            raise self._dialogue.failure(Fault.AUTH_CLEARTEXT if wants_tls and is_clear else Fault.REPLY)
        if reply.is_positive and reply.code // 100 != wanted:
            raise self._dialogue.failure(Fault.PROTOCOL)
        return reply

    def _say_data(self) -> Delivery:
        self._dialogue.phase = Phase.DATA
        with self._steps.step(Phase.DATA, size=str(len(self._mail.mime))) as step:
            step.reply = self._judged(self._dialogue.ask("DATA", limit=DATA_LIMIT), wanted=3)
            delivery = self._refused_at_data(step) if step.reply.code != 354 else self._send_content(step)
            step.failed = not (delivery.final_reply and delivery.final_reply.is_positive)
        return delivery

    def _refused_at_data(self, step: Step) -> Delivery:
        """Close the books on a mail whose content the server didn't want."""
        assert step.reply is not None
        if step.reply.is_positive:
            raise self._dialogue.failure(Fault.PROTOCOL)
        return Delivery(self._settled(step.reply), committed=False, final_reply=step.reply)

    def _settled(self, reply: Reply) -> tuple[ReceiverReply, ...]:
        """Give the fate of every receiver, `reply` being the one of those that RCPT accepted."""
        settled = (
            ReceiverReply(path, accepted=reply.code == 250, phase=Phase.DATA, reply=reply) for path in self._accepted
        )
        return (*self._refused, *settled)

    def _send_content(self, step: Step) -> Delivery:
        step.reply = None
        if not self._send_blocks():
            return self._refused_early(step)
        if not self._before_dot():
            self._dialogue.stream.close()
            return Delivery(tuple(self._refused), committed=False, fenced=True)
        return self._send_dot(step)

    def _send_blocks(self) -> bool:
        """Send the content; False: the server spoke before the final dot, or left."""
        stream = self._dialogue.stream
        content = on_the_wire(self._mail.mime)
        for begin in range(0, len(content), BLOCK_SIZE):
            if stream.has_arrived():
                return False
            try:
                stream.send(content[begin : begin + BLOCK_SIZE], BLOCK_LIMIT)
            except TimeoutError:
                raise
            except OSError:
                if stream.has_arrived():
                    return False
                raise
        return not stream.has_arrived()

    def _refused_early(self, step: Step) -> Delivery:
        """Take a refusal amid the content for what it is: without a dot no mail was accepted."""
        reply = self._dialogue.reply()
        self._dialogue.stream.close()
        if reply.is_positive:
            raise self._dialogue.failure(Fault.PROTOCOL)
        step.reply = self._judged(reply)
        return Delivery(self._settled(reply), committed=False, final_reply=reply)

    def _send_dot(self, step: Step) -> Delivery:
        """Pass the point of no return: from here on, whatever goes wrong means that nobody knows."""
        reply: Reply | None = None
        with suppress(OSError, EOFError, SessionError):
            self._dialogue.stream.send(_FINAL_DOT, BLOCK_LIMIT)
            reply = self._dialogue.reply(DOT_LIMIT)
        if reply is None or (reply.is_positive and reply.code != 250):
            self._dialogue.stream.close()
            return Delivery(tuple(self._refused), committed=True)
        self.is_open = False
        step.reply = reply
        queue_id = find_queue_id(reply.text) if reply.code == 250 else ""
        if queue_id:
            step.facts["queue_id"] = queue_id
        if reply.code == 421:
            self._dialogue.stream.close()
        return Delivery(self._settled(reply), committed=True, final_reply=reply, queue_id=queue_id)
