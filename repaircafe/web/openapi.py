"""`/openapi.json`: what the JSON API accepts and returns, made from the models that check requests and responses.

`documented` puts a view into the document, with what only the view knows. The rest is taken from the code: the address
from the route, the text from the docstring, access from access.py, and a 503 at the start from `open_while_starting`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from werkzeug.routing import Rule

from repaircafe.limits import OPENAPI_KEPT_S
from repaircafe.version import __version__
from repaircafe.web.access import PUBLIC_ENDPOINTS, open_while_starting
from repaircafe.web.errors import Problem

WORDS = (
    "If a page and JSON have the same address, send `Accept: application/json` to be sure of JSON. "
    "An error is `application/problem+json` (RFC 9457)."
)
SCHEMAS = "#/components/schemas/"
SECURITY = "operator"

View = TypeVar("View", bound=Callable[..., object])

blueprint = Blueprint("openapi", __name__)


@dataclass(frozen=True)
class Operation:
    """What only a view's own code knows. `answers`: the model of each status; None for no body, or for a page."""

    answers: Mapping[int, type[BaseModel] | None]
    takes: type[BaseModel] | None = None
    path: Mapping[str, type] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers that a request may have, each with an example."""
    query: Mapping[str, Any] = field(default_factory=dict)
    """The query parameters that a request may have, each with an example or, if not every text is allowed, a type."""
    links: tuple[str, ...] = ()
    """The endpoints that accept the response's session_id."""
    has_page: bool = False
    """Whether a browser gets a page at the same address."""


class Document(BaseModel):
    """An OpenAPI 3.1 document (spec.openapis.org)."""

    model_config = ConfigDict(extra="allow")

    openapi: str


def documented(operation: Operation) -> Callable[[View], View]:
    """Puts a view into the document."""

    def mark(view: View) -> View:
        view.operation = operation  # type: ignore[attr-defined]
        return view

    return mark


@blueprint.get("/openapi.json")
@open_while_starting
@documented(Operation(answers={200: Document, 304: None}))
def show() -> Response:
    """The document itself."""
    response = jsonify(document(current_app))
    response.headers["Cache-Control"] = f"public, max-age={OPENAPI_KEPT_S}"
    response.add_etag()
    response.make_conditional(request)
    return response


def document(app: Flask) -> dict[str, Any]:
    """The API of the running app, as an OpenAPI 3.1 document."""
    found = [(rule, operation) for rule in app.url_map.iter_rules() if (operation := _operation(app, rule))]
    paths: dict[str, dict[str, Any]] = {}
    for rule, operation in found:
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        described = _described(rule.endpoint, app.view_functions[rule.endpoint], operation)
        paths.setdefault(_template(rule), {}).update({method.lower(): described for method in methods})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Repair Café", "version": __version__, "description": WORDS},
        "paths": paths,
        "components": {
            "schemas": _schemas(operation for _, operation in found),
            "securitySchemes": {
                SECURITY: {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The name “operator” with the organiser's password.",
                }
            },
        },
    }


def _operation(app: Flask, rule: Rule) -> Operation | None:
    found: Operation | None = getattr(app.view_functions[rule.endpoint], "operation", None)
    return found


def _template(rule: Rule) -> str:
    return re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule)


def _described(endpoint: str, view: Callable[..., object], operation: Operation) -> dict[str, Any]:
    summary, _, description = (view.__doc__ or "").partition("\n\n")
    described: dict[str, Any] = {
        "operationId": endpoint,
        "tags": [endpoint.partition(".")[0].removesuffix("_api")],
        "summary": summary,
        "parameters": [
            *(_parameter("path", name, TypeAdapter(kind).json_schema()) for name, kind in operation.path.items()),
            *(_parameter("header", name, _text_like(example)) for name, example in operation.headers.items()),
            *(_parameter("query", name, _text_of(given)) for name, given in operation.query.items()),
        ],
        "responses": {
            str(status): _response(status, model, operation)
            for status, model in sorted({**_problems(endpoint, view, operation), **operation.answers}.items())
        },
    }
    if description:
        described["description"] = " ".join(description.split())
    if operation.takes:
        described["requestBody"] = {"required": True, "content": _content("application/json", operation.takes)}
    if endpoint not in PUBLIC_ENDPOINTS:
        described["security"] = [{SECURITY: []}]
    return described


def _problems(endpoint: str, view: Callable[..., object], operation: Operation) -> dict[int, type[BaseModel]]:
    """The errors that any request of this kind may get."""
    statuses = {421, 500}
    if endpoint not in PUBLIC_ENDPOINTS:
        statuses |= {401, 403, 429}
    if operation.takes:
        statuses |= {400, 413, 415, 422}
    if operation.path:
        statuses |= {404}
    if not hasattr(view, "open_while_starting"):
        statuses |= {503}
    return dict.fromkeys(statuses, Problem)


def _parameter(place: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _text_of(given: Any) -> dict[str, Any]:
    return _text_like(given) if isinstance(given, str) else TypeAdapter(given).json_schema()


def _text_like(example: str) -> dict[str, Any]:
    return {"type": "string", "examples": [example]}


def _response(status: int, model: type[BaseModel] | None, operation: Operation) -> dict[str, Any]:
    is_problem = model is not None and issubclass(model, Problem)
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase, "headers": _headers(status, is_problem)}
    if model is not None:
        response["content"] = _content("application/problem+json" if is_problem else "application/json", model)
        if operation.has_page:
            response["content"]["text/html"] = {"schema": {"type": "string"}}
    if operation.links and not is_problem:
        parameters = {"session_id": "$response.body#/session_id"}
        response["links"] = {one: {"operationId": one, "parameters": parameters} for one in operation.links}
    return response


def _headers(status: int, is_problem: bool) -> dict[str, Any]:
    headers = {"X-Request-ID": "The id of the request, as in the log."}
    if status in (202, 303):
        headers["Location"] = "Where to look next."
    if status == 401:
        headers["WWW-Authenticate"] = "How to sign in."
    if is_problem and status in (429, 503):
        headers["Retry-After"] = "The seconds to wait before the next try."
    return {
        name: {"description": words, "required": True, "schema": {"type": "string"}} for name, words in headers.items()
    }


def _content(kind: str, model: type[BaseModel]) -> dict[str, Any]:
    return {kind: {"schema": {"$ref": f"{SCHEMAS}{model.__name__}"}}}


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    """What is taken as it is read, what is answered as it is written: the two may differ in their names."""
    models: dict[type[BaseModel], JsonSchemaMode] = {Problem: "serialization"}
    for one in operations:
        models |= dict.fromkeys(filter(None, one.answers.values()), "serialization")
        models |= {one.takes: "validation"} if one.takes else {}
    in_order = sorted(models.items(), key=lambda model_and_mode: model_and_mode[0].__name__)
    _, found = models_json_schema(in_order, ref_template=f"{SCHEMAS}{{model}}")
    schemas: dict[str, Any] = found["$defs"]
    return schemas
