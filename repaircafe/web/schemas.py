"""The JSON bodies of the API: read strictly, and answered as the models say that `/openapi.json` is made of."""

import json
from typing import Annotated, Any

from flask import Response, request
from flask_babel import gettext as _
from pydantic import BaseModel, StringConstraints, WithJsonSchema
from werkzeug.exceptions import UnsupportedMediaType

from repaircafe.web.errors import PageError

Moment = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?[+-]\d\d:\d\d$"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time as RFC 3339 writes it, and datetime.isoformat one that knows its offset."""


def read_json() -> Any:
    """The request's body, as RFC 8259 tells it and without a name twice. Raises a PageError of 400, or 413, or 415."""
    if not request.is_json or request.mimetype_params.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType
    body = request.get_data()
    request.stream.read(1)  # of a body in chunks that is too large werkzeug reads the beginning, and says so here alone
    try:
        if request.content_length not in (None, len(body)):  # gunicorn says nothing of a client that hung up
            raise ValueError(len(body))
        return json.loads(body.decode(), parse_constant=_no_number, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits; nesting of thousands of [
        title, cure = _("The body is not JSON."), _('Send, in UTF-8, an object such as {"name": "value"}.')
        raise PageError(400, title, cure) from error


def json_response(model: type[BaseModel], body: object, status: int = 200) -> Response:
    """The body as JSON, which the model vouches for; what was left out stays out."""
    text = model.model_validate(body).model_dump_json(exclude_unset=True)
    return Response(f"{text}\n", status, mimetype="application/json")


def _no_number(name: str) -> None:
    """Python reads NaN and Infinity; JSON has none."""
    raise ValueError(name)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that comes twice nobody knows which value is meant (RFC 8259, section 4)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(pairs)
    return found
