"""Which entry of the error book explains an ending."""

from delivery.engine.values import Ending, Server
from delivery.values import Reply
from records.enums import Fault, Outcome, Phase
from records.error_book import Failure, explain, explain_outcome
from senders.enums import Encryption, LoginMethod


def cause_of(ending: Ending, server: Server) -> str:
    """Find the key of the entry that explains an ending; empty for a success."""
    if ending.outcome == Outcome.ACCEPTED:
        return ""
    if ending.fault is None:
        return explain_outcome(ending.outcome, ending.skip_reason or "").key
    return explain(failure_of(ending.phase, ending.fault, ending.reply, server)).key


def is_of_account(reply: Reply, server: Server, phase: Phase | None = None) -> bool:
    """Tell whether a final reply is about the account's quota or rate: the mail in hand waits and does not fail."""
    return reply.is_permanent and explain(failure_of(phase, Fault.REPLY, reply, server)).is_of_account


def failure_of(phase: Phase | None, fault: Fault, reply: Reply | None, server: Server) -> Failure:
    """Write what is known of a failure as the error book wants it."""
    return Failure(
        phase=phase,
        fault=fault,
        reply_code=reply.code if reply else None,
        enhanced_status=reply.enhanced_status if reply else "",
        reply_text=reply.text if reply else "",
        host=server.host,
        port=server.port or None,
        encryption=Encryption(server.encryption) if server.encryption else None,
        login_method=LoginMethod(server.login_method) if server.login_method else None,
    )
