"""The settings as JSON: read, saved and tested by programs."""

from flask import Response, current_app, jsonify, request
from flask_babel import gettext as _

from repaircafe.config.store import InvalidSettingsError, store, validate
from repaircafe.errors import PageError, neighbour_away
from repaircafe.health.monitor import monitor
from repaircafe.neighbours import Reason, Service


def show() -> Response:
    """All settings; `current` is false while the database is away and they are the last ones known."""
    stored = store().stored()
    if stored is None:
        raise neighbour_away(Service.DB, Reason.TIMEOUT)
    return jsonify(settings=dict(stored.values), current=stored.current)


def save() -> Response:
    """Saves the keys of the body, all or none, without a test: for that there is a route of its own."""
    stored = store().save(changes(), anyway="save_anyway" in request.args)
    monitor().expire(Service.LLM)
    return jsonify(settings=dict(stored.values), current=True)


def test(service: Service) -> Response:
    """Tests a neighbour with the body's values over the stored ones; answers every step."""
    values = {**store().known(), **validate(changes(), current_app.extensions["redactor"])}
    report = monitor().test(service, values["llm_endpoint"], values["llm_model"])
    return jsonify(report.as_test())


def problem(error: InvalidSettingsError) -> PageError:
    """422 with every fault."""
    title, cure = _("Nothing was saved: at least one value is not right."), _("Correct the values and send them again.")
    return PageError(422, title, cure, errors=error.faults)


def changes() -> dict[str, str]:
    """The body's changes as texts; null means not set, a list is joined with commas. Raises PageError."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        cure = _('Send, for instance, {"event_date": "2026-12-05"}.')
        raise PageError(400, _("The body is not a JSON object."), cure)
    faults = {str(name): _("Expected a text.") for name, value in body.items() if not _is_text(value)}
    if faults:
        raise InvalidSettingsError(faults)
    return {str(name): ", ".join(value) if isinstance(value, list) else value or "" for name, value in body.items()}


def _is_text(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(part, str) for part in value)
    return value is None or isinstance(value, str)
