"""What a user may type into the sender form, and what the connection check is to make of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.postfix.strangers import Stranger
from tests.postfix_server import ADDRESS, BAD_EHLO_NAME, BANNED_SENDER, DOMAIN, FOREIGN_SENDER, LOGIN, PASSWORD, Port
from tests.smtpd import authority_pem

RIGHT: Mapping[str, str] = {
    "host": "127.0.0.1",
    "encryption": "tls",
    "address": ADDRESS,
    "password": PASSWORD,
    "display_name": "Acme",
    "login_method": "address",
    "login_name": "",
    "trusted_certificates": "authority",
    "ehlo_name": "platform.acme.test",
    "reply_to": "",
    "timeout": "30",
    "is_enabled": "on",
    "recipient": f"me@{DOMAIN}",
}
"""What works with `Port.STARTTLS`."""
SSL = {"encryption": "ssl"}
CLEAR = {"encryption": "none", "trusted_certificates": ""}
NO_LOGIN = {"login_method": "none", "password": ""}
UNTRUSTED = {"trusted_certificates": ""}
AS_LOGIN = {"login_method": "login_name", "login_name": LOGIN}
TRUST, SHOWN, GUIDE = "trust_certificate", "shown_certificate", "guide"


@dataclass(frozen=True)
class Scenario:
    """One way to fill in the form, and how its check ends."""

    title: str
    """What was typed, in words."""
    port: Port | Stranger = Port.STARTTLS
    typed: Mapping[str, str] = field(default_factory=dict)
    """What differs from `RIGHT`."""
    step: str = ""
    """The step that fails; empty: none does."""
    cause: str = ""
    """The entry of the error book."""
    offers: tuple[str, ...] = ()
    """What stands beside the failed step: clicks in their order, guide, certificate."""

    def values(self, ports: Mapping[Port | Stranger, int]) -> dict[str, str]:
        """Write what a browser sends."""
        values = {**RIGHT, "port": str(ports[self.port]), **self.typed}
        if values["trusted_certificates"] == "authority":
            values["trusted_certificates"] = authority_pem()
        return values


RIGHT_SETTINGS = (
    Scenario("TLS, signed in with the address"),
    Scenario("TLS, signed in with an account name", typed=AS_LOGIN),
    Scenario("TLS, signed in with the Displayed Name", typed={"login_method": "display_name", "display_name": LOGIN}),
    Scenario("SSL, signed in with the address", Port.SSL, SSL),
    Scenario("No Encryption, signed in with the address", Port.CLEAR, CLEAR),
    Scenario("No Encryption, no sign-in: a relay that trusts this machine", Port.RELAY, CLEAR | NO_LOGIN),
)

WRONG_SETTINGS = (
    Scenario(
        "a mistyped server name",
        typed={"host": "smtp.acme.invalid"},
        step="resolve",
        cause="name-not-found",
        offers=("check_host",),
    ),
    Scenario("a port where nothing listens", Stranger.NOBODY, step="connect", cause="connection-refused-internal"),
    Scenario(
        "TLS on the port of a web server",
        Stranger.WEB,
        step="greeting",
        cause="greeting-timeout",
        offers=("same_port_ssl",),
    ),
    Scenario(
        "SSL on the port of a web server",
        Stranger.WEB,
        SSL,
        step="tls",
        cause="tls-not-spoken",
        offers=("same_port_tls", "use_ssl_465"),
    ),
    Scenario(
        "the port of an SSH server", Stranger.SSH, step="greeting", cause="not-a-mail-server", offers=("check_host",)
    ),
    Scenario(
        "a port that stays silent",
        Stranger.SILENT,
        step="greeting",
        cause="greeting-timeout",
        offers=("same_port_ssl",),
    ),
    Scenario(
        "SSL on the port that speaks TLS",
        Port.STARTTLS,
        SSL,
        step="tls",
        cause="tls-not-spoken",
        offers=("same_port_tls", "use_ssl_465"),
    ),
    Scenario(
        "TLS on the port that speaks SSL",
        Port.SSL,
        step="greeting",
        cause="greeting-timeout",
        offers=("same_port_ssl",),
    ),
    Scenario(
        "No Encryption on the port that speaks SSL",
        Port.SSL,
        CLEAR,
        step="greeting",
        cause="greeting-timeout",
        offers=("same_port_ssl",),
    ),
    Scenario(
        "TLS where the server has none",
        Port.CLEAR,
        step="tls",
        cause="starttls-missing-internal",
        offers=("same_port_none", GUIDE),
    ),
    Scenario(
        "No Encryption where TLS is required",
        Port.STARTTLS,
        CLEAR,
        step="auth",
        cause="auth-needs-encryption",
        offers=("same_port_tls", "use_tls_587"),
    ),
    Scenario(
        "No Encryption and no sign-in where TLS is required",
        Port.STARTTLS,
        CLEAR | NO_LOGIN,
        step="mail",
        cause="starttls-first",
        offers=("same_port_tls", "use_tls_587"),
    ),
    Scenario(
        "no trusted certificate for the CA of one's own company",
        Port.STARTTLS,
        UNTRUSTED,
        step="tls",
        cause="certificate-unknown-issuer",
        offers=(TRUST,),
    ),
    Scenario(
        "the same with SSL, and the server shows its CA",
        Port.SSL,
        SSL | UNTRUSTED,
        step="tls",
        cause="certificate-unknown-issuer",
        offers=(TRUST,),
    ),
    Scenario(
        "the certificate of another CA than the server's",
        Port.FOREIGN_CA,
        step="tls",
        cause="certificate-unknown-issuer",
        offers=(TRUST,),
    ),
    Scenario(
        "a server that signed its certificate itself",
        Port.SELF_SIGNED,
        step="tls",
        cause="certificate-self-signed",
        offers=(TRUST,),
    ),
    Scenario(
        "a server whose certificate has expired", Port.EXPIRED, step="tls", cause="certificate-expired", offers=(SHOWN,)
    ),
    Scenario(
        "a server with the certificate of another server",
        Port.OTHER_HOST,
        step="tls",
        cause="certificate-wrong-host-internal",
        offers=("check_host", GUIDE, SHOWN),
    ),
    Scenario(
        "a wrong password",
        typed={"password": "wrong"},
        step="auth",
        cause="auth-refused-internal",
        offers=("retype_password", "check_login_name"),
    ),
    Scenario(
        "an address that has no account",
        typed={"address": f"nobody@{DOMAIN}"},
        step="auth",
        cause="auth-refused-internal",
        offers=("retype_password", "check_login_name"),
    ),
    Scenario(
        "a wrong account name",
        typed={"login_method": "login_name", "login_name": "mailler"},
        step="auth",
        cause="auth-refused-login-name",
        offers=("check_login_name", "retype_password"),
    ),
    Scenario(
        "the Displayed Name as account name, where it is none",
        typed={"login_method": "display_name"},
        step="auth",
        cause="auth-refused-display-name",
        offers=("sign_in", "retype_password"),
    ),
    Scenario(
        "no sign-in where one is required",
        typed=NO_LOGIN,
        step="rcpt",
        cause="client-refused-no-sign-in",
        offers=("sign_in",),
    ),
    Scenario(
        "a sign-in where the server has none",
        Port.RELAY,
        CLEAR,
        step="auth",
        cause="auth-missing-internal",
        offers=("skip_sign_in", GUIDE),
    ),
    Scenario(
        "the sender address of another account",
        typed={"address": FOREIGN_SENDER} | AS_LOGIN,
        step="rcpt",
        cause="from-differs",
        offers=("check_address",),
    ),
    Scenario(
        "a sender address that the server refuses",
        Port.RELAY,
        CLEAR | NO_LOGIN | {"address": BANNED_SENDER},
        step="rcpt",
        cause="sender-refused",
        offers=("check_address",),
    ),
    Scenario(
        "an EHLO name that is not complete",
        Port.INBOUND,
        CLEAR | NO_LOGIN | {"ehlo_name": BAD_EHLO_NAME},
        step="rcpt",
        cause="ehlo-refused",
        offers=("set_ehlo_name",),
    ),
    Scenario(
        "a recipient outside, on a server that does not relay",
        Port.INBOUND,
        CLEAR | NO_LOGIN | {"recipient": "someone@example.org"},
        step="rcpt",
        cause="relay-denied",
        offers=("sign_in",),
    ),
    Scenario(
        "a recipient who does not exist", typed={"recipient": f"nobody@{DOMAIN}"}, step="rcpt", cause="receiver-unknown"
    ),
    Scenario(
        "a recipient whose mailbox is full", typed={"recipient": f"full@{DOMAIN}"}, step="rcpt", cause="receiver-full"
    ),
    Scenario(
        "a recipient whose server greylists", typed={"recipient": f"slow@{DOMAIN}"}, step="rcpt", cause="greylisted"
    ),
    Scenario("a server that takes only tiny mails", Port.TINY, step="mail", cause="too-large"),
)
