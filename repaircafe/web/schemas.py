"""The JSON bodies of the API: requests are read strictly, responses follow the models that `/openapi.json` shows."""

import json
from datetime import datetime
from typing import Annotated, Any

from flask import Response, request
from flask_babel import gettext as _
from pydantic import BaseModel, BeforeValidator, StringConstraints, WithJsonSchema
from werkzeug.exceptions import UnsupportedMediaType

from repaircafe.characters import clean_text
from repaircafe.web.errors import PageError

BODY_DEPTH = 3
"""How deep a text may be in a body that some route accepts: an object, in it a list, in it a text."""


def _as_text(moment: object) -> object:
    """Pydantic itself would write +00:00 as Z; and a text that is made once may be sent many times."""
    return moment.isoformat() if isinstance(moment, datetime) else moment


Moment = Annotated[
    str,
    BeforeValidator(_as_text),
    StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?[+-]\d\d:\d\d$"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time as RFC 3339 writes it; a datetime needs an offset. Takes either a text or a datetime."""


def read_json() -> Any:
    """The JSON of the request's body (RFC 8259), its texts cleaned. No object may have a name twice.

    Raises PageError(400) if it is not JSON, and werkzeug's exceptions for 413 (too large) and 415 (another type).
    """
    if not request.is_json or request.mimetype_params.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType
    body = request.get_data()
    request.stream.read(1)  # raises 413 for a chunked body that is too large, of which get_data() reads only a part
    try:
        if request.content_length not in (None, len(body)):  # gunicorn does not report a client that hung up
            raise ValueError(len(body))
        return _cleaned(json.loads(body.decode(), parse_constant=_no_number, object_pairs_hook=_without_repeats))
    except (ValueError, RecursionError) as error:  # also for a number of thousands of digits, or thousands of nested [
        title, cure = _("The body is not JSON."), _('Send an object such as {"name": "value"}, in UTF-8.')
        raise PageError(400, title, cure) from error


def json_response(model: type[BaseModel], body: object, status: int = 200) -> Response:
    """The body as JSON, checked by the model; a field that was not set is left out."""
    text = model.model_validate(body).model_dump_json(exclude_unset=True)
    return Response(f"{text}\n", status, mimetype="application/json")


def _cleaned(found: Any, depth: int = BODY_DEPTH) -> Any:
    """The same without the characters that nobody sees."""
    match found:
        case str():
            return clean_text(found)
        case list() if depth:
            return [_cleaned(one, depth - 1) for one in found]
        case dict() if depth:
            return {name: _cleaned(one, depth - 1) for name, one in found.items()}
    return found


def _no_number(name: str) -> None:
    """Refuses NaN and Infinity, which Python reads although JSON does not have them."""
    raise ValueError(name)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a name that comes twice: nobody knows which value is meant (RFC 8259, section 4)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(pairs)
    return found
