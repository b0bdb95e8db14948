"""The home page, and the entries for visitors' calendars."""

import uuid
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf

from repaircafe.database.tables import db
from repaircafe.health.banner import banner_version
from repaircafe.health.monitor import monitor
from repaircafe.home import calendar, checklist
from repaircafe.home.countdown import Countdown, countdown
from repaircafe.home.hours import hours
from repaircafe.limits import MAX_MESSAGE_CHARS
from repaircafe.logs import polled
from repaircafe.settings import wording
from repaircafe.settings.definitions import Settings
from repaircafe.settings.store import store
from repaircafe.web.authentication import is_operator
from repaircafe.web.errors import PageError
from repaircafe.web.kept import KeptPages
from repaircafe.web.languages import language
from repaircafe.web.negotiation import uncached, version_of

blueprint = Blueprint("home", __name__)

_KEPT = KeptPages(32, "session_id", "fresh_id", "csrf_token")
MAP = "https://www.openstreetmap.org/search"
"""A link only: our pages load nothing from it."""


@blueprint.get("/")
def show() -> Response:
    """The next repair café, as far as it is known, and the form that begins a conversation.

    Nobody stores the page: a form that is shown again would begin the same conversation.
    """
    stored = store().stored()
    settings = stored.settings if stored else Settings()
    day = settings.next_date
    chip = countdown(settings, day, settings.now) if day else None
    versions = banner_version(monitor().glance()), stored.logo_version if stored else ""
    key = language(), settings, settings.dates, settings.called_off, day, chip, versions, stored is not None
    ids = {"session_id": str(uuid.uuid4()), "fresh_id": str(uuid.uuid4())}
    page = _KEPT.page(
        key,
        lambda: _page(settings, chip, known=stored is not None, **ids),
        {**ids, "csrf_token": generate_csrf()},
    )
    return uncached(make_response(page))


def _page(settings: Settings, chip: Countdown | None, *, known: bool, session_id: str, fresh_id: str) -> str:
    found = checklist.current() if is_operator() else ()
    place = wording.place(settings)
    return render_template(
        "home/show.html",
        settings=settings,
        known=known,
        chip=chip,
        hours=hours(settings),
        cost=wording.cost(settings),
        appointment=wording.appointment(settings),
        place=place,
        map_url=_map(place),
        checklist=found,
        version=_version(found),
        session_id=session_id,
        fresh_id=fresh_id,
        longest=MAX_MESSAGE_CHARS,
    )


@blueprint.get("/checklist")
@polled
def checklist_now() -> Response:
    """The checklist as it is now; 204 if the page shows it already, so that no focus is lost."""
    found = checklist.current()
    version = _version(found)
    if request.args.get("seen") == version:
        return make_response("", 204)
    return make_response(render_template("home/_checklist.html", checklist=found, version=version))


@blueprint.get("/event.ics")
def entry() -> Response:
    """The next repair café for a calendar. Raises PageError if none is planned."""
    store().settle_dates()
    settings = store().settings()
    event = calendar.next_one(db.session(), settings)
    if event is None:
        raise PageError(
            404,
            _("The next repair café is not planned yet."),
            _("Check again later: the date will be on the home page."),
        )
    entries = [calendar.as_entry(settings, event, _told(settings))]
    return _calendar(calendar.as_calendar(entries), f"repair-cafe-{event.held_on}.ics")


@blueprint.get("/events.ics")
def feed() -> Response:
    """All dates, for a calendar that subscribes to them."""
    store().settle_dates()
    settings = store().settings()
    told = _told(settings)
    entries = [calendar.as_entry(settings, one, told) for one in calendar.in_feed(db.session(), settings)]
    return _calendar(calendar.as_feed(entries, told), "repair-cafe.ics")


def _told(settings: Settings) -> calendar.Told:
    address = settings.public_url or url_for("home.show", _external=True)
    return calendar.Told(settings.cafe_name or _("Repair Café"), address)


def _calendar(content: bytes, name: str) -> Response:
    response = make_response(content)
    response.mimetype = "text/calendar"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return uncached(response)


def _version(found: tuple[checklist.Line, ...]) -> str:
    return version_of([(str(line.title), line.is_done, str(line.cure)) for line in found])


def _map(place: str) -> str:
    return f"{MAP}?{urlencode({'query': place})}" if place else ""
