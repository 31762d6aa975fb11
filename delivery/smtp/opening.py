"""From a host name to a signed-in session, step by step."""

import ssl
import time
from contextlib import suppress
from ipaddress import ip_address

import idna

from delivery.exceptions import SessionError
from delivery.smtp.dial import dial
from delivery.smtp.dialogue import Dialogue
from delivery.smtp.ehlo_name import choose_ehlo_name
from delivery.smtp.errors import FOREIGN_ERRORS, translate
from delivery.smtp.policy import DialPolicy
from delivery.smtp.resolve import Target, resolve
from delivery.smtp.scrub import Scrubber
from delivery.smtp.sign_in import learn_secrets, sign_in
from delivery.smtp.steps import Steps
from delivery.smtp.stream import Stream
from delivery.smtp.tls import describe, looking_context, read_chain, verifying_context
from delivery.smtp.transcript import Transcript
from delivery.values import CertificateFacts, ServerSettings, TlsFacts
from records.dialogue.lines import LineKind
from records.enums import Fault, Phase
from senders.enums import Encryption

LOOK_LIMIT = 5.0
"""Seconds for reading the certificates that were refused."""


class Opening:
    """Opens one session; used once."""

    def __init__(self, settings: ServerSettings, policy: DialPolicy, deadline: float, steps: Steps) -> None:
        """Prepare; nothing is sent yet."""
        self._settings = settings
        self._policy = policy
        self._deadline = deadline
        self._steps = steps
        self._host = ascii_host(settings.host)
        self._scrub = Scrubber()
        self._transcript = Transcript()
        if settings.credentials:
            # Before anything is read: a hostile server may have learned the password last time.
            learn_secrets(self._scrub, settings.credentials)

    def run(self) -> tuple[Dialogue, TlsFacts | None]:
        """Go all the way.

        Returns:
            The dialogue, ready for MAIL, and what TLS agreed on; None: the session is in clear text.

        Raises:
            SessionError: A step failed; the connection is closed.
        """
        try:
            return self._go_all_the_way()
        except SessionError as error:
            self._transcript.explain(error)
            raise

    def _go_all_the_way(self) -> tuple[Dialogue, TlsFacts | None]:
        stream = self._connect()
        try:
            dialogue, tls = self._secure(stream)
            self._sign_in(dialogue)
        except BaseException:
            stream.close()
            raise
        return dialogue, tls

    def _connect(self) -> Stream:
        settings = self._settings
        with self._steps.step(Phase.RESOLVE) as step:
            limit = min(settings.timeout, self._deadline - time.monotonic())
            targets = resolve(self._host, settings.port, self._policy, limit=limit)
            addresses = step.facts["addresses"] = ", ".join(str(target.address) for target in targets)
            self._transcript.note(LineKind.ADDRESSES, addresses)
        with self._steps.step(Phase.CONNECT) as step:
            stream = dial(targets, limit=settings.timeout, deadline=self._deadline)
            peer = step.facts["peer"] = str(stream.target)
            self._transcript.note(LineKind.CONNECTED, peer)
        return stream

    def _secure(self, stream: Stream) -> tuple[Dialogue, TlsFacts | None]:
        """Protect the connection as chosen, and as no other: an unknown choice must never mean clear text."""
        match self._settings.encryption:
            case Encryption.SSL:
                tls = self._shake_hands(stream)
                return self._greet(stream), tls
            case Encryption.TLS:
                begun = time.monotonic()
                dialogue = self._greet(stream)
                tls = self._shake_hands(stream, dialogue)
                self._introduce_again(dialogue, begun)
                return dialogue, tls
            case Encryption.NONE:
                self._steps.skip(Phase.TLS)
                return self._greet(stream), None
        raise AssertionError(f"unknown encryption: {self._settings.encryption}")

    def _dialogue_over(self, stream: Stream, transcript: Transcript | None = None) -> Dialogue:
        name = choose_ehlo_name(self._settings.ehlo_name, stream.local_address)
        return Dialogue(stream, name, self._scrub, self._settings.timeout, transcript)

    def _greet(self, stream: Stream) -> Dialogue:
        with self._steps.step(Phase.GREETING) as step:
            dialogue = self._dialogue_over(stream, self._transcript)
            dialogue.greet()
            dialogue.introduce()
            self._describe(dialogue, step.facts)
        return dialogue

    def _introduce_again(self, dialogue: Dialogue, begun: float) -> None:
        """Say EHLO under TLS: what was announced in clear text could come from anyone (RFC 3207 §4.2)."""
        dialogue.phase = Phase.GREETING
        with self._steps.step(Phase.GREETING, since=begun) as step:
            dialogue.introduce()
            self._describe(dialogue, step.facts)

    @staticmethod
    def _describe(dialogue: Dialogue, facts: dict[str, str]) -> None:
        facts["banner"] = dialogue.banner
        facts["extensions"] = dialogue.describe_extensions()

    def _shake_hands(self, stream: Stream, dialogue: Dialogue | None = None) -> TlsFacts:
        with self._steps.step(Phase.TLS) as step:
            context = verifying_context(self._settings.trusted_certificates)
            if dialogue:
                ask_for_tls(dialogue)
            try:
                connection = stream.start_tls(context, self._host, self._settings.timeout)
            except ssl.SSLCertVerificationError as error:
                stream.close()
                refusal = translate(error, Phase.TLS)
                refusal.certificates = self._look_at_chain(stream.target)
                raise refusal from error
            facts = step.tls = describe(connection)
            step.facts |= {"version": facts.version, "cipher": facts.cipher}
            self._transcript.note(LineKind.SECURED, f"{facts.version} {facts.cipher}")
        return facts

    def _look_at_chain(self, target: Target) -> tuple[CertificateFacts, ...]:
        """Read the certificates again, unverified, so that a person can compare the fingerprint.

        A connection of its own, over which nothing is sent after the handshake: no sign-in, no mail.
        """
        deadline = min(time.monotonic() + LOOK_LIMIT, self._deadline)
        with suppress(SessionError, *FOREIGN_ERRORS):
            stream = dial([target], limit=LOOK_LIMIT, deadline=deadline)
            try:
                if self._settings.encryption is Encryption.TLS:
                    dialogue = self._dialogue_over(stream)
                    dialogue.greet()
                    dialogue.introduce()
                    ask_for_tls(dialogue)
                return read_chain(stream.start_tls(looking_context(), self._host, LOOK_LIMIT))
            finally:
                stream.close()
        return ()

    def _sign_in(self, dialogue: Dialogue) -> None:
        if self._settings.credentials is None:
            self._steps.skip(Phase.AUTH)
            return
        dialogue.phase = Phase.AUTH
        with self._steps.step(Phase.AUTH) as step:
            mechanism, step.reply = sign_in(dialogue, self._settings.credentials)
            step.facts["mechanism"] = mechanism.value


def ask_for_tls(dialogue: Dialogue) -> None:
    """Say STARTTLS, and see to it that the very next bytes are those of the handshake.

    What follows the 220 in clear text would else be read as if it had come encrypted (CVE-2011-0411).

    Raises:
        SessionError: Not offered, refused, or followed by clear text. TLS never falls back.
    """
    dialogue.phase = Phase.TLS
    if "STARTTLS" not in dialogue.extensions:
        raise SessionError(Phase.TLS, Fault.STARTTLS_MISSING)
    reply = dialogue.ask("STARTTLS")
    if reply.code != 220:
        raise dialogue.failure(Fault.PROTOCOL if reply.is_positive else Fault.REPLY)
    if dialogue.stream.has_unread:
        raise SessionError(Phase.TLS, Fault.PROTOCOL, detail="clear text after STARTTLS")


def ascii_host(host: str) -> str:
    """Write a host as it is looked up and verified: an IDN as A-labels, an IPv6 address without brackets.

    What can't be written so is left to the resolver to refuse.
    """
    bare = host.strip().strip("[]").removesuffix(".")
    try:
        return str(ip_address(bare))
    except ValueError:
        pass
    try:
        return bare if bare.isascii() else idna.encode(bare, uts46=True).decode("ascii")
    except idna.IDNAError:
        return bare
