"""`/config/models`: the installed models, and the download of others; a part of the settings and a page of its own."""

import uuid

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import format_decimal
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError

from repaircafe.database.errors import ERRORS, is_away
from repaircafe.database.tables import db
from repaircafe.downloads.downloader import CHOICES, downloader, is_same, newest
from repaircafe.downloads.models import Download, State
from repaircafe.health.monitor import monitor
from repaircafe.limits import MAX_MODEL_CHARS
from repaircafe.llm.disk import GIGABYTE, RESERVE
from repaircafe.logs import Redactor, polled
from repaircafe.neighbours.report import NeighbourError, Reason, Service, Text
from repaircafe.parts import parts
from repaircafe.settings.definitions import KEYS
from repaircafe.settings.store import InvalidSettingsError, OutsideError, store, validate
from repaircafe.web.errors import PageError, expired_form
from repaircafe.web.negotiation import is_htmx, retargeted

blueprint = Blueprint("downloads", __name__)

MEGABYTE = 1_000_000


@blueprint.get("/config/models")
def show() -> Response:
    """What there is and what can be had, as the server says it now: the part alone for htmx, else the page."""
    return _shown()


@blueprint.post("/config/models")
def start() -> Response:
    """Begins a download, or shows the one that is under way."""
    typed = request.form.get("model", "")
    try:
        model = _name(typed)
    except InvalidSettingsError as error:
        fault = error.faults["llm_model"]
        if is_htmx():
            return retargeted(_rendered("downloads/_other.html", 422, typed=typed, fault=fault), "#other-model")
        return _shown(422, typed=typed, fault=fault)
    download, is_new = downloader().start(db.session(), model)
    notice = None if is_new or is_same(download.model, model) else _not_begun(model, download)
    if is_htmx():
        typed_here = request.headers.get("HX-Trigger") == "other-model"
        left = typed if notice else ""
        return retargeted(
            _rendered("downloads/_begun.html", download=download, notice=notice, typed_here=typed_here, typed=left),
            "#download",
        )
    if notice:
        flash(notice)
    return _back()


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> Response:
    """The page was open across a restart: the name that was typed is shown again, to be sent again.

    With htmx it stands in its field still.
    """
    if is_htmx() or request.endpoint != "downloads.start":
        return expired_form(error)
    problem = _("This page was open for too long. Nothing was saved yet: press the button again.")
    return _shown(400, typed=request.form.get("model", ""), fault=problem)


@blueprint.get("/config/models/<uuid:download_id>")
@polled
def progress(download_id: uuid.UUID) -> Response:
    """How far a download is by now or, once it has ended, how it ended."""
    if not is_htmx():
        return _back()
    download = newest(db.session(), downloader().active_ids())
    if download and download.id == download_id and download.state is State.UNDER_WAY:
        return _rendered("downloads/_progress.html", download=download)
    ended = download is None or download.state is not State.UNDER_WAY
    return retargeted(_rendered("downloads/_download.html", download=download, ended_now=ended), "#download")


@blueprint.post("/config/models/<uuid:download_id>/cancel")
def cancel(download_id: uuid.UUID) -> Response:
    """Ends a download, in whichever process it is."""
    ours = db.session()
    downloader().cancel(ours, download_id)
    return (
        _rendered("downloads/_download.html", download=newest(ours, downloader().active_ids()))
        if is_htmx()
        else _back()
    )


@blueprint.post("/config/models/use")
def use() -> Response:
    """Makes a model the one that answers."""
    try:
        model = _name(request.form.get("model", ""))
    except InvalidSettingsError as error:
        raise PageError(422, error.faults["llm_model"], _("Nothing was changed.")) from None
    try:
        store().save({"llm_model": model})
    except OutsideError as error:
        title = _("Nothing was saved yet: %(why)s", why=error.message)
        raise PageError(409, title, _("If that is meant, enter its name in the settings.")) from None
    monitor().forget(Service.LLM)
    said = _("%(model)s is in use from now on.", model=model)
    if is_htmx():
        return _shown(template="downloads/_used.html", notice=said, key=KEYS["llm_model"], values={"llm_model": model})
    flash(said)
    return _back()


def _name(typed: str) -> str:
    """A model's name as its setting takes it. Raises InvalidSettingsError."""
    model = validate({"llm_model": typed}, parts()[Redactor])["llm_model"]
    if not model:
        raise InvalidSettingsError({"llm_model": _("Type the name of a model first.")})
    return model


def _not_begun(model: str, other: Download) -> Text:
    return _(
        "%(model)s was not begun: %(other)s is being downloaded, and one comes after the other.",
        model=model,
        other=other.model,
    )


def _shown(status: int = 200, template: str = "downloads/_models.html", **context: object) -> Response:
    """With what the server says; its failure is a sentence on the page."""
    inventory, reason, download = None, None, _newest()
    try:
        inventory = downloader().inventory(store().known()["llm_endpoint"])
    except NeighbourError as error:
        reason = error.reason
    chosen = template if is_htmx() else "downloads/show.html"
    return _rendered(chosen, status, download=download, inventory=inventory, reason=reason, **context)


def _newest() -> Download | None:
    """None as well while the database is away: what is installed can be told without it. Holds no connection."""
    try:
        download = newest(db.session(), downloader().active_ids())
        db.session.expunge_all()
    except ERRORS as error:
        if not is_away(error):
            raise
        download = None
    db.session.rollback()
    return download


def _rendered(template: str, status: int = 200, *, download: Download | None = None, **context: object) -> Response:
    page = render_template(
        template,
        download=download,
        ending=_ending(download) if download else "",
        chosen=store().known()["llm_model"],
        choices=CHOICES,
        longest=MAX_MODEL_CHARS,
        is_same=is_same,
        size=_size,
        part=_part,
        speed=_speed,
        percent=_percent,
        left=_minutes_left,
        doing=_doing,
        State=State,
        Reason=Reason,
        RESERVE=RESERVE,
        faults={},
        **context,
    )
    return make_response(page, status)


def _ending(download: Download) -> Text:
    sentences = {
        State.DONE: _("%(model)s has been downloaded.", model=download.model),
        State.FAILED: _("%(model)s could not be downloaded.", model=download.model),
        State.CANCELLED: _("The download of %(model)s was cancelled.", model=download.model),
        State.BROKEN: _("The download of %(model)s ended when the assistant was restarted.", model=download.model),
    }
    return sentences.get(download.state, "")


def _doing(download: Download) -> Text:
    """What the server does, in words; those of Ollama's stream are for technicians."""
    if download.cancel_asked:
        return _("Being cancelled …")
    if download.status.startswith(("verifying", "writing", "removing", "success")):
        return _("Checking what has arrived; on an SD card that takes a few minutes.")
    if download.done:
        return _("Downloading.")
    return _("Looking for the model.")


def _percent(download: Download) -> int:
    return 100 * download.done // download.total


def _minutes_left(download: Download) -> int:
    """Rounded up; 0 where nothing is left."""
    return -(-(download.total - download.done) // (download.speed * 60))


def _size(count: int) -> Text:
    """Bytes as people read them, in the units in which Ollama states a model's size."""
    if count < GIGABYTE:
        return _("%(count)s MB", count=format_decimal(count / MEGABYTE, "0"))
    return _("%(count)s GB", count=format_decimal(count / GIGABYTE, "0.0"))


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
