"""The one place where errors of sockets, TLS and smtplib become a `SessionError`."""

import errno
import smtplib
import socket
import ssl

from delivery.exceptions import SessionError
from records.enums import Fault, Phase

FOREIGN_ERRORS = (OSError, smtplib.SMTPException, EOFError, UnicodeError)
"""What the standard library raises on the way to and in a session; `OSError` includes ssl's and socket's."""

_NOT_TLS = frozenset(
    {
        "WRONG_VERSION_NUMBER",
        "UNKNOWN_PROTOCOL",
        "HTTP_REQUEST",
        "HTTPS_PROXY_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
        "RECORD_TOO_SMALL",
    }
)
_CERTIFICATE_FAULTS = {
    # Numbers of X509_V_ERR_* in OpenSSL's x509_vfy.h; Python gives them no names.
    2: Fault.CERTIFICATE_UNKNOWN_ISSUER,
    9: Fault.CERTIFICATE_NOT_YET_VALID,
    10: Fault.CERTIFICATE_EXPIRED,
    18: Fault.CERTIFICATE_SELF_SIGNED,
    19: Fault.CERTIFICATE_UNKNOWN_ISSUER,
    20: Fault.CERTIFICATE_UNKNOWN_ISSUER,
    21: Fault.CERTIFICATE_UNKNOWN_ISSUER,
    62: Fault.CERTIFICATE_WRONG_HOST,
    64: Fault.CERTIFICATE_WRONG_HOST,
}
_NAME_NOT_FOUND = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_UNREACHABLE = {
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EHOSTDOWN,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.EACCES,
    errno.EPERM,
    errno.EINVAL,
}
_TIMEOUTS = {Phase.RESOLVE: Fault.NAME_SERVER_SILENT, Phase.CONNECT: Fault.CONNECT_TIMEOUT}


def translate(error: Exception, phase: Phase) -> SessionError:
    """Give the `SessionError` that tells what an error of the standard library means in `phase`.

    Nothing that the other side said is taken over, since error texts may quote it.
    """
    return SessionError(phase, _fault(error, phase), detail=_detail(error))


def _fault(error: Exception, phase: Phase) -> Fault:
    if isinstance(error, TimeoutError):
        return _TIMEOUTS.get(phase, Fault.TIMEOUT)
    if isinstance(error, UnicodeError):  # of getaddrinfo: a label that is too long or empty
        return Fault.NAME_NOT_FOUND if phase is Phase.RESOLVE else Fault.PROTOCOL
    if isinstance(error, socket.gaierror):
        return Fault.NAME_NOT_FOUND if error.errno in _NAME_NOT_FOUND else Fault.NAME_SERVER_SILENT
    if phase is Phase.TLS:
        return _tls_fault(error)
    if phase is Phase.CONNECT and isinstance(error, OSError):
        return _connect_fault(error)
    return Fault.DISCONNECTED


def _tls_fault(error: Exception) -> Fault:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE_FAULTS.get(error.verify_code, Fault.CERTIFICATE_INVALID)
    if isinstance(error, ssl.SSLError) and error.reason in _NOT_TLS:
        return Fault.TLS_NOT_SPOKEN
    return Fault.TLS_HANDSHAKE


def _connect_fault(error: OSError) -> Fault:
    if error.errno == errno.ETIMEDOUT:
        return Fault.CONNECT_TIMEOUT
    return Fault.UNREACHABLE if error.errno in _UNREACHABLE else Fault.CONNECTION_REFUSED


def _detail(error: Exception) -> str:
    """Name the error in words that are OpenSSL's or the kernel's, never the server's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    if isinstance(error, ssl.SSLError):
        return error.reason or type(error).__name__
    if isinstance(error, OSError) and error.errno:
        return errno.errorcode.get(error.errno, type(error).__name__)
    return type(error).__name__
