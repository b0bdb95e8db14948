"""`/config/models`: the installed models and the download of others, as a part of the settings and as a page."""

import uuid
from functools import partial

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from markupsafe import Markup

from repaircafe.database.errors import AwayError
from repaircafe.database.tables import db
from repaircafe.downloads.downloader import downloader
from repaircafe.downloads.models import Download
from repaircafe.downloads.sizes import MEGABYTE, size
from repaircafe.health.monitor import monitor
from repaircafe.limits import MAX_MODEL_CHARS
from repaircafe.llm.disk import GIGABYTE, RESERVE
from repaircafe.llm.inventory import CHOICES
from repaircafe.logs import Redactor, polled
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.model_names import is_cloud_model, is_same
from repaircafe.neighbours.report import Neighbour, NeighbourError, Reason, Text
from repaircafe.parts import parts
from repaircafe.settings.keys import KEYS
from repaircafe.settings.store import InvalidSettingsError, OutsideError, store, validate
from repaircafe.web.errors import PageError, expired_form
from repaircafe.web.negotiation import is_htmx, retargeted, wants_json
from repaircafe.work.models import State
from repaircafe.work.pages import JobView, news

blueprint = Blueprint("downloads", __name__)

FEW_SECONDS = 15
"""Up to so many seconds, the time that is left is not counted."""


@blueprint.post("/config/models")
def start() -> Response:
    """Starts a download, or shows the one that is running."""
    typed = request.form.get("model", "")
    try:
        model = _name(typed)
        if is_cloud_model(model):
            raise InvalidSettingsError({"llm_model": explain(Neighbour.LLM, Reason.CLOUD_MODEL).sentence})
    except InvalidSettingsError as error:
        fault = error.faults["llm_model"]
        if is_htmx():
            return retargeted(_rendered("downloads/_other.html", 422, typed=typed, fault=fault), "#other-model")
        if wants_json():
            raise PageError(422, fault, _("Nothing was changed.")) from None
        return show(422, typed=typed, fault=fault)
    is_anew = "anew" in request.args
    download, is_new = downloader().start(db.session(), model, is_anew=is_anew)
    notice = None if is_new or is_same(download.model, model) else _not_begun(model, download)
    if is_htmx():
        typed_here = request.headers.get("HX-Trigger") == "other-model"
        left = typed if notice else ""
        return retargeted(
            _rendered("downloads/_begun.html", download=download, notice=notice, typed_here=typed_here, typed=left),
            "#download",
            "outerHTML show:top" if is_anew else "outerHTML",  # the button may be far above
        )
    if notice:
        flash(notice)
    return _back()


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> Response:
    """The page was open while the app restarted. Shows the typed name again, ready to be sent.

    With htmx the name is still in its field.
    """
    if is_htmx() or wants_json() or request.endpoint != "downloads.start":
        return expired_form(error)
    problem = _("This page was open for too long. Nothing has been saved yet: press the button again.")
    return show(400, typed=request.form.get("model", ""), fault=problem)


@blueprint.get("/config/models/<uuid:download_id>")
@polled
def progress(download_id: uuid.UUID) -> Response:
    """The progress of a download or, once it has ended, its result."""
    if not is_htmx():
        return _back()
    download = downloader().newest(db.session())
    if download and download.id == download_id and download.is_under_way:
        return news(_view_of(download))
    ended = download is None or not download.is_under_way
    return retargeted(_rendered("downloads/_download.html", download=download, ended_now=ended), "#download")


@blueprint.post("/config/models/<uuid:download_id>/cancel")
def cancel(download_id: uuid.UUID) -> Response:
    """Cancels a download, in whichever process it runs."""
    downloader().cancel(db.session(), download_id)
    return make_response("", 204) if is_htmx() else _back()


@blueprint.post("/config/models/use")
def use() -> Response:
    """Makes a model the one that answers questions."""
    try:
        model = _name(request.form.get("model", ""))
    except InvalidSettingsError as error:
        raise PageError(422, error.faults["llm_model"], _("Nothing was changed.")) from None
    try:
        store().save({"llm_model": model})
    except OutsideError as error:
        title = _("Nothing was saved yet: %(why)s", why=error.message)
        raise PageError(409, title, _("If you want this, enter its name in the settings.")) from None
    monitor().forget(Neighbour.LLM)
    text = _("%(model)s is now in use.", model=model)
    if is_htmx():
        return show(template="downloads/_used.html", notice=text, key=KEYS["llm_model"], values={"llm_model": model})
    flash(text)
    return _back()


def _name(typed: str) -> str:
    """The typed name in the form of its setting. Raises InvalidSettingsError."""
    model = validate({"llm_model": typed}, parts()[Redactor])["llm_model"]
    if not model:
        raise InvalidSettingsError({"llm_model": _("Type the name of a model first.")})
    return model


def _not_begun(model: str, other: Download) -> Text:
    return _(
        "%(model)s was not started: %(other)s is still downloading. Wait until it is done.",
        model=model,
        other=other.model,
    )


@blueprint.get("/config/models")
def show(status: int = 200, template: str = "downloads/_models.html", **context: object) -> Response:
    """The models that the server lists now, or why it lists none, and those to download. htmx gets only this part."""
    inventory, reason, download = None, None, _newest()
    try:
        inventory = downloader().inventory(store().known()["llm_endpoint"])
    except NeighbourError as error:
        reason = error.reason
    chosen = template if is_htmx() else "downloads/show.html"
    return _rendered(chosen, status, download=download, inventory=inventory, reason=reason, **context)


def _newest() -> Download | None:
    """The newest download, if there is one. Holds no connection.

    None while the database is unavailable, so that the page can still show the installed models.
    """
    try:
        download = downloader().newest(db.session())
        db.session.expunge_all()
    except AwayError:
        download = None
    db.session.rollback()
    return download


def _rendered(template: str, status: int = 200, *, download: Download | None = None, **context: object) -> Response:
    page = render_template(
        template,
        chosen=store().known()["llm_model"],
        choices=CHOICES,
        longest=MAX_MODEL_CHARS,
        is_same=is_same,
        size=size,
        download=download,
        view=_view_of(download) if download else None,
        ending=_ending(download) if download else "",
        State=State,
        Reason=Reason,
        RESERVE=RESERVE,
        faults={},
        **context,
    )
    return make_response(page, status)


def _view_of(download: Download) -> JobView:
    at = partial(url_for, download_id=download.id)
    bar = render_template(
        "downloads/_progress.html", download=download, part=_part, speed=_speed, percent=_percent, left=_left
    )
    return JobView(
        download,
        partial(at, "downloads.progress"),
        at("downloads.cancel"),
        _("Cancel"),
        words=_doing(download),
        bar=Markup(bar),  # noqa: S704  from our own template  # nosec B704
    )


def _ending(download: Download) -> Text:
    sentences = {
        State.DONE: _("%(model)s has been downloaded.", model=download.model),
        State.FAILED: _("%(model)s could not be downloaded.", model=download.model),
        State.STOPPED: _("The download of %(model)s was cancelled.", model=download.model),
        State.BROKEN: _("The download of %(model)s stopped when the assistant was restarted.", model=download.model),
    }
    return sentences.get(download.state, "")


def _doing(download: Download) -> Text:
    """What the server does, in plain words instead of those of Ollama's stream."""
    if download.stop_asked:
        return _("Cancelling …")
    if download.status.startswith(("verifying", "writing", "removing", "success")):
        return _("Checking the download; on an SD card that takes a few minutes.")
    if download.done:
        return _("Downloading.")
    return _("Looking for the model.")


def _percent(download: Download) -> int:
    return 100 * download.done // download.total


def _left(download: Download) -> Text:
    """How long it will take, with minutes rounded up; empty if nothing is left."""
    seconds = -(-(download.total - download.done) // download.speed)
    if seconds <= FEW_SECONDS:
        return _("a few seconds left") if seconds else ""
    return ngettext("%(num)d minute left", "%(num)d minutes left", -(-seconds // 60))


def _part(done: int, total: int) -> Text:
    if total < GIGABYTE:
        unit, form = MEGABYTE, "0"
    else:
        unit, form = GIGABYTE, "0.0"
    of = {"done": format_decimal(done / unit, form), "total": format_decimal(total / unit, form)}
    return _("%(done)s of %(total)s MB", **of) if unit == MEGABYTE else _("%(done)s of %(total)s GB", **of)


def _speed(bytes_per_second: int) -> Text:
    return _("%(count)s MB/s", count=format_decimal(bytes_per_second / MEGABYTE, "0.0"))


def _back() -> Response:
    return make_response(redirect(url_for("downloads.show"), 303))
