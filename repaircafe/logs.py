"""Structured logs: one JSON object per line, with a constant message, and without the value of any secret.

What libraries log through the standard library is written in the same way.
"""

import base64
import html
import json
import logging
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

import structlog
from flask import Flask, Response, current_app, g, has_request_context, request
from structlog.typing import EventDict, Processor, WrappedLogger

from repaircafe.environment import Environment, LogFormat

REDACTED = "[redacted]"
FIELDS = ("event_type", "request_id", "user_id", "resource_id", "exception")
"""The fields of every line, null if they do not apply, so that a query never has to ask whether they exist."""

View = TypeVar("View", bound=Callable[..., object])

log = structlog.get_logger()

REFUSED = (400, 413, 415, 422)
"""The statuses of a request that we did not understand, or whose values we did not accept."""

_IN_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(@)")


class EventType(StrEnum):
    """What a line is about. This is the complete list."""

    AUTH_FAILURE = "auth_failure"
    AUTHZ_FAILURE = "authz_failure"
    DB_ERROR = "db_error"
    VALIDATION_ERROR = "validation_error"
    STARTUP_ERROR = "startup_error"
    STARTUP = "startup"
    MIGRATION = "migration"
    BACKUP = "backup"
    REPLY = "reply"
    REQUEST = "request"
    HEALTH_TRANSITION = "health_transition"
    CONNECTION_TEST = "connection_test"
    CONFIG_CHANGED = "config_changed"
    DOWNLOAD = "download"
    ANNOUNCEMENT = "announcement"
    MAIL = "mail"
    SIGN_IN = "sign_in"
    WATCHDOG = "watchdog"
    INTERNAL_ERROR = "internal_error"
    LIBRARY = "library"


class Redactor:
    """Removes the given secrets from any text, in every form in which a library may print them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if form}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(form) for form in longest_first)) if forms else None

    def text(self, value: str) -> str:
        """The text without any secret, and without the password of any URL."""
        found = self._pattern.sub(REDACTED, value) if self._pattern else value
        return _IN_URL.sub(rf"\1{REDACTED}\2", found)

    def holds_secret(self, value: str) -> bool:
        """Whether the text contains a secret."""
        return bool(self._pattern and self._pattern.search(value))

    def value(self, value: Any) -> Any:
        """The value without any secret, inside dictionaries and lists too. A value of another type becomes text."""
        match value:
            case str():
                return self.text(value)
            case None | bool() | int() | float():
                return value
            case dict():
                return {self.text(str(key)): self.value(part) for key, part in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.value(part) for part in value]
        return self.text(str(value))

    def __call__(self, _logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        """Redacts a line. This is the last structlog processor before the renderer."""
        return {self.text(str(key)): self.value(part) for key, part in event.items()}


def _forms(secret: str) -> set[str]:
    """A secret as it may be printed: as it is, in a URL, in a Python or JSON string, in HTML, as Basic credentials."""
    basic = base64.b64encode(f"operator:{secret}".encode()).decode()
    literals = {repr(secret)[1:-1], ascii(secret)[1:-1], repr(secret.encode())[2:-1]}
    strings = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], html.escape(secret)}
    in_urls = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    in_urls |= {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), form) for form in in_urls}
    return {secret, basic, *literals, *strings, *in_urls}


def configure(environment: Environment, *, quiet: bool = False) -> Redactor:
    """Sets up all logging of the process, to stderr. Returns the redactor of its secrets.

    `quiet` logs only errors and worse, so that a command prints little beside its own output.
    """
    redactor = Redactor(environment.secret_values())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.CallsiteParameterAdder(
            [structlog.processors.CallsiteParameter.MODULE, structlog.processors.CallsiteParameter.FUNC_NAME]
        ),
        structlog.processors.format_exc_info,
        _name_fields,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redactor, _renderer(environment)],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # gunicorn loads the app before it forks, and tests configure again
    )
    level = max(logging.getLevelName(environment.log_level), logging.ERROR if quiet else 0)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    _quiet_libraries()
    return redactor


def _quiet_libraries() -> None:
    """Silences loggers that repeat for each request what the monitor logs once, or that print URLs with parameters."""
    for name in ("sqlalchemy.pool", "urllib3", "psycopg", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in ("alembic", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _name_fields(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Gives the fields of every line our names, in one order, whichever library logged it."""
    ours = event.get("_from_structlog", True)
    line: EventDict = {
        "timestamp": event.pop("timestamp"),
        "level": event.pop("level"),
        "message": event.pop("event"),
        "module": event.pop("module", None),
        "function": event.pop("func_name", None),
    }
    for field in FIELDS:
        line[field] = event.pop(field, None)
    if line["event_type"] is None:
        line["event_type"] = EventType.INTERNAL_ERROR if ours and line["exception"] else EventType.LIBRARY
    return {**line, **event}


def _renderer(environment: Environment) -> Processor:
    chosen = environment.log_format or (LogFormat.CONSOLE if sys.stderr.isatty() else LogFormat.JSON)
    if chosen is LogFormat.JSON:
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return _console


def _console(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
    """A line for a person: time, level, message, and the other fields that are not empty; a traceback below it."""
    hidden = {"timestamp", "level", "message", "module", "function", "exception", "event_type"}
    rest = " ".join(f"{key}={part}" for key, part in event.items() if key not in hidden and part is not None)
    head = f"{str(event['timestamp'])[11:19]} {event['level']!s:<8} {event['message']}  {rest}".rstrip()
    return f"{head}\n{event['exception']}" if event.get("exception") else head


def polled(view: View) -> View:
    """Marks a view that machines and open tabs ask all the time: its requests are logged only at DEBUG.

    A line for each of them would wear out the SD card.
    """
    view.polled = True  # type: ignore[attr-defined]
    return view


def is_polled() -> bool:
    """Whether the request's view is marked as polled."""
    return hasattr(current_app.view_functions.get(request.endpoint or ""), "polled")


def name_faults(names: Iterable[str]) -> None:
    """Stores the names of the fields that we did not accept, for the log line "Input refused" of this request.

    A command has no such line.
    """
    if has_request_context():
        g.faults = sorted(names)


def watch_requests(app: Flask, count: Callable[[bool], None]) -> None:
    """Gives each request an id and logs one line for it, and another line if its input was refused.

    The lines, the error page and the X-Request-ID header have the same id. `count` is called for each request; its
    argument is whether the request failed by our own fault.
    """

    def begin() -> None:
        g.began = time.monotonic()
        g.request_id = secrets.token_hex(8)
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    def end(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        count(response.status_code == 500)
        _log_request(response.status_code)
        return response

    def forget(_error: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()

    app.before_request(begin)
    app.after_request(end)
    app.teardown_request(forget)


def _log_request(status: int) -> None:
    if status in REFUSED:
        faults = g.get("faults", [])
        log.info("Input refused", event_type=EventType.VALIDATION_ERROR, status=status, fields=faults)
    is_routine = (request.endpoint == "static" or is_polled()) and status != 500
    level = logging.DEBUG if is_routine else logging.INFO
    if not logging.getLogger().isEnabledFor(level):
        return
    log.log(
        level,
        "Request answered",
        event_type=EventType.REQUEST,
        method=request.method,
        path=request.path,
        status=status,
        duration_ms=round((time.monotonic() - g.began) * 1000, 1),
        remote=request.remote_addr,
    )
