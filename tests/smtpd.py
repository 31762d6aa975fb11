"""A real SMTP server for tests: aiosmtpd on a free port of 127.0.0.1, with TLS, sign-in, and answers on demand.

    from tests import smtpd

    with smtpd.mail_server() as server:                                  # no encryption, no sign-in
        ...
        server.wait_for(1)                                               # until one mail has come in
        assert server.mails[0].forward_paths == ("bob@example.org",)

    with smtpd.mail_server(Encryption.TLS, users={"alice": "canary"}) as server:
        settings = server.settings(login="alice")                        # ServerSettings: host, port, CA, password
        server.answer("RCPT", "550 5.1.1 No such user", about="bob@")    # every time, where the command has "bob@"
        server.answer("DOT", "451 4.3.0 Try again", times=1)             # once, then as usual
        server.answer("DOT", smtpd.Misbehaviour.HANG)                    # say nothing until the server ends

Commands that `answer` knows: EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA (instead of 354), DOT (after the final dot), RSET,
QUIT. It may be called while the server runs, from any thread. As fixtures: `with mail_server() as s: yield s`.

For servers that break the protocol, see `tests.scripted_smtpd`.
"""

# ruff: noqa: N802  (aiosmtpd finds its hooks by these names)

import asyncio
import email
import email.policy
import logging
import ssl
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import Enum
from functools import cache
from typing import Any, NoReturn

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from aiosmtpd.smtp import Envelope as ReceivedEnvelope
from aiosmtpd.smtp import Session as ClientSession

from delivery.values import Credentials, ServerSettings
from senders.enums import Encryption
from tests.services import AT_ONCE

HOST = "127.0.0.1"
# What the server logs is no log of ours, and it writes whole AUTH lines.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)
logging.getLogger("mail.debug").setLevel(logging.CRITICAL)


class Misbehaviour(Enum):
    """What `answer` may do instead of replying."""

    DROP = "drop"
    """Close the connection without a word."""
    HANG = "hang"
    """Say nothing more until the client leaves or the server ends."""
    TAKE_AND_DROP = "take and drop"
    """After DOT only: take the mail, then close the connection without a word."""


@dataclass(frozen=True)
class ReceivedMail:
    """A mail that the server took."""

    reverse_path: str
    forward_paths: tuple[str, ...]
    mime: bytes = field(repr=False)
    mail_options: tuple[str, ...]
    login: str
    """Who was signed in; empty: nobody."""
    encrypted: bool
    connection: int
    """Number of the connection over which it came, from 1."""

    @property
    def message(self) -> EmailMessage:
        """The parsed mail."""
        parsed = email.message_from_bytes(self.mime, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class _Answer:
    command: str
    reply: "str | Misbehaviour"
    about: str
    times: int | None


@cache
def authority() -> trustme.CA:
    """The one throw-away CA of a test run."""
    return trustme.CA(organization_name="Mail Test CA")


def authority_pem() -> str:
    """The PEM of `authority`, as an admin would paste it."""
    return authority().cert_pem.bytes().decode()


def server_context(
    *names: str, ca: trustme.CA | None = None, certificate: trustme.LeafCert | None = None
) -> ssl.SSLContext:
    """Build a server's TLS context with a certificate for `names` (host names and IP addresses)."""
    leaf = certificate or (ca or authority()).issue_cert(*(names or (HOST, "localhost")))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf.configure_cert(context)
    return context


class MailServer:
    """What a test sees of the running server."""

    def __init__(self, encryption: Encryption, users: Mapping[str, str]) -> None:
        self.encryption = encryption
        self.users = dict(users)
        self.host = HOST
        self.port = 0
        self.mails: list[ReceivedMail] = []
        self.connections = 0
        self.commands: list[str] = []
        """The verbs received, in order, `DOT` included; all connections together."""
        self._answers: list[_Answer] = []
        self._changed = threading.Condition()

    def settings(self, *, login: str = "", password: str | None = None, **changes: Any) -> ServerSettings:
        """Give the settings that work, with `changes`; a `login` brings its right password unless one is given."""
        credentials = Credentials(login, self.users.get(login, "") if password is None else password)
        right: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "encryption": self.encryption,
            "credentials": credentials if login else None,
            "trusted_certificates": "" if self.encryption is Encryption.NONE else authority_pem(),
            "timeout": 10.0,
        }
        return ServerSettings(**(right | changes))

    def answer(self, command: str, reply: str | Misbehaviour, *, about: str = "", times: int | None = None) -> None:
        """Give this reply to `command`, if `about` is in its argument; the latest call that fits wins."""
        with self._changed:
            self._answers.insert(0, _Answer(command, reply, about.lower(), times))

    def behave(self) -> None:
        """Forget all answers given before."""
        with self._changed:
            self._answers.clear()

    def wait_for(self, count: int, timeout: float = AT_ONCE) -> list[ReceivedMail]:
        """Wait until `count` mails have come in; fail if they don't."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self.mails) >= count, timeout)
            assert came, f"{len(self.mails)} of {count} mails within {timeout} s"
            return list(self.mails)

    def wait_for_command(self, command: str, count: int = 1, timeout: float = AT_ONCE) -> None:
        """Wait until `command` was received `count` times."""
        with self._changed:
            came = self._changed.wait_for(lambda: self.commands.count(command) >= count, timeout)
            assert came, f"no {command} within {timeout} s, only {self.commands}"

    def note_connection(self) -> int:
        """Count a connection."""
        with self._changed:
            self.connections += 1
            return self.connections

    def note_mail(self, mail: ReceivedMail) -> None:
        """Keep a mail."""
        with self._changed:
            self.mails.append(mail)
            self._changed.notify_all()

    def take_answer(self, command: str, argument: str) -> "str | Misbehaviour | None":
        """Note the command, and find what is to be answered, if not the usual."""
        with self._changed:
            self.commands.append(command)
            self._changed.notify_all()
            for answer in self._answers:
                if answer.command == command and answer.about in argument.lower() and answer.times != 0:
                    answer.times = None if answer.times is None else answer.times - 1
                    return answer.reply
        return None


class _Handler:
    """Takes mail into the `MailServer`."""

    def __init__(self, seen: MailServer) -> None:
        self.seen = seen

    async def handle_DATA(self, server: "_Protocol", session: ClientSession, envelope: ReceivedEnvelope) -> str:
        answer = self.seen.take_answer("DOT", "")
        if answer is not None and answer is not Misbehaviour.TAKE_AND_DROP and not str(answer).startswith("2"):
            if isinstance(answer, Misbehaviour):
                await server.misbehave(answer)
            return answer
        content = envelope.original_content
        assert content is not None
        mail = ReceivedMail(
            reverse_path=envelope.mail_from or "",
            forward_paths=tuple(envelope.rcpt_tos),
            mime=bytes(content),
            mail_options=tuple(envelope.mail_options),
            login=getattr(session.auth_data, "login", b"").decode() if session.authenticated else "",
            encrypted=session.ssl is not None or self.seen.encryption is Encryption.SSL,
            connection=server.number,
        )
        self.seen.note_mail(mail)
        if isinstance(answer, Misbehaviour):
            await server.misbehave(answer)
        return answer or f"250 2.0.0 Ok: queued as {len(self.seen.mails):012X}"


class _PipeliningHandler(_Handler):
    """Says in EHLO that commands may come before the replies to earlier ones were read."""

    async def handle_EHLO(
        self,
        server: "_Protocol",
        session: ClientSession,
        envelope: ReceivedEnvelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]]


class _Protocol(SMTP):
    """aiosmtpd's server, asked before each command what to answer."""

    def __init__(self, seen: MailServer, handler: _Handler, **options: Any) -> None:
        super().__init__(handler, hostname="mx.test", ident="ESMTP", timeout=600, **options)
        self.seen = seen
        self.number = seen.note_connection()

    async def misbehave(self, how: Misbehaviour) -> NoReturn:
        if how is not Misbehaviour.HANG:
            assert self.transport is not None
            self.transport.abort()  # type: ignore[attr-defined]
        await asyncio.Event().wait()
        raise AssertionError  # connection_lost or the end of the server cancels the wait

    async def _unless_answered(self, command: str, argument: str | None, usual: Coroutine[Any, Any, None]) -> None:
        answer = self.seen.take_answer(command, argument or "")
        if answer is None:
            await usual
            return
        usual.close()
        if isinstance(answer, Misbehaviour):
            await self.misbehave(answer)
        else:
            await self.push(answer)

    async def smtp_EHLO(self, hostname: str) -> None:
        await self._unless_answered("EHLO", hostname, super().smtp_EHLO(hostname))

    async def smtp_STARTTLS(self, arg: str) -> None:
        await self._unless_answered("STARTTLS", arg, super().smtp_STARTTLS(arg))

    async def smtp_AUTH(self, arg: str) -> None:
        await self._unless_answered("AUTH", "", super().smtp_AUTH(arg))

    async def smtp_MAIL(self, arg: str | None) -> None:
        assert self.session is not None
        if self.seen.users and not self.session.authenticated:
            self.seen.take_answer("MAIL", arg or "")
            await self.push("530 5.7.0 Authentication required")
            return
        await self._unless_answered("MAIL", arg, super().smtp_MAIL(arg))

    async def smtp_RCPT(self, arg: str | None) -> None:
        await self._unless_answered("RCPT", arg, super().smtp_RCPT(arg))

    async def smtp_DATA(self, arg: str) -> None:
        await self._unless_answered("DATA", arg, super().smtp_DATA(arg))

    async def smtp_RSET(self, arg: str) -> None:
        await self._unless_answered("RSET", arg, super().smtp_RSET(arg))

    async def smtp_QUIT(self, arg: str) -> None:
        await self._unless_answered("QUIT", arg, super().smtp_QUIT(arg))


@contextmanager
def mail_server(
    encryption: Encryption = Encryption.NONE,
    *,
    users: Mapping[str, str] | None = None,
    names: Sequence[str] = (),
    context: ssl.SSLContext | None = None,
    smtputf8: bool = True,
    size_limit: int = 30_000_000,
    without_mechanisms: Sequence[str] = (),
    pipelining: bool = False,
    port: int = 0,
) -> Iterator[MailServer]:
    """Run a mail server until the block ends.

    Args:
        encryption: SSL: implicit TLS; TLS: STARTTLS is offered and required; NONE: clear text, sign-in too.
        users: Passwords by login; none: no sign-in is offered or wanted.
        names: Host names and IP addresses of its certificate; none: 127.0.0.1 and localhost.
        context: A TLS context of the test's own, such as one with an expired certificate.
        smtputf8: Whether SMTPUTF8 is offered.
        size_limit: The SIZE that is announced.
        without_mechanisms: Of PLAIN and LOGIN, those not to be offered.
        pipelining: Whether PIPELINING is offered.
        port: A port to listen on again, such as one that an earlier server had; 0: any free one.
    """
    seen = MailServer(encryption, users or {})
    if encryption is not Encryption.NONE:
        context = context or server_context(*names)

    def check(
        _server: SMTP, _session: ClientSession, _envelope: ReceivedEnvelope, _mechanism: str, given: LoginPassword
    ) -> AuthResult:
        right = seen.users.get(given.login.decode()) == given.password.decode()
        return AuthResult(success=right, handled=False, auth_data=given)

    def protocol() -> _Protocol:
        return _Protocol(
            seen,
            (_PipeliningHandler if pipelining else _Handler)(seen),
            loop=loop,
            enable_SMTPUTF8=smtputf8,
            data_size_limit=size_limit,
            tls_context=context if encryption is Encryption.TLS else None,
            require_starttls=encryption is Encryption.TLS,
            auth_require_tls=encryption is Encryption.TLS,
            auth_exclude_mechanism=[*without_mechanisms] if seen.users else ["PLAIN", "LOGIN"],
            authenticator=check,
        )

    loop = asyncio.new_event_loop()
    implicit = context if encryption is Encryption.SSL else None
    thread = threading.Thread(target=loop.run_forever, name="mail server of a test")
    thread.start()
    try:
        # In its own thread: a test with a browser has a running loop in this one already.
        creating = loop.create_server(protocol, HOST, port, ssl=implicit)
        listening = asyncio.run_coroutine_threadsafe(creating, loop).result(10)
        seen.port = listening.sockets[0].getsockname()[1]
        try:
            yield seen
        finally:
            asyncio.run_coroutine_threadsafe(_stop(listening), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _stop(listening: asyncio.Server) -> None:
    """End all connections, those in the midst of a TLS handshake too, which no protocol has heard of yet."""
    for _ in range(5):  # connections that were taken a moment ago get their transports, which a closed server forbids
        await asyncio.sleep(0)
    listening.close()
    for transport in list(asyncio.get_running_loop()._transports.values()):  # type: ignore[attr-defined]
        transport.abort()
    for _ in range(5):  # let them close their sockets
        await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)
