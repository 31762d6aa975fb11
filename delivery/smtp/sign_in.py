"""AUTH (RFC 4954): one mechanism, one try. Providers lock accounts that try twice."""

import hmac
from base64 import b64decode, b64encode
from enum import StrEnum

from delivery.exceptions import SessionError
from delivery.smtp.dialogue import Dialogue
from delivery.smtp.replies import clean
from delivery.smtp.scrub import Scrubber
from delivery.values import Credentials, Reply
from records.enums import Fault, Phase

MAX_INITIAL = 480
"""Characters of an initial response: the whole line must stay below 512 (RFC 4954 §4)."""


class Mechanism(StrEnum):
    """The ways of signing in that we speak, best first."""

    PLAIN = "PLAIN"
    """RFC 4616: login and password in one message."""
    LOGIN = "LOGIN"
    """Login and password one after the other; all that some servers know."""
    CRAM_MD5 = "CRAM-MD5"
    """RFC 2195; only where there is nothing else, since the server must keep passwords in the clear."""


def learn_secrets(scrub: Scrubber, credentials: Credentials) -> None:
    """Let the scrubber know all forms in which the secret goes over the wire."""
    scrub.learn(
        [
            credentials.password,
            clean(credentials.password),
            _base64(credentials.password),
            _base64(credentials.login),
            _plain_response(credentials),
        ]
    )


def sign_in(dialogue: Dialogue, credentials: Credentials) -> tuple[Mechanism, Reply]:
    """Sign in; only a 235 is success.

    Returns:
        The mechanism that was used, and the server's reply.

    Raises:
        SessionError: AUTH is not offered, no mechanism is common, or the server said anything but 235.
    """
    mechanism = _choose(dialogue)
    reply = _RUN[mechanism](dialogue, credentials)
    if reply.code != 235:
        raise _refusal(dialogue, reply)
    return mechanism, reply


def _choose(dialogue: Dialogue) -> Mechanism:
    extensions = dialogue.extensions
    offered = extensions.get("AUTH", "").upper().split()
    for mechanism in Mechanism:
        if mechanism in offered:
            return mechanism
    if dialogue.stream.tls is None and "STARTTLS" in extensions:
        raise SessionError(Phase.AUTH, Fault.AUTH_CLEARTEXT, detail="sign-in may be offered after STARTTLS")
    raise SessionError(Phase.AUTH, Fault.AUTH_MECHANISM if offered else Fault.AUTH_MISSING)


def _plain(dialogue: Dialogue, credentials: Credentials) -> Reply:
    response = _plain_response(credentials)
    if len(response) <= MAX_INITIAL:
        return dialogue.ask(f"AUTH PLAIN {response}")
    return _continue(dialogue, dialogue.ask("AUTH PLAIN"), response)


def _login(dialogue: Dialogue, credentials: Credentials) -> Reply:
    reply = _continue(dialogue, dialogue.ask("AUTH LOGIN"), _base64(credentials.login))
    return _continue(dialogue, reply, _base64(credentials.password))


def _cram_md5(dialogue: Dialogue, credentials: Credentials) -> Reply:
    reply = dialogue.ask("AUTH CRAM-MD5")
    if reply.code != 334:
        return reply
    try:
        challenge = b64decode(reply.text, validate=True)
    except ValueError as error:
        raise SessionError(Phase.AUTH, Fault.PROTOCOL, detail="the challenge is not base64") from error
    digest = hmac.new(_encode(credentials.password), challenge, "md5").hexdigest()
    response = _base64(f"{credentials.login} {digest}")
    dialogue.scrub.learn([digest, response])
    return _continue(dialogue, reply, response)


_RUN = {Mechanism.PLAIN: _plain, Mechanism.LOGIN: _login, Mechanism.CRAM_MD5: _cram_md5}


def _continue(dialogue: Dialogue, reply: Reply, response: str) -> Reply:
    """Answer a challenge; any other reply is the last word."""
    return dialogue.ask(response) if reply.code == 334 else reply


def _refusal(dialogue: Dialogue, reply: Reply) -> SessionError:
    if reply.is_positive:
        return SessionError(Phase.AUTH, Fault.PROTOCOL, detail=f"{reply.code} where 235 was due")
    wants_tls = reply.code == 538 or (reply.code == 530 and dialogue.stream.tls is None)
    return SessionError(Phase.AUTH, Fault.AUTH_CLEARTEXT if wants_tls else Fault.REPLY, reply=reply)


def _plain_response(credentials: Credentials) -> str:
    return _base64(f"\0{credentials.login}\0{credentials.password}")


def _base64(text: str) -> str:
    return b64encode(_encode(text)).decode("ascii")


def _encode(text: str) -> bytes:
    """Encode as UTF-8 (RFC 4616 §2); an error here would hold the password in its repr."""
    return text.encode("utf-8", "replace")
