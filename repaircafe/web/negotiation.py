"""What a client asks for (JSON, a fragment for htmx or a page), and the headers that mark the response for it."""

import hashlib

from flask import Response, current_app, request

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
"""The kinds of body that a form has."""


def wants_json() -> bool:
    """Whether the client gets JSON: at an API path, with a JSON body, by its Accept header, or because it is a program.

    Programs seldom say what they accept. So without a preference for JSON or a page, the client counts as a program,
    unless it is known to be a browser.
    """
    if request.path.startswith("/api/") or request.is_json:
        return True
    as_json, as_page = _wishes()
    return as_json > as_page if as_json != as_page else not (is_htmx() or _is_browser())


def prefers_page() -> bool:
    """Whether the client's Accept header prefers a page to JSON. A monitor often sends none."""
    if "HTTP_ACCEPT" not in request.environ:
        return False
    as_json, as_page = _wishes()
    return as_page > as_json


def _wishes() -> tuple[tuple[float, bool], tuple[float, bool]]:
    """How much the client wants JSON, and how much a page; a kind by its name is wanted more than by `*/*` alone."""
    accepted = request.accept_mimetypes
    named = set(accepted.values())
    as_json, as_page = ((accepted[kind], kind in named) for kind in ("application/json", "text/html"))
    return as_json, as_page


def _is_browser() -> bool:
    """Whether the client has our cookie, and sends what a link or a form does. Some privacy tools remove Accept."""
    if "HTTP_AUTHORIZATION" in request.environ or current_app.config["SESSION_COOKIE_NAME"] not in request.cookies:
        return False
    return request.method in ("GET", "HEAD") or request.mimetype in FORMS


def is_htmx() -> bool:
    """Whether htmx asks for a fragment."""
    return request.environ.get("HTTP_HX_REQUEST") == "true"


def saves_itself() -> bool:
    """Whether a field sends what is typed in it without a button, and so sends it again by itself."""
    return request.environ.get("HTTP_X_SAVES") == "itself"


def retargeted(response: Response, target: str, swap: str = "outerHTML") -> Response:
    """The fragment, marked for another place than the one that asked for it (htmx, 'Response Headers')."""
    response.headers.update({"HX-Retarget": target, "HX-Reswap": swap})
    return response


def uncached(response: Response) -> Response:
    """The response, marked so that no cache stores it: it is true only now, or belongs to one visitor."""
    response.headers["Cache-Control"] = "no-store"
    return response


def version_of(content: object) -> str:
    """A short digest of what a part of a page shows.

    The part sends it when it polls, and gets 204 if nothing has changed.
    """
    return hashlib.sha256(str(content).encode()).hexdigest()[:12]
