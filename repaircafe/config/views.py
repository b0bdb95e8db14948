"""`/config`: the settings as a page, and a test of the unsaved values for each neighbour. JSON goes to api.py."""

from collections.abc import Mapping
from zoneinfo import available_timezones

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError

from repaircafe.config import api
from repaircafe.config.bodies import Changes, Stored
from repaircafe.database.errors import ERRORS, UNWRITABLE, is_away, translate
from repaircafe.database.tables import db
from repaircafe.health.bodies import TestReport
from repaircafe.health.monitor import monitor
from repaircafe.logs import Redactor
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Reason, Report, Service, Text
from repaircafe.parts import parts
from repaircafe.settings.definitions import KEYS
from repaircafe.settings.store import InvalidSettingsError, OutsideError, store, validate
from repaircafe.web.errors import PageError, Problem, answer
from repaircafe.web.negotiation import is_htmx, wants_json
from repaircafe.web.openapi import Operation, documented

blueprint = Blueprint("config", __name__)

ZONES = sorted(name for name in available_timezones() if name.startswith("Europe/"))
"""What the page offers; it takes the others, too."""

BEFORE = "was."
"""What stands before the name of a hidden field: the value that the form began with. A save writes what was changed
alone, so that a form from a moment when the settings could not be read, or from a second tab, wipes nothing out."""


@blueprint.get("/config")
@documented(Operation(answers={200: Stored}, has_page=True))
def show() -> Response:
    """The form, or all settings as JSON."""
    store().expire()  # another process may have saved just now, and sent the browser here
    return api.show() if wants_json() else _page(store().known())


@blueprint.post("/config")
@documented(Operation(answers={200: Stored, 409: Problem}, takes=Changes, query={"save_anyway": "1"}))
def save() -> Response:
    """Saves all or nothing; the page's form tests a changed language model first.

    An address of the language model outside the network is saved with `save_anyway` alone: words would leave it.
    """
    return api.save() if request.is_json else _save_form(_typed())


@blueprint.post("/config/test/<service>")
@documented(Operation(answers={200: TestReport}, takes=Changes, path={"service": Service}))
def test(service: str) -> Response:
    """Tests a neighbour with the form's unsaved values, and shows the steps."""
    known = _known(service)
    return api.test(known) if request.is_json else _test_form(known, _typed())


@blueprint.get("/config/test/<service>")
@documented(Operation(answers={303: None}, path={"service": Service}))
def test_again(service: str) -> Response:
    """Where a reload after a test without htmx ends up."""
    return make_response(redirect(url_for("config.show", _anchor=f"test-{_known(service)}"), 303))


@blueprint.errorhandler(InvalidSettingsError)
def refused(error: InvalidSettingsError) -> Response:
    """For programs; the form catches its own."""
    return answer(api.problem(error))


@blueprint.errorhandler(OutsideError)
def outside(error: OutsideError) -> Response:
    """For programs; the form asks."""
    title = _("Nothing was saved yet: %(why)s", why=error.message)
    return answer(PageError(409, title, _("Send it again with ?save_anyway=1 if that is meant.")))


@blueprint.errorhandler(CSRFError)
def expired(_error: CSRFError) -> Response:
    """The page was open across a restart: what was typed is shown again, to be sent again.

    A program has no form: it is told to send JSON.
    """
    if wants_json():
        cure = _("Send JSON, with the header Content-Type: application/json.")
        return answer(PageError(415, _("This kind of content is not understood."), cure))
    if is_htmx():
        cure = _("Press Save: what you typed is kept, and then it can be tested.")
        return _fragment(400, _("This page was open for too long."), cure)
    problem = _("This page was open for too long. Nothing was saved yet: press the button again.")
    return _page(_typed(), problem=problem, status=400)


def _known(service: str) -> Service:
    if service not in set(Service):
        raise PageError(404, _("There is no such service."), _("Known: %(names)s", names=", ".join(Service)))
    return Service(service)


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in KEYS}


def _save_form(typed: dict[str, str]) -> Response:
    changed = {name: text for name, text in typed.items() if text != request.form.get(BEFORE + name)}
    try:
        values = validate(changed, parts()[Redactor])
    except InvalidSettingsError as error:
        return _page(typed, faults=error.faults, problem=_refused(), status=422)
    report = _test_changed_model(values)
    doubt = _doubt(report, values) if report and not request.form.get("save_anyway") else None
    if report and doubt:
        return _page(typed, report=report, problem=doubt, offer_anyway=True, status=409)
    try:
        store().save(values, anyway=True)  # the test above has asked
    except InvalidSettingsError as error:
        return _page(typed, faults=error.faults, problem=_refused(), status=422)
    except ERRORS as error:
        return _page(typed, problem=_not_saved(error), status=503)
    monitor().forget(Service.LLM)
    loading = report is not None and report.reason is Reason.LOADING
    flash(_("Saved. The model is still being loaded; that may take a few minutes.") if loading else _("Saved."))
    return make_response(redirect(url_for("config.show"), 303))


def _refused() -> Text:
    return _("Nothing was saved: please look at the marked fields.")


def _test_changed_model(values: Mapping[str, str]) -> Report | None:
    """The test of a language model that the values change; None where they do not, or where there is none."""
    known = store().known()
    watched = [key.name for key in KEYS.values() if key.service is Service.LLM]
    wanted = {**known, **values}
    if not wanted["llm_endpoint"] or all(wanted[name] == known[name] for name in watched):
        return None
    return monitor().test(Service.LLM, wanted["llm_endpoint"], wanted["llm_model"], patiently=True)


def _doubt(report: Report, values: Mapping[str, str]) -> Text | None:
    """Why to ask before saving; None where all is well. A model that is being loaded, or is busy, is the right one."""
    leaves = _leaves(report, values)
    if report.reason in (None, Reason.LOADING, Reason.SLOW):
        return _("Nothing was saved yet: %(why)s", why=leaves) if leaves else None
    why = explain(Service.LLM, report.reason).sentence
    if report.reason is Reason.BUSY:  # of the values nothing is known
        said = _("Nothing was saved yet: %(why)s", why=why)
    else:
        said = _("Nothing was saved yet: the language model does not work with these values.") + f" {why}"
    return f"{said} {leaves}" if leaves else said


def _leaves(report: Report, values: Mapping[str, str]) -> Text | None:
    """That what is asked would leave the network; where the test did not come so far, as a program is told."""
    if report.outside is None:
        return OutsideError.message if store().leads_outside(values) else None
    if report.outside:
        return _("That address or model is outside this network: what is asked would leave the building.")
    return None


def _not_saved(error: Exception) -> Text:
    """The sentence for a database that went away under the save; any other error is ours and goes on."""
    if not is_away(error):
        raise error
    db.session.rollback()
    reason = translate(error).reason
    if reason in UNWRITABLE:
        why = explain(Service.DB, reason).sentence
        return _("Nothing was saved. %(why)s What you typed is still here.", why=why)
    return _("Nothing was saved: the database is away. What you typed is still here: save it when it is back.")


def _test_form(service: Service, typed: dict[str, str]) -> Response:
    watched = {key.name: typed[key.name] for key in KEYS.values() if key.service is service}
    try:
        values = validate(watched, parts()[Redactor])
    except InvalidSettingsError as error:
        problem = _("The test needs these fields to be right.")
        if is_htmx():
            named = [f"{KEYS[name].label}: {fault}" for name, fault in error.faults.items()]
            return _fragment(422, problem, " ".join(named))
        return _page(typed, faults=error.faults, problem=problem, status=422)
    report = monitor().test(service, values.get("llm_endpoint", ""), values.get("llm_model", ""))
    if is_htmx():
        return make_response(render_template("config/_test.html", report=report, refill=True))
    return _page(typed, report=report)


def _fragment(status: int, title: Text, cure: Text) -> Response:
    return make_response(render_template("_message.html", error=PageError(status, title, cure)), status)


def _page(
    values: Mapping[str, str],
    *,
    faults: Mapping[str, Text] | None = None,
    report: Report | None = None,
    problem: Text | None = None,
    offer_anyway: bool = False,
    status: int = 200,
) -> Response:
    sent = request.method == "POST"
    before = {name: request.form.get(BEFORE + name) if sent else values[name] for name in KEYS}
    page = render_template(
        "config/show.html",
        keys=KEYS.values(),
        zones=ZONES,
        values=values,
        before={BEFORE + name: value for name, value in before.items() if value is not None},
        faults=faults or {},
        report=report,
        problem=problem,
        offer_anyway=offer_anyway,
        models=report.models if report and report.models else monitor().models(),
        known=store().stored() is not None,
    )
    return make_response(page, status)
