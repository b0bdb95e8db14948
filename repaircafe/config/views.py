"""`/config`: the settings as a page and as JSON, and a test of the unsaved values for each neighbour."""

from collections.abc import Mapping

import psycopg
from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError

from repaircafe import database
from repaircafe.config.keys import KEYS
from repaircafe.config.store import InvalidSettingsError, store, validate
from repaircafe.errors import PageError, answer, is_htmx, neighbour_away, wants_json
from repaircafe.health.monitor import monitor
from repaircafe.neighbours import Reason, Report, Service, Text

blueprint = Blueprint("config", __name__)


@blueprint.get("/config")
def show() -> Response:
    """The form, or all settings as JSON."""
    stored = store().stored()
    if wants_json():
        if stored is None:
            raise neighbour_away(Service.DB, Reason.TIMEOUT)
        return jsonify(settings=dict(stored.values), current=stored.current)
    return _page(dict(stored.values) if stored else {})


@blueprint.post("/config")
def save() -> Response:
    """Saves all or nothing. The page's form tests a changed language model first; JSON has the test route for that."""
    return _save_json() if request.is_json else _save_form(_typed())


@blueprint.post("/config/test/<service>")
def test(service: str) -> Response:
    """Tests a neighbour with the form's unsaved values, and shows the steps."""
    if service not in set(Service):
        raise PageError(404, _("There is no such service."), _("Known: %(names)s", names=", ".join(Service)))
    if request.is_json:
        changes = _json_changes()
        report = _test(Service(service), {**_known(), **validate(changes, current_app.extensions["redactor"])})
        return jsonify(report.as_test())
    return _test_form(Service(service), _typed())


@blueprint.errorhandler(InvalidSettingsError)
def refused(error: InvalidSettingsError) -> Response:
    """422 with every fault, for programs."""
    raised = PageError(
        422,
        _("Nothing was saved: at least one value is not right."),
        _("Correct the values and send them again."),
        errors=error.faults,
    )
    return answer(raised)


@blueprint.errorhandler(CSRFError)
def expired(_error: CSRFError) -> Response:
    """The page was open across a restart: what was typed is shown again, to be sent again."""
    if is_htmx():
        return _fragment(
            400, _("This page was open for too long."), _("Save what you typed, or reload it; then test again.")
        )
    return _page(
        _typed(),
        problem=_("This page was open for too long. Nothing was saved yet: press the button again."),
        status=400,
    )


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in KEYS}


def _save_form(typed: dict[str, str]) -> Response:
    try:
        values = validate(typed, current_app.extensions["redactor"])
    except InvalidSettingsError as error:
        problem = _("Nothing was saved: please look at the marked fields.")
        return _page(typed, faults=error.faults, problem=problem, status=422)
    if _changes_llm(values) and not request.form.get("save_anyway"):
        report = _test(Service.LLM, values)
        if report.reason is not None:
            problem = _("Nothing was saved yet: the language model does not work with these values.")
            return _page(typed, reports={Service.LLM: report}, problem=problem, offer_anyway=True, status=409)
    try:
        store().save(values)
    except (SQLAlchemyError, psycopg.Error) as error:
        return _page(typed, problem=_not_saved(error), status=503)
    monitor().expire(Service.LLM)
    flash(_("Saved."))
    return make_response(redirect(url_for("config.show"), 303))


def _not_saved(error: Exception) -> Text:
    """The sentence for a database that went away under the save; any other error is ours and goes on."""
    if not database.is_away(error):
        raise error
    database.db.session.rollback()
    return _("Nothing was saved: the database is away. What you typed is still here: save it when it is back.")


def _changes_llm(values: Mapping[str, str]) -> bool:
    known = _known()
    watched = [key.name for key in KEYS.values() if key.service is Service.LLM]
    return bool(values["llm_endpoint"]) and any(values[name] != known.get(name, "") for name in watched)


def _known() -> dict[str, str]:
    stored = store().stored()
    return dict(stored.values) if stored else dict.fromkeys(KEYS, "")


def _save_json() -> Response:
    stored = store().save(_json_changes())
    monitor().expire(Service.LLM)
    return jsonify(settings=dict(stored.values), current=True)


def _json_changes() -> dict[str, str]:
    """The body's changes as texts; null means not set, a list is joined with commas."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise PageError(
            400, _("The body is not a JSON object."), _('Send, for instance, {"event_date": "2026-12-05"}.')
        )
    faults = {str(name): _("Expected a text.") for name, value in body.items() if not _is_text(value)}
    if faults:
        raise InvalidSettingsError(faults)
    return {str(name): _text(value) for name, value in body.items()}


def _is_text(value: object) -> bool:
    return (
        value is None
        or isinstance(value, str)
        or (isinstance(value, list) and all(isinstance(part, str) for part in value))
    )


def _text(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "")


def _test(service: Service, values: Mapping[str, str]) -> Report:
    return monitor().test(service, values.get("llm_endpoint", ""), values.get("llm_model", ""))


def _test_form(service: Service, typed: dict[str, str]) -> Response:
    watched = {key.name: typed[key.name] for key in KEYS.values() if key.service is service}
    try:
        values = validate(watched, current_app.extensions["redactor"])
    except InvalidSettingsError as error:
        problem = _("The test needs these fields to be right.")
        if is_htmx():
            return _fragment(422, problem, " ".join(str(fault) for fault in error.faults.values()))
        return _page(typed, faults=error.faults, problem=problem, status=422)
    report = _test(service, values)
    if is_htmx():
        return make_response(
            render_template(
                "config/_test.html", report=report, service=service, models=monitor().models() or report.models
            )
        )
    return _page(typed, reports={service: report})


def _fragment(status: int, title: Text, cure: Text) -> Response:
    return make_response(render_template("_message.html", error=PageError(status, title, cure)), status)


def _page(
    values: Mapping[str, str],
    *,
    faults: Mapping[str, Text] | None = None,
    reports: Mapping[Service, Report] | None = None,
    problem: Text | None = None,
    offer_anyway: bool = False,
    status: int = 200,
) -> Response:
    stored = store().stored()
    models = next((report.models for report in (reports or {}).values() if report.models), monitor().models())
    page = render_template(
        "config/show.html",
        keys=KEYS.values(),
        values=values,
        faults=faults or {},
        reports=reports or {},
        problem=problem,
        offer_anyway=offer_anyway,
        models=models,
        current=stored is not None and stored.current,
    )
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"
    return response
