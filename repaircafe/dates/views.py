"""`/dates`: the organiser plans, moves and cancels dates, one by one or a year of them at once."""

import uuid
from collections.abc import Mapping
from datetime import date

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask import session as browser
from flask_babel import gettext as _
from flask_babel import ngettext

from repaircafe.afternoons import records
from repaircafe.database.tables import db
from repaircafe.dates import forms
from repaircafe.events import planning
from repaircafe.events.models import Event, Occasion
from repaircafe.logs import Redactor
from repaircafe.neighbours.report import Text
from repaircafe.parts import parts
from repaircafe.settings.store import InvalidSettingsError, forget_date, store
from repaircafe.web.errors import PageError, tell_program

blueprint = Blueprint("dates", __name__, url_prefix="/dates")

NEW, SERIES = "new", "series"
"""The forms of the page that belong to no date."""
REMOVED = "removed_date"
"""In the cookie of the organiser's browser, until the next page: the date that she has just removed."""
MAX_PASSED_COUNT = 24
"""Two years of monthly dates that are over; the API has all of them."""


@blueprint.get("")
def show() -> Response:
    """The list, and the forms."""
    store().settle_dates()
    return _page(removed=browser.pop(REMOVED, None))


@blueprint.post("")
def add() -> Response:
    """Plans one date. A day that has one already is a fault at the field."""
    try:
        wanted = forms.occasion(request.form, parts()[Redactor])
        with store().changing_dates() as session:
            if planning.plan_all(session, [wanted]) == 0:
                raise InvalidSettingsError({"date": _taken()})
    except InvalidSettingsError as error:
        return _page(NEW, error.faults, status=422)
    flash(_("The date was added."))
    if wanted.is_over(store().settings().now):
        flash(_("This day has passed, so visitors do not see it."), "doubt")
    return _back()


@blueprint.get("/series")
def preview() -> Response:
    """The dates that a rule would make: nothing is saved, and each one can be left out."""
    if not request.args:
        return _back()
    try:
        series = forms.series(request.args, request.args.getlist("skipped"), parts()[Redactor])
    except InvalidSettingsError as error:
        return _page(SERIES, error.faults, status=422)
    taken = {one.held_on for one in planning.planned(db.session(), series.first)}
    page = render_template(
        "dates/series.html", occasions=series.occasions, taken=taken, as_time=forms.as_time, hours_of=forms.hours
    )
    return make_response(page)


@blueprint.post("/series")
def add_series() -> Response:
    """Plans the dates that are still ticked. Days that have a date already stay as they are."""
    sent, redactor = request.form, parts()[Redactor]
    try:
        wanted = [forms.occasion({**sent, "date": day}, redactor) for day in sent.getlist("date")]
    except InvalidSettingsError as error:
        return _page(SERIES, error.faults, status=422)
    with store().changing_dates() as session:
        added = planning.plan_all(session, wanted)
    flash(ngettext("%(num)d date was added.", "%(num)d dates were added.", added))
    return _back()


@blueprint.post("/<uuid:event_id>")
def change(event_id: uuid.UUID) -> Response:
    """Moves a date, or changes its hours or its note. Calendars that have it change it, too."""
    try:
        wanted = forms.occasion(request.form, parts()[Redactor])
        with store().changing_dates() as session:
            event, there = _found(planning.find(session, event_id)), planning.on(session, wanted.day)
            if there is not None and there.id != event_id:
                raise InvalidSettingsError({"date": _taken()})
            if event.held_on != wanted.day and records.is_recorded(session, event_id):
                raise InvalidSettingsError({"date": _recorded()})
            planning.change(event, wanted)
    except InvalidSettingsError as error:
        return _page(str(event_id), error.faults, status=422)
    flash(_("The date was changed. Calendars that have it are told."))
    return _back()


@blueprint.post("/<uuid:event_id>/cancel")
def cancel(event_id: uuid.UUID) -> Response:
    """Cancels a date. It stays in the list, and calendars are told."""
    with store().changing_dates() as session:
        _found(planning.find(session, event_id)).cancelled = True
    flash(_("The date was cancelled."))
    return _back()


@blueprint.post("/<uuid:event_id>/restore")
def restore(event_id: uuid.UUID) -> Response:
    """Lets a cancelled date take place after all."""
    with store().changing_dates() as session:
        planning.hold(_found(planning.find(session, event_id)))
    flash(_("The date takes place after all."))
    return _back()


@blueprint.post("/<uuid:event_id>/remove")
def remove(event_id: uuid.UUID) -> Response:
    """Removes a date that has passed and has brought nothing, such as a mistyped year. The next page can undo it."""
    with store().changing_dates() as session:
        event = _found(planning.locked(session, event_id))
        when, refusal = event.occasion, _staying(event)
        if refusal is None:
            records.forget(session, event_id)
            planning.remove(session, event)
            forget_date(session, when.day)
    if refusal is not None:
        flash(refusal, "doubt")
    else:
        browser[REMOVED] = forms.sent(when)
    return _back()


def _found(event: Event | None) -> Event:
    if event is None:
        raise PageError(404, _("There is no such date."), _("Go back to the list of dates."))
    return event


def _staying(event: Event) -> Text | None:
    """Why a date cannot be removed, and what to do; None if it can."""
    if not event.occasion.is_over(store().settings().now):
        return _("This date has not passed. Cancel it instead, so that calendars are told.")
    if records.is_recorded(db.session(), event.id):
        return _(
            "Repairs or numbers are recorded for this date, so it stays. "
            "To remove it, open it, remove each thing and empty the numbers first."
        )
    return None


def _recorded() -> Text:
    return _("Repairs or numbers are recorded for this date, so it stays on its day. Add the new day as another date.")


def _taken() -> Text:
    return _("This day has a date already.")


def _back() -> Response:
    return make_response(redirect(url_for("dates.show"), 303))


def _page(
    at: str = "",
    faults: Mapping[str, Text] | None = None,
    status: int = 200,
    removed: Mapping[str, str] | None = None,
) -> Response:
    """`at`: the form that was refused, with what is wrong in it and what was typed there. A program gets only that.

    `removed`: the date that was just removed, as a form would send it.
    """
    if faults:
        tell_program(status, faults)
    settings = store().settings()
    now, events = settings.now, planning.planned(db.session())
    usual = Occasion(settings.first_day, settings.event_start, settings.event_end)
    passed = [one for one in events if one.occasion.is_over(now)]
    page = render_template(
        "dates/show.html",
        coming=[one for one in events if not one.occasion.is_over(now)],
        passed=passed[::-1][:MAX_PASSED_COUNT],
        recorded=records.recorded(db.session()),
        removed=removed,
        removed_day=date.fromisoformat(removed["date"]) if removed else None,
        today=now.date(),
        usual=usual,
        feed=settings.public_url.rstrip("/") + url_for("home.feed") if settings.public_url else None,
        at=at,
        faults=faults or {},
        typed=request.values,
        skipped=request.values.getlist("skipped"),
        rhythms=forms.RHYTHMS,
        weekdays=forms.weekdays(),
        months=forms.months(),
        as_time=forms.as_time,
        hours_of=forms.hours,
    )
    return make_response(page, status)
