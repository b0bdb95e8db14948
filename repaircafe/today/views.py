"""`/today`: the organiser's first page. What waits, and what belongs to the time before, during or after a date."""

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask_babel import get_locale

from repaircafe.afternoons import records
from repaircafe.database.tables import db
from repaircafe.events import planning
from repaircafe.facts.wording import clock_time
from repaircafe.health.monitor import monitor
from repaircafe.home.countdown import Countdown, countdown
from repaircafe.home.hours import hours
from repaircafe.logs import polled
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Text
from repaircafe.settings import wording
from repaircafe.settings.definitions import Settings
from repaircafe.settings.store import store
from repaircafe.today.day import Day, Phase, day_of
from repaircafe.today.waiting import is_set_up, waiting
from repaircafe.web.negotiation import uncached, version_of
from repaircafe.work import queue

blueprint = Blueprint("today", __name__, url_prefix="/today")


@dataclass(frozen=True)
class Now:
    """What changes while the café is open. `trouble`: why the assistant does not answer; empty if it does."""

    clock: str
    chip: Countdown
    running: int
    queued: int
    trouble: Text

    @property
    def version(self) -> str:
        """A digest of it, by which the page knows whether it has changed."""
        return version_of((self.clock, str(self.chip.words), self.running, self.queued, str(self.trouble)))


@blueprint.get("")
def show() -> Response:
    """What is to be done today."""
    settings, session = store().settings(), db.session()
    held = records.held(session, settings.now.date())
    day = _day(settings, held)
    chip = _chip(settings, day)
    page = render_template(
        "today/show.html",
        day=day,
        settings=settings,
        hours=hours(settings),
        place=wording.place(settings),
        chip=chip,
        now=_now(settings, chip) if chip is not None and day.phase is Phase.DURING else None,
        waiting=waiting(session, day, held, settings.now),
    )
    return uncached(make_response(page))


@blueprint.get("/now")
@polled
def now() -> Response:
    """What changes while the café is open; 204 if the page shows it already. At its end the page is loaded again."""
    settings = store().settings()
    day = _day(settings, records.held(db.session(), settings.now.date()))
    chip = _chip(settings, day)
    if chip is None or day.phase is not Phase.DURING:
        return _reloaded()
    found = _now(settings, chip)
    if request.args.get("seen") == found.version:
        return make_response("", 204)
    return uncached(make_response(render_template("today/_now.html", now=found)))


def first_page() -> str:
    """The organiser's first page after the sign-in: until everything is set up, the home page with its checklist."""
    return url_for("today.show" if is_set_up() else "home.show")


def _reloaded() -> Response:
    response = make_response("")
    response.headers["HX-Refresh"] = "true"
    return response


def _day(settings: Settings, held: list[records.Held]) -> Day:
    counted = {one.event.id for one in held if one.summary.is_told}
    return day_of(planning.planned(db.session()), counted, settings.now)


def _chip(settings: Settings, day: Day) -> Countdown | None:
    """How long it is until the date of the page; None if there is none, or it is over."""
    if day.event is None or day.phase is Phase.AFTER:
        return None
    return countdown(settings, day.event.occasion.day, settings.now)


def _now(settings: Settings, chip: Countdown) -> Now:
    report = monitor().glance().report(Neighbour.LLM)
    running, queued = queue.numbers(db.session(), ("reply",))
    trouble = explain(Neighbour.LLM, report.reason).sentence if report.reason else ""
    return Now(clock_time(settings.now.time(), get_locale()), chip, running, queued, trouble)
