"""The settings as JSON: read, saved and tested by programs."""

from flask import Response, request
from flask_babel import gettext as _
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from repaircafe.config.bodies import Changes, Stored
from repaircafe.health.bodies import TestReport
from repaircafe.health.monitor import monitor
from repaircafe.logs import Redactor, name_faults
from repaircafe.neighbours.report import Reason, Service, Text
from repaircafe.parts import parts
from repaircafe.settings.definitions import KEYS, RefusedError, UnknownKeyError, parse
from repaircafe.settings.store import InvalidSettingsError, store, validate
from repaircafe.web.errors import PageError, neighbour_away
from repaircafe.web.schemas import json_response, read_json


def show() -> Response:
    """All settings; `current` is false while the database is away and they are the last ones known."""
    stored = store().stored()
    if stored is None:
        raise neighbour_away(Service.DB, Reason.TIMEOUT)
    return json_response(Stored, {"settings": stored.values, "current": stored.current})


def save() -> Response:
    """Saves the keys of the body, all or none, without a test: for that there is a route of its own."""
    stored = store().save(changes(), anyway="save_anyway" in request.args)
    monitor().forget(Service.LLM)
    return json_response(Stored, {"settings": stored.values, "current": True})


def test(service: Service) -> Response:
    """Tests a neighbour with the body's values over the stored ones; answers every step."""
    values = {**store().known(), **validate(changes(), parts()[Redactor])}
    report = monitor().test(service, values["llm_endpoint"], values["llm_model"])
    return json_response(TestReport, report.as_test())


def problem(error: InvalidSettingsError) -> PageError:
    """422 with every fault."""
    title, cure = _("Nothing was saved: at least one value is not right."), _("Correct the values and send them again.")
    return PageError(422, title, cure, errors=error.faults)


def changes() -> dict[str, str]:
    """The body's changes as texts; null means not set, a list is joined with commas. Raises PageError."""
    body = read_json()
    if not isinstance(body, dict):
        cure = _('Send, for instance, {"event_date": "2026-12-05"}.')
        raise PageError(400, _("The body is not a JSON object."), cure)
    try:
        sent = Changes.model_validate(body).model_dump(exclude_unset=True)
    except ValidationError as error:
        faults = {_name(fault): _sentence(fault) for fault in error.errors()}
        name_faults(name if name in KEYS else "(unknown)" for name in faults)
        raise InvalidSettingsError(faults) from None
    return {name: ", ".join(value) if isinstance(value, list) else value or "" for name, value in sent.items()}


def _name(fault: ErrorDetails) -> str:
    """The key that a fault is of; of a name that is half a character there is none."""
    return str(fault["loc"][0]) if fault["loc"] else ""


def _sentence(fault: ErrorDetails) -> Text:
    """What is wrong with one value. Its key's own parser says it best."""
    name, value = _name(fault), fault["input"]
    if name not in KEYS:
        return UnknownKeyError(name).hint
    if KEYS[name].is_list and isinstance(value, list):
        value = ", ".join(map(str, value))
    if not isinstance(value, str):
        return _("Expected a text.")
    try:
        parse(name, value)
    except RefusedError as error:
        return error.message
    return _("This is not in the expected form, such as: %(example)s", example=KEYS[name].example)
