"""What a client asks for, JSON, a fragment for htmx or a page, and how its answer is marked for it."""

import hashlib

from flask import Response, request


def wants_json() -> bool:
    """Whether the client asks for JSON: an API path, a JSON body, or an Accept header that prefers it to a page."""
    if request.path.startswith("/api/") or request.is_json:
        return True
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def is_htmx() -> bool:
    """Whether htmx asks for a fragment."""
    return request.headers.get("HX-Request") == "true"


def retargeted(response: Response, target: str, swap: str = "outerHTML") -> Response:
    """The fragment, for another place than the one that asked for it (htmx's reference, 'Response Headers')."""
    response.headers.update({"HX-Retarget": target, "HX-Reswap": swap})
    return response


def uncached(response: Response) -> Response:
    """The answer, which nobody may show again: it is true now, or is one visitor's own."""
    response.headers["Cache-Control"] = "no-store"
    return response


def version_of(said: object) -> str:
    """What a part of a page says, as a short digest: it asks for itself by it; 204 says that nothing has changed."""
    return hashlib.sha256(str(said).encode()).hexdigest()[:12]
