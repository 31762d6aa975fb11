"""What else may listen where a mail server is expected."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from enum import Enum

from tests.scripted_smtpd import Close, Hang, ReadBlock, Say, Step, scripted_server
from tests.services import free_port


class Stranger(Enum):
    """No mail servers."""

    NOBODY = "nobody"
    """Nothing listens."""
    WEB = "web"
    """A web server: waits for a request, and answers whatever comes with an error page."""
    SSH = "ssh"
    """Speaks first, as SSH does."""
    SILENT = "silent"
    """Takes the connection and says nothing."""


_SCRIPTS: Mapping[Stranger, list[Step]] = {
    Stranger.WEB: [ReadBlock(), Say(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), Close()],
    Stranger.SSH: [Say(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), Hang()],
    Stranger.SILENT: [Hang()],
}


@contextmanager
def strangers() -> Iterator[Mapping[Stranger, int]]:
    """Let them listen; gives the port of each."""
    with ExitStack() as stack:
        ports = {kind: stack.enter_context(scripted_server(script)).port for kind, script in _SCRIPTS.items()}
        yield {Stranger.NOBODY: free_port()} | ports
