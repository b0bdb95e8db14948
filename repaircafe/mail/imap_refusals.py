"""Why an IMAP server says no: its code in brackets (RFC 5530), or what hosters write instead."""

import errno
import re
import ssl
from collections.abc import Mapping
from types import MappingProxyType

from repaircafe.neighbours.http import translate
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError

_WORDS: tuple[tuple[re.Pattern[str], Reason], ...] = (
    (re.compile(r"app(lication)?[- ]?(specific)?[- ]?password", re.IGNORECASE), Reason.APP_PASSWORD),
    (re.compile(r"oauth|basic ?auth", re.IGNORECASE), Reason.OAUTH_ONLY),
    (
        re.compile(
            r"imap[^.]{0,40}(disabled|not enabled|not allowed|deaktiv|uitgeschakeld|désactiv)"
            r"|(enable|activate)[^.]{0,20} imap|not enabled for imap",
            re.IGNORECASE,
        ),
        Reason.IMAP_OFF,
    ),
    (re.compile(r"too many|try again|later|temporar", re.IGNORECASE), Reason.SERVER_BUSY),
)
"""Google, Zoho and others write this behind a code that only says that the sign-in failed."""
_CODES: Mapping[str, Reason] = MappingProxyType(
    {
        "REFERRAL": Reason.REDIRECTED,  # RFC 2221
        "PRIVACYREQUIRED": Reason.NO_TLS,
        "UNAVAILABLE": Reason.SERVER_BUSY,
        "INUSE": Reason.SERVER_BUSY,
        "LIMIT": Reason.SERVER_BUSY,
        "SERVERBUG": Reason.SERVER_BUSY,
        "AUTHENTICATIONFAILED": Reason.AUTH_REFUSED,
        "AUTHORIZATIONFAILED": Reason.AUTH_REFUSED,
        "EXPIRED": Reason.AUTH_REFUSED,
    }
)
_CODE = re.compile(r"\[([A-Z-]+)")
_CERTIFICATES: Mapping[int, Reason] = MappingProxyType(
    {10: Reason.CERTIFICATE_EXPIRED, 62: Reason.CERTIFICATE_NAME, 64: Reason.CERTIFICATE_NAME}
)
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED, _HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH. The others mean that nobody whom
we know vouches for the certificate."""
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")
"""What OpenSSL says if the answer to its first words is no TLS."""
_TEMPORARY = (Reason.SERVER_BUSY,)


def refusal(said: bytes, otherwise: Reason) -> NeighbourError:
    """The error for a NO or BAD of the server. Its words may quote us, so the error does not contain them."""
    text = said.decode(errors="replace")
    code = _CODE.search(text)
    found = next((reason for pattern, reason in _WORDS if pattern.search(text)), None)
    reason = found or _CODES.get(code[1] if code else "", otherwise)
    return TemporaryError(reason) if reason in _TEMPORARY else PermanentError(reason)


def of_socket(error: OSError) -> NeighbourError:
    """The error for what a socket raised, before or within TLS."""
    match error:
        case ssl.SSLCertVerificationError():
            return PermanentError(_CERTIFICATES.get(error.verify_code, Reason.CERTIFICATE_UNKNOWN))
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ssl.SSLSyscallError():
            return TemporaryError(Reason.RESET)
        case ssl.SSLError() if error.reason in _NOT_TLS:
            return PermanentError(Reason.NO_TLS)
    return TemporaryError(Reason.RESET) if error.errno == errno.ENOTCONN else translate(error)
