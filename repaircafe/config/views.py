"""`/config`: the page of the settings, with a test of the unsaved values for each neighbour. JSON goes to api.py."""

from collections.abc import Mapping
from zoneinfo import available_timezones

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import UnsupportedMediaType

from repaircafe.config import api, fields
from repaircafe.config.schemas import Changes, Stored
from repaircafe.database.errors import AwayError
from repaircafe.database.explanations import not_saved
from repaircafe.health.monitor import monitor
from repaircafe.health.schemas import TestReport
from repaircafe.logs import Redactor
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason, Report, Text
from repaircafe.parts import parts
from repaircafe.settings.definitions import Settings
from repaircafe.settings.keys import GROUP_LABELS, KEYS
from repaircafe.settings.store import InvalidSettingsError, OutsideError, store, validate
from repaircafe.web.errors import PageError, Problem, answer
from repaircafe.web.negotiation import is_htmx, wants_json
from repaircafe.web.openapi import Operation, documented

blueprint = Blueprint("config", __name__)

ZONES = sorted(name for name in available_timezones() if name.startswith("Europe/"))
"""The time zones that the page suggests; it accepts all others, too."""

BEFORE = "was."
"""The prefix of the hidden fields with the original values. A save writes only the fields that were changed. So a form
from a second tab, or from a time when the settings could not be read, overwrites nothing else."""


@blueprint.get("/config")
@documented(Operation(answers={200: Stored}, has_page=True))
def show() -> Response:
    """The page with the form, or all settings as JSON."""
    store().expire()  # another process may have just saved and redirected the browser to this page
    return api.show() if wants_json() else _page(store().known())


@blueprint.post("/config")
@documented(Operation(answers={200: Stored, 409: Problem}, takes=Changes, query={"save_anyway": "1"}))
def save() -> Response:
    """Saves all values, or none. The page's form tests a changed language model first.

    An address outside the network is saved only with `save_anyway`, because questions would leave the network.
    """
    return api.save() if wants_json() else _save_form(fields.typed(request.form))


@blueprint.post("/config/test/<neighbour>")
@documented(Operation(answers={200: TestReport}, takes=Changes, path={"neighbour": Neighbour}))
def test(neighbour: str) -> Response:
    """Tests a neighbour with unsaved values, and shows the steps."""
    known = _known(neighbour)
    return api.test(known) if wants_json() else _test_form(known, fields.typed(request.form))


@blueprint.get("/config/test/<neighbour>")
@documented(Operation(answers={303: None}, path={"neighbour": Neighbour}))
def test_again(neighbour: str) -> Response:
    """Redirects to the page: a browser without htmx comes here if it reloads after a test."""
    return make_response(redirect(url_for("config.show", _anchor=f"test-{_known(neighbour)}"), 303))


@blueprint.errorhandler(InvalidSettingsError)
def refused(error: InvalidSettingsError) -> Response:
    """The error of the JSON API; the form handles its own faults."""
    return answer(api.problem(error))


@blueprint.errorhandler(OutsideError)
def outside(error: OutsideError) -> Response:
    """The error of the JSON API; the form asks the organiser."""
    title = _("Nothing was saved yet: %(why)s", why=error.message)
    return answer(PageError(409, title, _("If you want this, send it again with ?save_anyway=1.")))


@blueprint.errorhandler(CSRFError)
def expired(_error: CSRFError) -> Response:
    """The form's token is not valid, for example after a restart: shows the form again with what was typed.

    A program has no form.
    """
    if wants_json():
        return not_json(UnsupportedMediaType())
    if is_htmx():
        cure = _("Press Save: what you typed is kept. Then test it.")
        return _fragment(400, _("This page was open for too long."), cure)
    problem = _("This page was open for too long. Nothing has been saved yet: press the button again.")
    return _page(fields.typed(request.form), problem=problem, status=400)


@blueprint.errorhandler(UnsupportedMediaType)
def not_json(_error: UnsupportedMediaType) -> Response:
    """The error of the JSON API if a program sends a form or another kind of content."""
    cure = _("Send JSON, with the header Content-Type: application/json.")
    return answer(PageError(415, _("This kind of content is not supported."), cure))


def _known(neighbour: str) -> Neighbour:
    if neighbour not in set(Neighbour):
        raise PageError(404, _("There is no such service."), _("Known: %(names)s", names=", ".join(Neighbour)))
    return Neighbour(neighbour)


def _save_form(typed: dict[str, str]) -> Response:
    changed = {
        name: text
        for name, text in typed.items()
        if not fields.is_unchanged(KEYS[name], text, request.form.get(BEFORE + name))
    }
    try:
        values = validate(changed, parts()[Redactor])
    except InvalidSettingsError as error:
        return _page(typed, faults=error.faults, problem=_refused(), status=422)
    report = _test_changed_model(values)
    doubt = _doubt(report, values) if report and not request.form.get("save_anyway") else None
    if report and doubt:
        if only := _only_model(report):
            typed = {**typed, "llm_model": only}
        return _page(typed, report=report, problem=doubt, offer_anyway=True, status=409)
    try:
        saved = store().save(values, anyway=True)  # _doubt() has asked already
    except InvalidSettingsError as error:
        return _page(typed, faults=error.faults, problem=_refused(), status=422)
    except AwayError as error:
        return _page(typed, problem=not_saved(error), status=503)
    monitor().forget(Neighbour.LLM)
    loading = report is not None and report.reason is Reason.LOADING
    flash(_("Saved. The model is still loading; that may take a few minutes.") if loading else _("Saved."))
    for name, warning in saved.warnings.items():
        if name in values:
            flash(str(warning), "doubt")
    return make_response(redirect(url_for("config.show"), 303))


def _refused() -> Text:
    return _("Nothing was saved: please check the marked fields.")


def _test_changed_model(values: Mapping[str, str]) -> Report | None:
    """The test of the language model if the values change it; None if they do not, or if no address is set."""
    known = store().known()
    watched = [key.name for key in KEYS.values() if key.neighbour is Neighbour.LLM]
    wanted = {**known, **values}
    if not wanted["llm_endpoint"] or all(wanted[name] == known[name] for name in watched):
        return None
    new = Settings.of(wanted)
    return monitor().test(Neighbour.LLM, new.llm_endpoint, new.llm_model, new.llm_temperature, patiently=True)


def _doubt(report: Report, values: Mapping[str, str]) -> Text | None:
    """Why to ask the organiser before saving; None if there is no reason to ask.

    A model that is loading or slow is no reason: its address and name are right.
    """
    leaves = _leaves(report, values)
    if report.reason in (None, Reason.LOADING, Reason.SLOW):
        return _("Nothing was saved yet: %(why)s", why=leaves) if leaves else None
    why = explain(Neighbour.LLM, report.reason).sentence
    if report.reason is Reason.BUSY:  # the values were not tested
        said = _("Nothing was saved yet: %(why)s", why=why)
    else:
        said = _("Nothing was saved yet: the language model does not work with these values.") + f" {why}"
    return f"{said} {leaves}" if leaves else said


def _leaves(report: Report, values: Mapping[str, str]) -> Text | None:
    """A sentence if questions would leave the network, else None.

    If the test stopped before it knew that, this decides as the JSON API does.
    """
    if report.outside is None:
        return OutsideError.message if store().leads_outside(values) else None
    if report.outside:
        return _("That address or model is outside this network: questions would leave the building.")
    return None


def _test_form(neighbour: Neighbour, typed: dict[str, str]) -> Response:
    watched = {key.name: typed[key.name] for key in KEYS.values() if key.neighbour is neighbour}
    watched |= {"llm_model": request.form["choose"]} if "choose" in request.form else {}
    try:
        values = validate(watched, parts()[Redactor])
    except InvalidSettingsError as error:
        problem = _("Correct these fields before the test.")
        if is_htmx():
            named = [f"{KEYS[name].label}: {fault}" for name, fault in error.faults.items()]
            return _fragment(422, problem, " ".join(named))
        return _page(typed, faults=error.faults, problem=problem, status=422)
    report = _test(neighbour, values)
    if only := _only_model(report):
        values = {**values, "llm_model": only}
        report = _test(neighbour, values)
    if is_htmx():
        cut = [KEYS[name] for name, value in values.items() if value != typed[name].strip()]
        said = {"report": report, "refill": True, "cut": cut, "values": values, "faults": {}}
        said["damaged"] = _damaged(report, values)
        return make_response(render_template("config/_test.html", **said))
    return _page({**typed, **values}, report=report)


def _test(neighbour: Neighbour, values: Mapping[str, str]) -> Report:
    new = Settings.of(values)
    return monitor().test(neighbour, new.llm_endpoint, new.llm_model, new.llm_temperature)


def _only_model(report: Report) -> str:
    """The model to fill in if none is chosen and the server has only this one; otherwise empty."""
    is_open = report.reason is Reason.MODEL_NOT_CHOSEN and len(report.models) == 1
    return report.models[0] if is_open else ""


def _damaged(report: Report | None, values: Mapping[str, str]) -> str:
    """The tested model that may be cured by another download; empty for an address that is not saved yet."""
    is_saved = values.get("llm_endpoint") == store().known()["llm_endpoint"]
    return report.damaged if report and is_saved else ""


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
        groups=GROUP_LABELS,
        chosen=fields.chosen,
        own_words=fields.own_words,
        zones=ZONES,
        values=values,
        before={BEFORE + name: value for name, value in before.items() if value is not None},
        faults=faults or {},
        first_fault=next((name for name in KEYS if name in (faults or {})), ""),
        report=report,
        damaged=_damaged(report, values),
        problem=problem,
        offer_anyway=offer_anyway,
        models=report.models if report and report.models else monitor().models(),
        known=store().stored() is not None,
    )
    return make_response(page, status)
