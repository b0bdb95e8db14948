"""Validates single values of `.env` beyond their type, without the other values.

Each function that refuses a value raises ValueError, which says what is wrong and never quotes a secret.
"""

import ipaddress
from urllib.parse import parse_qs, quote, unquote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr
from werkzeug.security import check_password_hash

from repaircafe.limits import MIN_SECRET_CHARS

HASHES = ("scrypt:", "pbkdf2:")
"""The beginnings of werkzeug's password hashes."""


def comma_list(value: str) -> list[str]:
    """The parts between commas, stripped, without empty ones."""
    return [part.strip() for part in value.split(",") if part.strip()]


def is_loopback(host: str) -> bool:
    """Whether a host name or address always means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def capitals(text: object) -> object:
    """The text in capitals; any other object as it is."""
    return text.upper() if isinstance(text, str) else text


def lower_case(text: object) -> object:
    """The text in small letters; any other object as it is."""
    return text.lower() if isinstance(text, str) else text


def host_name(text: str) -> str:
    """A host name or an IP address, or an empty text: nothing that belongs into another variable."""
    if any(mark in text for mark in "/@ ,"):
        raise ValueError("is more than the name of a server")
    if text.count(":") == 1:
        raise ValueError("contains a port; that is IMAP_PORT")
    return text


def absolute_path(text: str) -> str:
    """An absolute path or an empty text: the service and the commands run in different folders."""
    if text and not text.startswith("/"):
        raise ValueError("is not an absolute path")
    return text


def safe_token_uri(text: str) -> str:
    """An address that a token may be sent to."""
    parts = urlsplit(text)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
        return text
    raise ValueError("would send the token unprotected")


def origins(text: str) -> str:
    """Origins, separated by commas. Wildcards are refused."""
    for origin in comma_list(text):
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or "*" in origin:
            raise ValueError(f"{origin!r} is not an origin")
    return text


def ip_address(text: str) -> str:
    """An IP address, or the name localhost."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if text != "localhost":
            raise ValueError(f"{text!r} is not an IP address") from None
    return text


def check_hash(password: str) -> None:
    """Refuses an incomplete hash. A text that does not begin like a hash is a plain password."""
    if not password.startswith(HASHES):
        return
    try:
        parts = password.split("$")
        whole = len(parts) == 3 and all(parts) and not check_password_hash(password, "")
    except ValueError:
        whole = False
    if not whole:
        raise ValueError("is not a whole hash; put a password there, then run flask operator-password")


def bearer_token(key: SecretStr | None) -> SecretStr | None:
    """A key that can be sent as a Bearer token: no space, no character beyond ASCII (RFC 6750, section 2.1)."""
    if key and not all("!" <= character <= "~" for character in key.get_secret_value()):
        raise ValueError("holds a space or a character that is not ASCII")
    return key


def with_password(url: str, password: str | None) -> str:
    """The URL with the password instead of `${POSTGRES_PASSWORD}`, escaped for a URL.

    The `flask` command lets python-dotenv insert the password without escaping, and a password with `@` in it would
    break the URL. So this also escapes a password that is already inserted.
    """
    if password is None:
        return url
    safe = quote(password, safe="")
    return url.replace("${POSTGRES_PASSWORD}", safe).replace(f":{password}@", f":{safe}@", 1)


def check_database_url(url: str) -> None:
    """Refuses what libpq cannot read, an address without host or database, and a password that is too short."""
    if "${" in url:
        raise ValueError("uses a ${…} that is not set")
    if not url.startswith("postgresql://"):
        raise ValueError("is not a postgresql:// URL; PostgreSQL is the only database")
    try:
        parts = urlsplit(url)
        named = bool(parts.path.strip("/")) and (bool(parts.hostname) or "host=" in parts.query)
        _ = "," in parts.netloc or parts.port  # with several hosts, each may have a port; libpq parses them
    except ValueError:
        raise ValueError("cannot be read as a URL") from None
    if parts.password is not None and not parts.password:
        raise ValueError("has an empty password; is POSTGRES_PASSWORD set?")
    if any(len(password) < MIN_SECRET_CHARS for password in passwords_of(url)):
        raise ValueError(f"has a password of fewer than {MIN_SECRET_CHARS} characters")
    if not named:
        raise ValueError("names no host or no database")
    try:
        conninfo_to_dict(url)
    except psycopg.Error:  # its message quotes the password
        problem = "cannot be read by PostgreSQL's own library; in a password % is written %25, a space %20"
        raise ValueError(problem) from None


def passwords_of(url: str) -> list[str]:
    """The passwords that libpq would read from the URL."""
    parts = urlsplit(url)
    in_query = parse_qs(parts.query)
    found = [value for name in ("password", "sslpassword") for value in in_query.get(name, ())]
    return [unquote(parts.password), *found] if parts.password else found
