"""From what a session says to how each receiver's try ended; pure."""

from delivery.engine.causes import is_of_account
from delivery.engine.fence import Refusal
from delivery.engine.values import Claim, Ending, Server, TryResult
from delivery.exceptions import SessionError
from delivery.values import Delivery, ReceiverReply, TlsFacts
from records.enums import Fault, Outcome, Phase

_LOST = Ending(Outcome.LOST)
_UNKNOWN = Ending(Outcome.UNKNOWN, Phase.DATA)
_FENCED = {
    Refusal.NOT_MINE: _LOST,
    Refusal.DATABASE: _LOST,
    Refusal.STOPPING: _LOST,
    Refusal.TOO_LATE: Ending(Outcome.DEFERRED, Phase.DATA, Fault.TIMEOUT),
}


def judge(
    claim: Claim,
    delivery: Delivery,
    refusal: Refusal | None,
    server: Server,
    tls: TlsFacts | None,
    *,
    began: float | None = None,
    ended: float | None = None,
) -> TryResult:
    """Tell how the try ended at every receiver of the claim.

    Args:
        claim: What was tried.
        delivery: What the session said.
        refusal: Why the fence said no, if it did.
        server: Which server it was.
        tls: How the session was protected.
        began: When the dialogue about this mail began, on `time.monotonic()`.
        ended: When it ended.
    """
    said = {
        reply.forward_path: Ending(_outcome(reply, server), reply.phase, fault, reply.reply)
        for reply in delivery.receivers
        for fault in [None if reply.accepted else reply.fault]
    }
    rest = _ending_of_rest(delivery, refusal)
    endings = {receiver.receiver_id: said.get(receiver.forward_path, rest) for receiver in claim.receivers}
    waits = any(_is_of_account(reply, server) for reply in delivery.receivers if not reply.accepted)
    costs = refusal is not Refusal.DATABASE and not waits
    return TryResult(
        claim,
        endings,
        server,
        tls,
        delivery.queue_id,
        costs_attempt=costs,
        began=began,
        ended=ended,
        dialogue=delivery.dialogue,
    )


def _outcome(reply: ReceiverReply, server: Server) -> Outcome:
    if reply.accepted:
        return Outcome.ACCEPTED
    is_final = reply.reply.is_permanent and not _is_of_account(reply, server)
    return Outcome.REFUSED if is_final else Outcome.DEFERRED


def _is_of_account(reply: ReceiverReply, server: Server) -> bool:
    """Tell whether a refusal says that the account sent too much, however final its code: that passes."""
    return reply.fault is Fault.REPLY and is_of_account(reply.reply, server, reply.phase)


def _ending_of_rest(delivery: Delivery, refusal: Refusal | None) -> Ending:
    """Tell what became of the receivers that the server said nothing final about."""
    if delivery.committed:
        return _UNKNOWN
    return _FENCED[refusal] if refusal else _LOST


def judge_failure(claim: Claim, error: SessionError, server: Server, *, of_account: bool) -> TryResult:
    """Tell how a try ended whose session failed before the point of no return.

    Args:
        claim: What was tried, or would have been.
        error: How the session failed.
        server: Which server it was.
        of_account: The account is at fault, not this mail: no attempt is spent.
    """
    outcome = Outcome.NOT_CONNECTED if of_account else Outcome.DEFERRED
    ending = Ending(outcome, error.phase, error.fault, error.reply)
    return TryResult.alike(claim, ending, server, costs_attempt=not of_account, dialogue=error.dialogue)
