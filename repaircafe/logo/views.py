"""`/logo`: the picture, for everybody; `/config/logo`: the organiser's form for it."""

import structlog
from flask import Blueprint, Flask, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from repaircafe.limits import MAX_LOGO_BYTES
from repaircafe.logo.pictures import Picture, RefusedPictureError, clean
from repaircafe.logo.stored import Shown, replace
from repaircafe.logs import EventType
from repaircafe.neighbours.report import Text
from repaircafe.parts import parts
from repaircafe.settings.store import Store, store
from repaircafe.web.errors import PageError
from repaircafe.web.negotiation import wants_json

CSP = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""For a browser that opens the picture by itself: it may use the drawing's own styles, and nothing else."""
KEPT_S = 365 * 24 * 3600

blueprint = Blueprint("logo", __name__)
log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Lets every page know whether there is a logo."""
    parts(app).add(Shown(parts(app)[Store]))
    app.jinja_env.globals["logo_version"] = lambda: store().last_logo_version()


@blueprint.get("/logo")
def show() -> Response:
    """The picture. Raises PageError if there is none."""
    picture = parts()[Shown].current()
    if picture is None:
        raise PageError(404, _("There is no logo."), _("Check the address, or start from the home page."))
    response = make_response(picture.content)
    response.mimetype = picture.media_type
    response.headers["Content-Security-Policy"] = CSP
    response.set_etag(picture.version)
    is_named = request.args.get("v") == picture.version
    response.headers["Cache-Control"] = f"public, max-age={KEPT_S}, immutable" if is_named else "no-cache"
    response.make_conditional(request)
    return response


@blueprint.get("/config/logo")
def edit() -> Response:
    """The form for the logo, as a page."""
    return _page()


@blueprint.post("/config/logo")
def save() -> Response:
    """Stores the uploaded picture, written anew; shows the form again if it is refused."""
    file = request.files.get("logo")
    try:
        picture = clean(file.stream.read(MAX_LOGO_BYTES + 1) if file else b"")
    except RefusedPictureError as error:
        if wants_json():
            raise PageError(422, error.message, _("Send another picture.")) from None
        return _page(error.message, 422)
    return _changed(picture, _("Saved."))


@blueprint.post("/config/logo/remove")
def remove() -> Response:
    """Removes the logo."""
    return _changed(None, _("The logo has been removed."))


def _changed(picture: Picture | None, notice: Text) -> Response:
    with store().changing_dates() as session:  # afterwards this process knows the logo's version, as it does the dates
        replace(session, picture)
    log.info("Logo changed", event_type=EventType.CONFIG_CHANGED, version=picture.version if picture else "")
    flash(notice)
    return make_response(redirect(url_for("config.show", _anchor="logo"), 303))


def _page(fault: Text | None = None, status: int = 200) -> Response:
    return make_response(render_template("logo/show.html", fault=fault), status)
