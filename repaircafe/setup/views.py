"""`/setup`: four steps, each with one button that saves and shows the next. They can be done in any order."""

from collections.abc import Mapping
from http import HTTPStatus

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError

from repaircafe.database.errors import AwayError
from repaircafe.database.tables import db
from repaircafe.downloads.downloader import downloader
from repaircafe.downloads.sizes import size
from repaircafe.environment import Environment
from repaircafe.health.monitor import monitor
from repaircafe.limits import MIN_OPERATOR_PASSWORD_CHARS
from repaircafe.logs import name_faults
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Text
from repaircafe.parts import parts
from repaircafe.settings.store import InvalidSettingsError, OutsideError, store
from repaircafe.setup import reach, steps
from repaircafe.setup.finder import PLACES, finder
from repaircafe.setup.steps import Step
from repaircafe.signin import choice
from repaircafe.web.authentication import check_password, current_operator
from repaircafe.web.errors import PageError, expired_form, tell_program
from repaircafe.web.negotiation import wants_json
from repaircafe.web.passwords import Way, passwords

blueprint = Blueprint("setup", __name__)

BEFORE = "was."
"""The prefix of the hidden fields with the values that the page showed: only what was changed is saved."""


@blueprint.get("/setup")
def show() -> Response:
    """The first step that is not done yet, or the end."""
    step = steps.first_open()
    return end() if step is None else PAGES[step]()


@blueprint.get("/setup/end")
def end() -> Response:
    """What comes after the last step: what is still open, and where to look next."""
    return make_response(render_template("setup/end.html", entries=steps.entries()))


@blueprint.get("/setup/cafe")
def cafe() -> Response:
    """Who the café is."""
    return _form(Step.CAFE, store().known())


@blueprint.post("/setup/cafe")
def save_cafe() -> Response:
    """Saves the name and the town."""
    return _save(Step.CAFE)


@blueprint.get("/setup/date")
def date() -> Response:
    """When and where the next repair café is."""
    return _form(Step.DATE, store().known())


@blueprint.post("/setup/date")
def save_date() -> Response:
    """Saves the date, the times and the place."""
    return _save(Step.DATE)


@blueprint.get("/setup/assistant")
def assistant() -> Response:
    """Which model answers. With `look`, also which servers answer on this computer."""
    found = finder().look() if "look" in request.args else None
    return _page(
        Step.ASSISTANT,
        report=monitor().glance().report(Neighbour.LLM),
        chosen=store().known()["llm_model"],
        download=_download(),
        found=found,
        command_text=_ollama_command(),
        size=size,
    )


@blueprint.post("/setup/assistant/use")
def use_model() -> Response:
    """Makes an installed model the one that answers."""
    _choose_model()
    return _next(Step.ASSISTANT)


@blueprint.post("/setup/assistant/download")
def download_model() -> Response:
    """Starts to download a model, which answers as soon as it is there."""
    model = _choose_model()
    download, _is_new = downloader().start(db.session(), model)
    flash(_("%(model)s is being downloaded. You can go on meanwhile.", model=download.model))
    return _next(Step.ASSISTANT)


@blueprint.get("/setup/password")
def password() -> Response:
    """The password, and how telephones open the pages."""
    return _password_page()


@blueprint.post("/setup/password")
def save_password() -> Response:
    """Stores a new password. Every sign-in but this one ends."""
    if passwords().secret().way is not Way.TRIAL and not check_password(request.form.get("current", "")):
        return _password_page({"current": _("That is not the password.")}, 403)
    chosen = choice.typed()
    if chosen.faults:
        name_faults(chosen.faults)
        return _password_page(chosen.faults, 422)
    operator = current_operator()
    passwords().choose(db.session(), chosen.password, keep=operator.sign_in if operator else None)
    if passwords().secret().way is Way.FILE:
        flash(_("Your password is saved. It counts as soon as OPERATOR_PASSWORD is no longer in .env."))
        return make_response(redirect(url_for("setup.password"), 303))
    flash(_("Your password is saved. Everybody else is signed out."))
    return _next(Step.PASSWORD)


PAGES = {Step.CAFE: cafe, Step.DATE: date, Step.ASSISTANT: assistant, Step.PASSWORD: password}


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> Response:
    """The page was open while the app restarted. Shows a form of settings again, with what was typed."""
    asked = {"setup.save_cafe": Step.CAFE, "setup.save_date": Step.DATE}
    step = asked.get(request.endpoint or "")
    if step is None or wants_json():
        return expired_form(error)
    problem = _("This page was open for too long. Nothing has been saved yet: press the button again.")
    return _form(step, _typed(step), problem=problem, status=400)


def _page(
    step: Step,
    status: int = 200,
    *,
    faults: Mapping[str, Text] | None = None,
    problem: Text | None = None,
    **rest: object,
) -> Response:
    """The page of the step. A program gets only the faults, as an error."""
    faults = faults or {}
    if status >= HTTPStatus.BAD_REQUEST:
        tell_program(status, faults, problem)
    entries = steps.entries()
    page = render_template(
        f"setup/{step.value}.html",
        entries=entries,
        step=step,
        title=steps.TITLES[step],
        skip=steps.after(step),
        faults=faults,
        problem=problem,
        **rest,
    )
    return make_response(page, status)


def _next(step: Step) -> Response:
    return make_response(redirect(steps.after(step), 303))


def _typed(step: Step) -> dict[str, str]:
    return {key.name: request.form.get(key.name, "") for key in steps.keys_of(step)}


def _form(
    step: Step,
    values: Mapping[str, str],
    *,
    faults: Mapping[str, Text] | None = None,
    problem: Text | None = None,
    status: int = 200,
) -> Response:
    sent = request.method == "POST"
    before = {
        key.name: request.form.get(BEFORE + key.name) if sent else values[key.name] for key in steps.keys_of(step)
    }
    return _page(
        step,
        status,
        keys=steps.keys_of(step),
        values=values,
        before={BEFORE + name: value for name, value in before.items() if value is not None},
        faults=faults,
        problem=problem,
        known=store().stored() is not None,
    )


def _save(step: Step) -> Response:
    typed = _typed(step)
    changed = {name: text for name, text in typed.items() if text != request.form.get(BEFORE + name)}
    try:
        saved = store().save(changed)
    except InvalidSettingsError as error:
        problem = _("Nothing was saved: please check the marked fields.")
        return _form(step, typed, faults=error.faults, problem=problem, status=422)
    except AwayError as error:
        why = explain(Neighbour.DB, error.reason).sentence
        problem = _("Nothing was saved. %(why)s What you typed is still here.", why=why)
        return _form(step, typed, problem=problem, status=503)
    for name, warning in saved.warnings.items():
        if name in changed:
            flash(str(warning), "doubt")
    return _next(step)


def _choose_model() -> str:
    """Saves the address and the model of the pressed button. Raises PageError for any other address."""
    endpoint, model = request.form.get("endpoint", ""), request.form.get("model", "")
    if endpoint not in PLACES or not model:
        raise PageError(422, _("Nothing was changed."), _("Choose one of the models that the page shows."))
    try:
        saved = store().save({"llm_endpoint": endpoint, "llm_model": model})
    except InvalidSettingsError as error:
        raise PageError(422, error.faults["llm_model"], _("Nothing was changed.")) from None
    except OutsideError as error:
        title = _("Nothing was saved yet: %(why)s", why=error.message)
        raise PageError(409, title, _("If you want this, enter its name in the settings.")) from None
    monitor().forget(Neighbour.LLM)
    return saved.values["llm_model"]


def _download() -> str:
    """The model that is being downloaded; empty if there is none, or if nobody knows."""
    try:
        newest = downloader().newest(db.session())
        return newest.model if newest and newest.is_under_way else ""
    except AwayError:
        return ""
    finally:
        db.session.rollback()


def _ollama_command() -> str:
    """What installs a server on this computer."""
    if parts()[Environment].development:
        return "curl -fsSL https://ollama.com/install.sh | sh"
    return "sudo deploy/install --with-ollama"


def _password_page(faults: Mapping[str, Text] | None = None, status: int = 200) -> Response:
    environment = parts()[Environment]
    return _page(
        Step.PASSWORD,
        status,
        faults=faults,
        way=passwords().secret().way,
        is_chosen=passwords().is_chosen(),
        least=MIN_OPERATOR_PASSWORD_CHARS,
        reach=reach.reach(environment),
        leaving_file=reach.leaving_file(environment),
        development=environment.development,
    )
