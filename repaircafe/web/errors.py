"""Our few error types, and how any error becomes problem+json (RFC 9457) or a page with the same request id.

A command has no page: `plain_failures` prints the same explanations as sentences.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import click
import structlog
from flask import Flask, Response, g, make_response, render_template
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from gunicorn.http.errors import ParseException
from pydantic import BaseModel, ConfigDict
from werkzeug.exceptions import HTTPException

from repaircafe.database.errors import AwayError, SchemaError, lacking_right, reason_in_health
from repaircafe.limits import RETRY_AFTER_S
from repaircafe.logs import EventType, is_polled
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason, Text
from repaircafe.web.negotiation import is_htmx, retargeted, saves_itself, uncached, wants_json

STOP_POLLING = 286
"""The status that makes htmx stop polling (its documentation, 'hx-trigger', 'Polling')."""
EXIT_NOT_OK = 1
"""The exit code of a command that did not do what it was asked to do."""
EXIT_USAGE = 2
"""The exit code of a command that does not understand its arguments; click uses it too."""

log = structlog.get_logger()


class PageError(Exception):
    """An error with a page: its HTTP status, a title, and what to do next."""

    def __init__(self, status: int, title: Text, cure: Text, **extra: Any) -> None:
        super().__init__(str(title))
        self.status = status
        self.title = title
        self.cure = cure
        self.extra = extra
        self.headers: dict[str, str] = {}


class Problem(BaseModel):
    """An error for programs (RFC 9457). Some errors have more members. The log has the same `request_id`."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None


def tell_program(status: int, faults: Mapping[str, Text], problem: Text | None = None) -> None:
    """Raises a refused form's faults as a PageError if a program has sent it. A browser gets its page back instead."""
    if wants_json():
        title = problem or " ".join(str(fault) for fault in faults.values())
        raise PageError(status, title, _("Correct the values and send them again."))


def neighbour_away(neighbour: Neighbour, reason: Reason) -> PageError:
    """A 503 with the explanation of the reason and a Retry-After header: not our fault, try again later."""
    explanation = explain(neighbour, reason)
    error = PageError(503, explanation.sentence, explanation.cure, service=neighbour.value, reason=reason.value)
    error.headers["Retry-After"] = str(RETRY_AFTER_S)
    return error


@contextmanager
def plain_failures() -> Iterator[None]:
    """Ends a command with one sentence, what to do, and exit code 1 if the database is unavailable or has no tables.

    The same happens if the database's user lacks a right.
    """
    try:
        yield
    except SchemaError as error:
        fail(str(error))
    except Exception as error:
        if lacks := lacking_right(error):
            fail(lacks)
        if (reason := reason_in_health(error)) is None:
            raise
        explanation = explain(Neighbour.DB, reason)
        fail(f"{explanation.sentence}\nWhat to do: {explanation.cure}")


def fail(message: str, code: int = EXIT_NOT_OK) -> NoReturn:
    """Ends a command with this exit code, and prints the message on stderr."""
    click.echo(message, err=True)
    raise SystemExit(code)


def answer(error: PageError) -> Response:
    """The error as JSON, as a fragment for htmx, or as a page."""
    if wants_json():
        response = make_response(_problem(error), error.status)
        response.mimetype = "application/problem+json"
    elif is_htmx() and is_polled() and error.status != 401:  # the next poll follows; the banner says what is wrong
        response = make_response("", error.status)
        response.headers["HX-Reswap"] = "none"
    elif is_htmx():
        status = STOP_POLLING if is_polled() else error.status
        page = render_template("_message.html", error=error, by_itself=is_polled() or saves_itself())
        response = make_response(page, status)
        retargeted(response, "#message", "innerHTML")
    else:
        response = make_response(render_template("error.html", error=error), error.status)
    response.headers.update(error.headers)
    return uncached(response)


def _problem(error: PageError) -> dict[str, Any]:
    return Problem(
        type="about:blank",
        title=str(error.title),
        status=error.status,
        detail=str(error.cure),
        request_id=g.get("request_id"),
        **{key: _plain(value) for key, value in error.extra.items()},
    ).model_dump()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return str(value) if isinstance(value, LazyString) else value


def init_app(app: Flask) -> None:
    """Registers the error handlers."""
    app.register_error_handler(PageError, answer)
    app.register_error_handler(CSRFError, expired_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(ParseException, _malformed)
    app.register_error_handler(AwayError, _away)
    app.register_error_handler(Exception, _unexpected)


def expired_form(_error: CSRFError) -> Response:
    """400 for a form whose token is missing or not this session's."""
    return answer(
        PageError(
            400, _("This form has expired."), _("Nothing was changed. Go back, reload the page and send it again.")
        )
    )


def _malformed(_error: Exception) -> Response:
    """400 for a body whose chunks break RFC 9112. Gunicorn notices only when a view reads the body."""
    return answer(PageError(400, _("The request is not valid."), _("Send its body as HTTP/1.1 describes.")))


def _http(error: HTTPException) -> Response:
    if error.response is not None and isinstance(error.response, Response):
        return error.response
    titles = {
        404: (_("There is no such page."), _("Check the address, or start from the home page.")),
        405: (_("This does not work that way."), _("Go back and use the buttons on the page.")),
        413: (_("That was too much at once."), _("Send less text or a smaller file.")),
        415: (_("This kind of content is not supported."), _("Send a form or JSON.")),
    }
    title, cure = titles.get(error.code or 500, (error.name, error.description or ""))
    found = PageError(error.code or 500, title, cure)
    found.headers = {
        key: value for key, value in error.get_headers() if key in ("Allow", "WWW-Authenticate", "Retry-After")
    }
    return answer(found)


def _away(error: AwayError) -> Response:
    """503 for a database that became unavailable during the request, or that stores nothing."""
    log.debug("Request failed: database unavailable", event_type=EventType.DB_ERROR, reason=error.reason.value)
    return answer(neighbour_away(Neighbour.DB, error.reason))


def _unexpected(error: Exception) -> Response:
    """500 for our own fault. The open transaction is rolled back when the request ends."""
    log.error("Request failed", event_type=EventType.INTERNAL_ERROR, exc_info=error)
    return answer(
        PageError(
            500,
            _("Something went wrong, and it is our fault."),
            _("No change was left half-done. Try again; if it happens again, give the number below to the technician."),
        )
    )
