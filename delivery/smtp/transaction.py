"""One mail over an open session: MAIL, RCPT, DATA, the fence, the final dot (RFC 5321 §3.3, §4.1.1.4).

What may become of it, and nothing else does:

- a `Delivery`: the fate of receivers, or `committed` without a final reply: nobody knows;
- a `SessionError`: the session ended, and the final dot was certainly not sent.
"""

from collections.abc import Callable
from dataclasses import replace

from delivery.exceptions import SessionError
from delivery.smtp.dialogue import Dialogue
from delivery.smtp.errors import FOREIGN_ERRORS
from delivery.smtp.outgoing import DATA, FINAL_DOT, Outgoing, on_the_wire
from delivery.smtp.replies import find_queue_id
from delivery.smtp.steps import Step, Steps
from delivery.smtp.stream import BLOCK_SIZE
from delivery.values import Delivery, ReceiverReply, Reply
from records.enums import Fault, Phase

DATA_LIMIT = 120.0
"""Seconds for the reply to DATA (RFC 5321 §4.5.3.2.4)."""
BLOCK_LIMIT = 180.0
"""Seconds for sending one block of the content (RFC 5321 §4.5.3.2.5)."""
DOT_LIMIT = 600.0
"""Seconds for the reply to the final dot (RFC 5321 §4.5.3.2.6)."""

_OF_THE_SESSION = {421, 530, 535, 538}
"""Replies that say something of the session, whatever the command: leaving, or a missing sign-in (RFC 4954 §6)."""


class Transaction:
    """Hands one mail to the server.

    Its commands are said one after the other, or were all said ahead (RFC 2920); the replies are judged alike.
    """

    def __init__(
        self,
        dialogue: Dialogue,
        steps: Steps,
        outgoing: Outgoing,
        *,
        before_dot: Callable[[], bool],
        behind: Callable[[], bytes] = bytes,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            dialogue: With the server, in step.
            steps: Told of each.
            outgoing: A mail without a problem; announced: its commands were sent.
            before_dot: The fence: asked right before the block that ends with the final dot.
            behind: Asked right before the fence what else is to be sent with that block.
        """
        self._dialogue = dialogue
        self._transcript = dialogue.transcript
        self._steps = steps
        self._outgoing = outgoing
        self._before_dot = before_dot
        self._behind = behind
        self._refused: list[ReceiverReply] = []
        self._accepted: list[str] = []
        self._is_cut = False
        """What was to be sent behind the dot was not, or not all of it."""
        self.is_open = False
        """The server holds a begun transaction, which RSET must end before the next."""

    def run(self) -> Delivery:
        """Hand the mail over.

        Raises:
            SessionError: The session ended before the final dot was sent.
        """
        delivery = self._hand_over()
        final = delivery.final_reply
        is_plain_success = final is not None and final.code == 250 and not self._refused
        return self._transcript.end_mail(delivery, is_plain_success=is_plain_success)

    def _hand_over(self) -> Delivery:
        paths = self._outgoing.paths
        if refusal := self._outgoing.refusal:
            return self._all_refused(*refusal)
        if (reply := self._say_mail()) is not None:
            self._hear_out(len(paths))
            return self._all_refused(Fault.REPLY, reply)
        for path, command in zip(paths, self._outgoing.rcpt_commands, strict=True):
            self._say_rcpt(path, command)
        if not self._accepted:
            self._hear_out(0)
            return Delivery(tuple(self._refused), committed=False)
        return self._say_data()

    def _all_refused(self, fault: Fault, reply: Reply) -> Delivery:
        paths = self._outgoing.paths
        receivers = (ReceiverReply(path, accepted=False, phase=Phase.MAIL, reply=reply, fault=fault) for path in paths)
        return Delivery(tuple(receivers), committed=False)

    def _ask(self, command: bytes, limit: float | None = None) -> Reply:
        self._transcript.said(command)
        if not self._outgoing.is_announced:
            if self._dialogue.stream.has_unread:  # to look at the socket, too, would cost as much as to send
                self._dialogue.refuse_unasked()
            self._dialogue.say(command)
        return self._dialogue.reply(limit)

    def _say_mail(self) -> Reply | None:
        """Begin the transaction; returns the refusal, if any."""
        self._dialogue.phase = Phase.MAIL
        with self._steps.step(Phase.MAIL, path=self._outgoing.mail.envelope.reverse_path) as step:
            step.reply = self._judged(self._ask(self._outgoing.mail_command))
            step.failed = not step.reply.is_positive
            self.is_open = not step.failed
        return step.reply if step.failed else None

    def _say_rcpt(self, path: str, command: bytes) -> None:
        self._dialogue.phase = Phase.RCPT
        with self._steps.step(Phase.RCPT, path=path) as step:
            reply = self._judged(self._ask(command))
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

    def _hear_out(self, rcpts: int) -> None:
        """Read the replies to what was said ahead and came to nothing, since MAIL or all receivers were refused.

        The mail's fate stands: whatever goes wrong here costs only the session.
        """
        if not self._outgoing.is_announced:
            return
        try:
            receivers = [self._hear(command) for command in self._outgoing.rcpt_commands[:rcpts]]
            last = self._hear(DATA, DATA_LIMIT)
            if last.code == 354 and not any(reply.is_positive for reply in receivers):
                self._dialogue.say(FINAL_DOT)  # the way out that RFC 2920 §3.1 names: nothing, to nobody
                self._hear(FINAL_DOT, DOT_LIMIT)
            elif last.is_positive or last.code == 421:
                self._dialogue.stream.close()
        except (*FOREIGN_ERRORS, SessionError):
            self._dialogue.stream.close()

    def _hear(self, command: bytes, limit: float | None = None) -> Reply:
        """Read the reply to what was said before."""
        self._transcript.said(command)
        return self._dialogue.reply(limit)

    def _say_data(self) -> Delivery:
        self._dialogue.phase = Phase.DATA
        with self._steps.step(Phase.DATA, size=str(len(self._outgoing.mail.mime))) as step:
            step.reply = self._judged(self._ask(DATA, DATA_LIMIT), wanted=3)
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
        accepted = reply.code == 250
        settled = [ReceiverReply(path, accepted=accepted, phase=Phase.DATA, reply=reply) for path in self._accepted]
        return (*self._refused, *settled)

    def _send_content(self, step: Step) -> Delivery:
        step.reply = None
        self._transcript.sent(len(self._outgoing.mail.mime))
        content = on_the_wire(self._outgoing.mail.mime)
        last = max(len(content) - 1, 0) // BLOCK_SIZE * BLOCK_SIZE
        for begin in range(0, last, BLOCK_SIZE):
            if not self._send_block(content[begin : begin + BLOCK_SIZE]):
                return self._refused_early(step)
        behind = self._behind()
        if not self._before_dot():
            self._dialogue.stream.close()
            return Delivery(tuple(self._refused), committed=False, fenced=True)
        if not self._send_end(content[last:], behind):
            return self._refused_early(step)
        return self._read_final_reply(step)

    def _send_block(self, block: bytes) -> bool:
        """Send a block of the content; False: the server spoke or left before it had the block.

        Raises:
            OSError: The block couldn't be sent.
        """
        stream = self._dialogue.stream
        if stream.has_arrived():
            return False
        try:
            return stream.send(block, BLOCK_LIMIT, unanswered=len(block))
        except TimeoutError:
            raise
        except OSError:
            if stream.has_arrived():
                return False
            raise

    def _send_end(self, block: bytes, behind: bytes) -> bool:
        """Pass the point of no return: from here on, whatever goes wrong means that nobody knows.

        Unless the dot behind the block is certainly not among what was sent: then all is as in `_send_block`.
        """
        stream = self._dialogue.stream
        if stream.has_arrived():
            return False
        try:
            heard_out = len(block) + len(FINAL_DOT)
            return stream.send(b"".join((block, FINAL_DOT, behind)), BLOCK_LIMIT, unanswered=heard_out)
        except OSError as error:
            if stream.unsent <= len(behind):
                self._is_cut = True
                return True
            if not isinstance(error, TimeoutError) and stream.has_arrived():
                return False
            raise

    def _refused_early(self, step: Step) -> Delivery:
        """Take a refusal amid the content for what it is: without a dot no mail was accepted."""
        reply = self._dialogue.reply()
        self._dialogue.stream.close()
        if reply.is_positive:
            raise self._dialogue.failure(Fault.PROTOCOL)
        step.reply = self._judged(reply)
        return Delivery(self._settled(reply), committed=False, final_reply=reply)

    def _read_final_reply(self, step: Step) -> Delivery:
        """Learn what became of a mail whose final dot was sent, or may have been."""
        reply: Reply | None = None
        try:
            reply = self._dialogue.reply(DOT_LIMIT)
        except (OSError, EOFError, SessionError) as error:
            self._transcript.lose(error, Phase.DATA)
        if reply is None or (reply.is_positive and reply.code != 250):
            self._dialogue.stream.close()
            return Delivery(tuple(self._refused), committed=True)
        self.is_open = False
        step.reply = reply
        queue_id = find_queue_id(reply.text) if reply.code == 250 else ""
        if queue_id:
            step.facts["queue_id"] = queue_id
        if reply.code == 421 or self._is_cut:
            self._dialogue.stream.close()
        return Delivery(self._settled(reply), committed=True, final_reply=reply, queue_id=queue_id)
