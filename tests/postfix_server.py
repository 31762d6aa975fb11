"""A private postfix, as Debian has it: real TLS, real SASL, real refusals, on free ports of 127.0.0.1.

    from tests.postfix_server import Port, postfix

    with postfix() as server:
        server.port(Port.STARTTLS)              # where each kind of server listens
        server.settings(Port.STARTTLS)          # right in all, signed in
        server.wait_for_mail_with("me@acme.test", b"Subject: x")

Configuration, queue, passwords and mailboxes live in a temporary folder; nothing global is touched. Needs root, since
postfix does. Nothing leaves the machine: mail for other domains is thrown away.
"""

import contextlib
import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import trustme

from delivery.values import Credentials, ServerSettings
from senders.enums import Encryption
from tests.delivery.smtp.certificates import self_signed
from tests.services import MissingServerError, free_ports, running, wait_until
from tests.smtpd import HOST, authority, authority_pem

DAEMONS = Path("/usr/lib/postfix/sbin")
DOMAIN = "acme.test"
NAME = f"mail.{DOMAIN}"
"""The name by which the server greets; its certificates are for 127.0.0.1."""
ADDRESS = f"noreply@{DOMAIN}"
LOGIN = "mailer"
"""An account name that may send as `ADDRESS` too, as with Exchange."""
PASSWORD = "canary-7Qx!密码-pw"
RECEIVERS = ("me", "ops", "slow", "full")
"""Mailboxes below `DOMAIN`. Mail to `slow` is put off as greylisting does, and `full` has no room."""
BAD_EHLO_NAME = "localhost"
"""Refused by `Port.INBOUND`."""
BANNED_SENDER = f"banned@{DOMAIN}"
"""Taken from nobody."""
FOREIGN_SENDER = f"boss@{DOMAIN}"
"""Belongs to an account that is not ours."""
SIZE_LIMIT, TINY_SIZE_LIMIT = 50_000, 600


class Port(Enum):
    """The kinds of server that one postfix is here."""

    STARTTLS = "starttls"
    """Submission: STARTTLS and sign-in are required (port 587 elsewhere). Shows its own certificate only."""
    SSL = "ssl"
    """Submissions: TLS from the first byte, sign-in required (465). Shows its CA too."""
    CLEAR = "clear"
    """No encryption offered; the sign-in is offered in clear text."""
    RELAY = "relay"
    """No encryption, no sign-in: trusts this machine and relays for it (25 of an internal relay)."""
    INBOUND = "inbound"
    """No sign-in; takes mail for its own mailboxes only, and looks at the EHLO name (25 of an MX)."""
    TINY = "tiny"
    """As STARTTLS, takes next to nothing."""
    SELF_SIGNED = "self_signed"
    """As STARTTLS, with a certificate that it made for itself."""
    EXPIRED = "expired"
    """As STARTTLS, with a certificate that was valid until yesterday."""
    OTHER_HOST = "other_host"
    """As STARTTLS, with a certificate for another name."""
    FOREIGN_CA = "foreign_ca"
    """As STARTTLS, with a certificate of a CA that nobody here knows."""


_SIGNS_IN = ("smtpd_sasl_auth_enable=yes", "smtpd_relay_restrictions=permit_sasl_authenticated,reject")
_STARTTLS = (*_SIGNS_IN, "smtpd_tls_security_level=encrypt", "smtpd_tls_auth_only=yes")
_UNENCRYPTED = "smtpd_tls_security_level=none"
_HELO = "smtpd_helo_restrictions=reject_invalid_helo_hostname,reject_non_fqdn_helo_hostname"
_OPTIONS: Mapping[Port, tuple[str, ...]] = {
    Port.STARTTLS: _STARTTLS,
    Port.SSL: (*_SIGNS_IN, "smtpd_tls_wrappermode=yes"),
    Port.CLEAR: (*_SIGNS_IN, _UNENCRYPTED),
    Port.RELAY: (_UNENCRYPTED, f"mynetworks={HOST}/32"),
    Port.INBOUND: (_UNENCRYPTED, _HELO),
    Port.TINY: (*_STARTTLS, f"message_size_limit={TINY_SIZE_LIMIT}"),
    Port.SELF_SIGNED: _STARTTLS,
    Port.EXPIRED: _STARTTLS,
    Port.OTHER_HOST: _STARTTLS,
    Port.FOREIGN_CA: _STARTTLS,
}
_QUEUES = {
    "active": 0o700, "bounce": 0o700, "corrupt": 0o700, "defer": 0o700, "deferred": 0o700, "flush": 0o700,
    "hold": 0o700, "incoming": 0o700, "private": 0o700, "saved": 0o700, "trace": 0o700, "maildrop": 0o730,
    "public": 0o710,
}  # fmt: skip
"""The folders of the queue with their modes; those that a group may enter belong to `postdrop`."""
_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {daemons}
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = {name}
mydestination =
mynetworks =
inet_interfaces = {host}
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_client_connection_rate_limit = 0
default_transport = discard
relay_transport = discard
message_size_limit = {size_limit}
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{{mailboxes}}}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/starttls.pem
cyrus_sasl_config_path = {folder}/sasl
smtpd_sasl_local_domain = {domain}
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_sender_login_maps = inline:{{
  {{ {address} = {address} {login}@{domain} }}
  {{ {foreign} = {foreign} }} }}
smtpd_sender_restrictions =
  check_sender_access inline:{{ {{ {banned} = 550 5.7.1 Sender not wanted here }} }}
  reject_authenticated_sender_login_mismatch
smtpd_recipient_restrictions = check_recipient_access inline:{{
  {{ slow@{domain} = 450 4.2.0 Greylisted, try again in 300 seconds }}
  {{ full@{domain} = 552 5.2.2 Mailbox full }} }}
"""
_MASTER = """
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
proxymap  unix  -       -       n       -       -       proxymap
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
postlog   unix-dgram n  -       n       -       1       postlogd
"""
_SASL = """
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN
sasldb_path: {folder}/sasl/users.db
"""


@dataclass(frozen=True)
class Postfix:
    """A running postfix."""

    folder: Path
    ports: Mapping[Port, int]
    host: str = HOST

    def port(self, kind: Port) -> int:
        """Tell where this kind of server listens."""
        return self.ports[kind]

    def settings(self, kind: Port, **changes: Any) -> ServerSettings:
        """Give settings of a session that are right, signed in where that is possible, with `changes`."""
        is_encrypted = kind not in {Port.CLEAR, Port.RELAY, Port.INBOUND}
        encrypted = Encryption.SSL if kind is Port.SSL else Encryption.TLS
        right: dict[str, Any] = {
            "host": self.host,
            "port": self.port(kind),
            "encryption": encrypted if is_encrypted else Encryption.NONE,
            "credentials": None if kind in {Port.RELAY, Port.INBOUND} else Credentials(ADDRESS, PASSWORD),
            "trusted_certificates": authority_pem() if is_encrypted else "",
            "ehlo_name": f"platform.{DOMAIN}",
            "timeout": 10.0,
        }
        return ServerSettings(**(right | changes))

    def mails(self, receiver: str) -> list[bytes]:
        """Read what arrived for a receiver, as postfix stored it."""
        arrived = (self.folder / "mail" / receiver / "new").glob("*")
        return [path.read_bytes() for path in sorted(arrived)]

    def wait_for_mail_with(self, receiver: str, words: bytes) -> bytes:
        """Wait until a mail that holds `words` arrived for a receiver."""
        wait_until(lambda: any(words in mail for mail in self.mails(receiver)), what=f"a mail with {words!r}")
        return next(mail for mail in self.mails(receiver) if words in mail)

    @property
    def log(self) -> str:
        """All that postfix has logged."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""


@contextlib.contextmanager
def postfix() -> Iterator[Postfix]:
    """Run a private postfix, with the accounts `ADDRESS` and `LOGIN`.

    Raises:
        MissingServerError: postfix or the SASL tools are not installed, or this is not root.
    """
    _require()
    with (
        tempfile.TemporaryDirectory(prefix="mailbox-postfix-", ignore_cleanup_errors=True) as name,
        contextlib.ExitStack() as kept,
    ):
        with _alone():
            server = Postfix(Path(name), dict(zip(Port, free_ports(len(Port)), strict=True)))
            _furnish(server)
            # Not through the command `postfix`, whose master leaves the process that was started.
            command = [str(DAEMONS / "master"), "-c", name, "-d"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
            kept.enter_context(running(process))
            wait_until(lambda: _is_up(server, process), what="the start of postfix")
        yield server


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let no other suite choose ports for its postfix before this one listens: it would share them without a word."""
    with (Path(tempfile.gettempdir()) / "mailbox-postfix.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_up(server: Postfix, process: subprocess.Popen[str]) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"postfix exited with {process.returncode}: {server.log[-1500:]}")
    return "daemon started" in server.log


def _require() -> None:
    if not (DAEMONS / "master").exists() or not _saslpasswd():
        raise MissingServerError("postfix with SASL: apt-get install postfix sasl2-bin libsasl2-modules")
    if os.geteuid() != 0:
        raise MissingServerError("root: postfix starts as root only")


def _saslpasswd() -> str:
    return shutil.which("saslpasswd2", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""


def _furnish(server: Postfix) -> None:
    folder, nobody = server.folder, pwd.getpwnam("nobody")
    folder.chmod(0o755)
    for name, mode in _QUEUES.items():
        _make(folder / "queue" / name, mode, "postfix", "postdrop" if mode & 0o070 else "postfix")
    _make(folder / "queue/pid", 0o755, "root", "root")
    _make(folder / "data", 0o700, "postfix", "postfix")
    _make(folder / "mail", 0o700, nobody.pw_uid, nobody.pw_gid)
    _make(folder / "sasl", 0o750, "root", "postfix")
    _write_certificates(folder)
    main = _MAIN.format(
        folder=folder, daemons=DAEMONS, name=NAME, host=HOST, domain=DOMAIN, size_limit=SIZE_LIMIT, uid=nobody.pw_uid,
        gid=nobody.pw_gid, mailboxes=", ".join(f"{local}@{DOMAIN}={local}@{DOMAIN}/" for local in RECEIVERS),
        address=ADDRESS, login=LOGIN, foreign=FOREIGN_SENDER, banned=BANNED_SENDER,
    )  # fmt: skip
    (folder / "main.cf").write_text(main)
    (folder / "master.cf").write_text(_MASTER + "".join(_service(server, kind) for kind in Port))
    (folder / "sasl/smtpd.conf").write_text(_SASL.format(folder=folder))
    _add_users(folder / "sasl/users.db")


def _make(folder: Path, mode: int, owner: str | int, group: str | int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(mode)
    shutil.chown(folder, owner, group)


def _service(server: Postfix, kind: Port) -> str:
    certificate = server.folder / f"{kind.value}.pem"
    options = [*_OPTIONS[kind], f"syslog_name={kind.value}"]
    if certificate.exists():
        options.append(f"smtpd_tls_chain_files={certificate}")
    written = "".join(f"\n  -o {option}" for option in options)
    return f"{HOST}:{server.port(kind)} inet n - n - - smtpd{written}\n"


def _write_certificates(folder: Path) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    in_a_year = yesterday + timedelta(days=366)
    issued = {
        Port.STARTTLS: authority().issue_cert(HOST, not_after=in_a_year),
        Port.SSL: authority().issue_cert(HOST, not_after=in_a_year),
        Port.SELF_SIGNED: self_signed(HOST),
        Port.EXPIRED: authority().issue_cert(HOST, not_before=yesterday - timedelta(days=90), not_after=yesterday),
        Port.OTHER_HOST: authority().issue_cert(f"mail2.{DOMAIN}", not_after=in_a_year),
        Port.FOREIGN_CA: trustme.CA(organization_name="Another CA").issue_cert(HOST, not_after=in_a_year),
    }
    for kind, leaf in issued.items():
        chain = [leaf.private_key_pem, *leaf.cert_chain_pems]
        if kind is Port.SSL:
            chain.append(authority().cert_pem)
        path = folder / f"{kind.value}.pem"
        path.touch(0o600)
        path.write_bytes(b"".join(part.bytes() for part in chain))


def _add_users(database: Path) -> None:
    for name in (ADDRESS.partition("@")[0], LOGIN):
        command = [_saslpasswd(), "-p", "-c", "-f", str(database), "-u", DOMAIN, name]
        subprocess.run(command, input=PASSWORD.encode(), check=True, capture_output=True)
    shutil.chown(database, "root", "postfix")
    database.chmod(0o640)
