"""Checks where a request comes from: the host name that it asks for, and the page that sent it."""

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

import structlog
from flask import request
from flask_babel import lazy_gettext as _l

from repaircafe.logs import EventType
from repaircafe.web.errors import PageError

log = structlog.get_logger()


def check_host(names: list[str]) -> None:
    """Raises PageError(421) for a host name that is not ours: a foreign name that points here is DNS rebinding."""
    name = _name_in(request.host)
    if name is not None and name not in names:
        log.warning("Host refused", event_type=EventType.AUTHZ_FAILURE, remote=request.remote_addr)
        raise PageError(
            421,
            _l("This computer does not answer to that name."),
            _l("Open it by its IP address, or add the name to TRUSTED_HOSTS in .env and reload the service."),
        )


@lru_cache(maxsize=64)
def _name_in(host: str) -> str | None:
    """The name in a Host header, in lower case; None for an IP address, empty if it is neither."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.lower()
    return None


def check_origin(others: list[str]) -> None:
    """Raises PageError(403) for a request from a page of another site, unless `others` has its origin.

    This is for requests without a token. A program sends no origin, and is allowed. With CORS a browser asks first and
    gets the same refusal; this check also stops a browser that does not ask.
    """
    origin = request.headers.get("Origin", "").lower()
    if not origin or origin.partition("://")[2] == request.host.lower() or origin in others:
        return
    log.warning("Origin refused", event_type=EventType.AUTHZ_FAILURE, path=request.path, remote=request.remote_addr)
    raise PageError(
        403,
        _l("A page of another website may not do this."),
        _l("To let it use the chat, add its origin to ALLOWED_ORIGINS in .env and reload the service."),
    )
