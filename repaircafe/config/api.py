"""The JSON API of the settings: read, save and test."""

from flask import Response, request
from flask_babel import gettext as _
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from repaircafe.config.schemas import Changes, Stored
from repaircafe.health.monitor import monitor
from repaircafe.health.schemas import TestReport
from repaircafe.logs import Redactor, name_faults
from repaircafe.neighbours.report import Neighbour, Reason, Text
from repaircafe.parts import parts
from repaircafe.settings.definitions import Settings, UnknownKeyError, parse
from repaircafe.settings.keys import KEYS
from repaircafe.settings.store import InvalidSettingsError, store, validate
from repaircafe.settings.values import RefusedError
from repaircafe.web.errors import PageError, neighbour_away
from repaircafe.web.schemas import json_response, read_json


def show() -> Response:
    """All settings. `current` is false if the database is unavailable and they are the last ones known."""
    stored = store().stored()
    if stored is None:
        raise neighbour_away(Neighbour.DB, Reason.TIMEOUT)
    return json_response(Stored, stored)


def save() -> Response:
    """Saves all keys of the body, or none. It does not test them: another route does that."""
    stored = store().save(changes(), anyway="save_anyway" in request.args)
    monitor().forget(Neighbour.LLM)
    return json_response(Stored, stored)


def test(neighbour: Neighbour) -> Response:
    """Tests a neighbour with the stored values, overridden by those of the body. The response has every step."""
    values = Settings.of({**store().known(), **validate(changes(), parts()[Redactor])})
    report = monitor().test(neighbour, values.llm_endpoint, values.llm_model, values.llm_temperature)
    return json_response(TestReport, TestReport.of(report))


def problem(error: InvalidSettingsError) -> PageError:
    """An error with status 422 and every fault."""
    title, cure = _("Nothing was saved: at least one value is wrong."), _("Correct the values and send them again.")
    return PageError(422, title, cure, errors=error.faults)


def changes() -> dict[str, str]:
    """The body's changes as texts: null becomes empty, and a list is joined with commas.

    Raises PageError if the body is not a JSON object, and InvalidSettingsError with every fault.
    """
    body = read_json()
    if not isinstance(body, dict):
        cure = _('Send, for example, {"event_date": "2026-12-05"}.')
        raise PageError(400, _("The body is not a JSON object."), cure)
    try:
        sent = Changes.model_validate(body).model_dump(exclude_unset=True)
    except ValidationError as error:
        faults = {_name(fault): _sentence(fault) for fault in error.errors()}
        name_faults(name if name in KEYS else "(unknown)" for name in faults)
        raise InvalidSettingsError(faults) from None
    return {name: ", ".join(value) if isinstance(value, list) else value or "" for name, value in sent.items()}


def _name(fault: ErrorDetails) -> str:
    """The key of a fault; empty if the name is not valid Unicode."""
    return str(fault["loc"][0]) if fault["loc"] else ""


def _sentence(fault: ErrorDetails) -> Text:
    """What is wrong with one value, in the words of its key's parser if that refuses it."""
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
    return _("This does not have the expected form, such as: %(example)s", example=KEYS[name].example)
