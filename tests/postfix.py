"""A private Debian postfix: STARTTLS, implicit TLS, clear text, SASL; all in a temporary folder, nothing sent outside.

    from tests.postfix import postfix

    with postfix(users={"alice@example.org": "secret"}) as server:
        settings = server.settings(Encryption.TLS, login="alice@example.org")   # right in all
        ...
        server.wait_for(1)                                                      # mails in the inbox, as bytes

Receivers at example.org are taken (`full@` answers 552, `unknown@` 550, `grey@` 450); others are refused
without a sign-in ("Relay access denied") and parked with one. Needs root, since postfix changes its user.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from delivery.values import Credentials, ServerSettings
from senders.enums import Encryption
from tests.services import MissingServerError, free_port, is_listening, wait_until
from tests.smtpd import HOST, authority, authority_pem

DAEMONS = Path("/usr/lib/postfix/sbin")
DOMAIN = "example.org"
_QUEUES = {
    "active": 0o700, "bounce": 0o700, "corrupt": 0o700, "defer": 0o700, "deferred": 0o700, "flush": 0o700,
    "hold": 0o700, "incoming": 0o700, "private": 0o700, "saved": 0o700, "trace": 0o700, "maildrop": 0o730,
    "public": 0o710,
}  # fmt: skip
_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {daemons}
command_directory = /usr/sbin
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mx.example.org
mydestination =
mynetworks =
inet_interfaces = {host}
inet_protocols = ipv4
alias_maps =
smtpd_peername_lookup = no
message_size_limit = 1000000
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
default_transport = hold:
defer_transports = hold
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{{
  {{ full@{domain} = 552 5.2.2 Mailbox full }}
  {{ unknown@{domain} = 550 5.1.1 User unknown }}
  {{ grey@{domain} = 450 4.7.1 Greylisted }} }}
smtpd_tls_cert_file = {folder}/certificate.pem
smtpd_tls_key_file = {folder}/certificate.pem
smtpd_sasl_auth_enable = yes
cyrus_sasl_config_path = {folder}/sasl
smtpd_sasl_local_domain = {domain}
smtpd_client_connection_rate_limit = 0
"""
_MASTER = """
{host}:{none} inet n - n - - smtpd -o smtpd_tls_security_level=none
{host}:{tls} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes
{host}:{ssl} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
hold unix - - n - - error
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
_SASL = """
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN
sasldb_path: {folder}/sasl/sasldb2
"""


class Postfix:
    """What a test sees of the running postfix."""

    def __init__(self, folder: Path, ports: Mapping[Encryption, int], users: Mapping[str, str]) -> None:
        self.host = HOST
        self.ports = dict(ports)
        self.users = dict(users)
        self._folder = folder

    def settings(
        self, encryption: Encryption, /, *, login: str = "", password: str | None = None, **changes: Any
    ) -> ServerSettings:
        """Give the settings that work with the port of this encryption, with `changes`."""
        credentials = Credentials(login, self.users.get(login, "") if password is None else password)
        right: dict[str, Any] = {
            "host": self.host,
            "port": self.ports[encryption],
            "encryption": encryption,
            "credentials": credentials if login else None,
            "trusted_certificates": "" if encryption is Encryption.NONE else authority_pem(),
            "timeout": 10.0,
        }
        return ServerSettings(**(right | changes))

    @property
    def mails(self) -> list[bytes]:
        """The mails in the inbox, whatever the receiver, oldest first."""
        return [path.read_bytes() for path in sorted((self._folder / "mail/inbox/new").glob("*"))]

    def wait_for(self, count: int) -> list[bytes]:
        """Wait until `count` mails are in the inbox."""
        wait_until(lambda: len(self.mails) >= count, what=f"{count} mails in the inbox")
        return self.mails

    def wait_for_mail_with(self, words: bytes) -> bytes:
        """Wait for the mail that holds `words`."""
        wait_until(lambda: any(words in mail for mail in self.mails), what=f"a mail with {words!r}")
        return next(mail for mail in self.mails if words in mail)

    @property
    def log(self) -> str:
        """What postfix logged."""
        return (self._folder / "log").read_text(errors="replace")


@contextmanager
def postfix(*, users: Mapping[str, str], names: tuple[str, ...] = (HOST, "localhost")) -> Iterator[Postfix]:
    """Run postfix until the block ends.

    Args:
        users: Passwords by login, logins being `name@example.org`.
        names: What its certificate, by the test's own CA, is for.

    Raises:
        MissingServerError: Postfix or saslpasswd2 is not installed, or this process is not root.
    """
    if os.geteuid() != 0 or not (DAEMONS / "master").exists() or shutil.which("saslpasswd2") is None:
        raise MissingServerError("root, and Debian's postfix and sasl2-bin")
    folder = Path(tempfile.mkdtemp(prefix="postfix-"))
    try:
        ports = {encryption: free_port() for encryption in Encryption}
        _furnish(folder, ports, users, names)
        process = subprocess.Popen([DAEMONS / "master", "-c", folder, "-d"], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: all(map(is_listening, ports.values())), what="postfix")
            yield Postfix(folder, ports, users)
        finally:
            process.terminate()
            process.wait(10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _furnish(folder: Path, ports: Mapping[Encryption, int], users: Mapping[str, str], names: tuple[str, ...]) -> None:
    folder.chmod(0o755)
    for name, mode in _QUEUES.items():
        _make(folder / "queue" / name, mode, owner="postfix", group="postdrop" if mode & 0o070 else "postfix")
    _make(folder / "queue" / "pid", 0o755, owner="root", group="root")
    _make(folder / "data", 0o700, owner="postfix", group="postfix")
    _make(folder / "mail", 0o700, owner="nobody", group="nogroup")
    _make(folder / "sasl", 0o750, owner="root", group="postfix")
    values = {"folder": folder, "daemons": DAEMONS, "host": HOST, "domain": DOMAIN, "uid": 65534}
    numbers = {encryption.value: port for encryption, port in ports.items()}
    (folder / "main.cf").write_text(_MAIN.format(**values))
    (folder / "master.cf").write_text(_MASTER.format(host=HOST, **numbers))
    (folder / "sasl" / "smtpd.conf").write_text(_SASL.format(folder=folder))
    (folder / "certificate.pem").write_bytes(authority().issue_cert(*names).private_key_and_cert_chain_pem.bytes())
    (folder / "certificate.pem").chmod(0o600)
    for login, password in users.items():
        _add_user(folder / "sasl" / "sasldb2", login, password)


def _make(folder: Path, mode: int, *, owner: str, group: str) -> None:
    folder.mkdir(parents=True)
    folder.chmod(mode)
    shutil.chown(folder, owner, group)


def _add_user(database: Path, login: str, password: str) -> None:
    name, _, realm = login.partition("@")
    command = ["saslpasswd2", "-p", "-c", "-f", str(database), "-u", realm or DOMAIN, name]
    subprocess.run(command, input=password.encode(), check=True, capture_output=True)
    shutil.chown(database, "root", "postfix")
    database.chmod(0o640)
