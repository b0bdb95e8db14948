"""`/afternoons`: what each date has brought, as numbers and thing by thing; all of it so far; and an export."""

import uuid
from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, date

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from repaircafe.afternoons import forms, open_repair, records, sheets
from repaircafe.afternoons.chart import chart
from repaircafe.afternoons.forms import InvalidFormError
from repaircafe.afternoons.kinds import KINDS, POWERED
from repaircafe.afternoons.models import Thing
from repaircafe.afternoons.pages import (
    CAFE_FORM,
    NUMBERS_FORM,
    THING_FORM,
    date_page,
    hand_in_page,
    is_doubtful,
    next_thing,
    thing_page,
)
from repaircafe.afternoons.personal import parts_of
from repaircafe.afternoons.records import Numbers
from repaircafe.afternoons.words import ANSWERS, BARRIERS, NUMBERS, years
from repaircafe.database.tables import db
from repaircafe.events import planning
from repaircafe.events.models import Event
from repaircafe.limits import MAX_SHOWN_DATES_COUNT
from repaircafe.neighbours.report import Text
from repaircafe.settings.store import store
from repaircafe.web.errors import PageError, tell_program
from repaircafe.web.languages import language
from repaircafe.web.negotiation import is_htmx, version_of

blueprint = Blueprint("afternoons", __name__, url_prefix="/afternoons")

BOTH = (NUMBERS_FORM, THING_FORM)
"""The page is one form: each of its buttons sends the numbers, and the thing that is being typed."""


@blueprint.get("")
def so_far() -> Response:
    """All dates that have begun: a chart, the numbers of each year, and those of each date; or the dates of a year."""
    dates, year = records.held(db.session(), _today()), request.args.get("year", type=int)
    of_year = [one for one in dates if one.day.year == year]
    page = render_template(
        "afternoons/so_far.html",
        dates=of_year or dates[:MAX_SHOWN_DATES_COUNT],
        is_cut=not of_year and len(dates) > MAX_SHOWN_DATES_COUNT,
        year=year if of_year else None,
        chart=chart(of_year or dates),
        years=years(dates),
        NUMBERS=NUMBERS,
    )
    return make_response(page)


@blueprint.get("/so-far.csv")
def so_far_sheet() -> Response:
    """The same as a file for a spreadsheet."""
    return _file(sheets.so_far(records.held(db.session(), _today()), language()), "repair-cafe-so-far.csv")


@blueprint.get("/<uuid:event_id>")
def show(event_id: uuid.UUID) -> Response:
    """One date: its numbers, and its list of things."""
    return date_page(_opened(event_id))


@blueprint.post("/<uuid:event_id>")
def save(event_id: uuid.UUID) -> Response:
    """Stores the typed numbers. If another page has stored others meanwhile, it shows both and stores nothing."""
    event = _opened(event_id, for_writing=True)
    try:
        wanted = forms.numbers(request.form)
    except InvalidFormError as error:
        return date_page(event, BOTH, error.faults, 422)
    session = db.session()
    if not _replace(event_id, wanted):
        session.rollback()
        return date_page(event, BOTH, {"seen": _elsewhere()}, 409)
    session.commit()
    flash(_("Saved."))
    return _kept(event)


@blueprint.post("/<uuid:event_id>/count")
def count(event_id: uuid.UUID) -> Response:
    """Forgets the typed numbers of things, so that those of the list count; as `save`, if another page has saved."""
    event = _opened(event_id, for_writing=True)
    session = db.session()
    before = records.numbers_of(session, event_id)
    if request.form.get("seen", version_of(before)) != version_of(before):
        session.rollback()
        return date_page(event, BOTH, {"seen": _elsewhere()}, 409)
    others = {"visitors": "" if before.visitors is None else str(before.visitors), "sentence": before.sentence}
    try:
        wanted = forms.numbers({name: request.form.get(name, stored) for name, stored in others.items()})
    except InvalidFormError as error:
        session.rollback()
        return date_page(event, BOTH, error.faults, 422)
    records.write_numbers(session, event_id, wanted)
    session.commit()
    flash(_("The numbers are those of the list now."))
    return _kept(event)


@blueprint.get("/<uuid:event_id>/count")
@blueprint.get("/<uuid:event_id>/things")
def things(event_id: uuid.UUID) -> Response:
    """Leads to the page of the date: a refused form was shown at this address, and may be opened again."""
    return _back(event_id, "things")


@blueprint.post("/<uuid:event_id>/things")
def record(event_id: uuid.UUID) -> Response:
    """Adds a thing to the list. The id in the form makes it one thing, however often the button is pressed.

    The numbers that are typed beside it are stored, too. If they cannot be, the page says so and still has them.
    """
    event = _opened(event_id, for_writing=True)
    answer = next_thing if is_htmx() else date_page
    try:
        values = forms.thing(request.form, _today())
    except InvalidFormError as error:
        return answer(event, BOTH if "seen" in request.form else (THING_FORM,), error.faults, 422)
    session = db.session()
    faults = _store_beside(event_id)
    if faults:
        tell_program(422, faults)  # which gets all or nothing
    records.record(session, event_id, request.form.get("thing_id", uuid.uuid4(), type=uuid.UUID), values)
    session.commit()
    if is_htmx():
        return next_thing(event, faults=faults)
    if faults:
        return date_page(event, (NUMBERS_FORM,), faults)
    return _back(event_id, "thing-what")


@blueprint.get("/<uuid:event_id>/things/<uuid:thing_id>")
def edit(event_id: uuid.UUID, thing_id: uuid.UUID) -> Response:
    """The form that corrects a thing."""
    return thing_page(_opened(event_id), _found(event_id, thing_id))


@blueprint.post("/<uuid:event_id>/things/<uuid:thing_id>")
def correct(event_id: uuid.UUID, thing_id: uuid.UUID) -> Response:
    """Corrects a thing."""
    event, thing = _opened(event_id), _found(event_id, thing_id)
    try:
        values = forms.thing(request.form, _today(), thing)
    except InvalidFormError as error:
        return thing_page(event, thing, error.faults, 422)
    before = version_of(thing.values())
    if request.form.get("seen", before) != before and values != thing.values():
        why = _("Another page has changed this meanwhile. Save again to replace what it says now.")
        return thing_page(event, thing, {"seen": why}, 409)
    records.correct(db.session(), thing, values)
    db.session().commit()
    flash(_("Saved."))
    return _back(event_id)


@blueprint.post("/<uuid:event_id>/things/<uuid:thing_id>/remove")
def remove(event_id: uuid.UUID, thing_id: uuid.UUID) -> Response:
    """Removes a thing from the list."""
    _opened(event_id)
    session, thing = db.session(), _found(event_id, thing_id)
    records.remove(session, thing)
    session.commit()
    flash(_("Removed: %(what)s", what=thing.name))
    return _back(event_id)


@blueprint.get("/<uuid:event_id>/rows")
def rows(event_id: uuid.UUID) -> Response:
    """The things of a date in the order in which RepairMonitor asks for them, to type from."""
    event = _opened(event_id)
    words = {"ANSWERS": ANSWERS, "BARRIERS": BARRIERS, "KINDS": KINDS, "parts_of": parts_of}
    listed = records.things(db.session(), event_id)[::-1]
    return make_response(render_template("afternoons/rows.html", event=event, things=listed, **words))


@blueprint.get("/open-repair")
def hand_in() -> Response:
    """What an export would hold, and what to correct before it."""
    return hand_in_page()


@blueprint.post("/open-repair")
def remember() -> Response:
    """Stores what an export says about the café."""
    try:
        values = forms.hand_in(request.form)
    except InvalidFormError as error:
        return hand_in_page(CAFE_FORM, error.faults, 422)
    session = db.session()
    records.remember(session, values)
    session.commit()
    flash(_("Saved."))
    return make_response(redirect(url_for("afternoons.hand_in"), 303))


@blueprint.get("/open-repair.csv")
def export() -> Response:
    """The file. What looks like personal data has to be corrected or looked at first."""
    session, year = db.session(), request.args.get("year", type=int)
    year = year if year in range(MINYEAR, MAXYEAR + 1) else None
    cafe, brought = records.hand_in(session), records.handed_in(session, year)
    if cafe is None:
        flash(_("Say first what the file says about your café."), "doubt")
        return make_response(redirect(url_for("afternoons.hand_in"), 303))
    if request.args.get("looked") != "1" and any(is_doubtful(one) for one, _day in brought if one.kind in POWERED):
        fault = _("Correct the marked texts first, or tick that they are not about a person.")
        return hand_in_page(faults={"looked": fault}, status=422)
    return _file(open_repair.exported(brought, cafe), f"open-repair-{year}.csv" if year else "open-repair.csv")


def _opened(event_id: uuid.UUID, *, for_writing: bool = False) -> Event:
    """The date, if numbers may be given for it. `for_writing`: it stays as it is until the end of the transaction."""
    session = db.session()
    find, next_step = planning.locked if for_writing else planning.find, _("Go back to the list of dates.")
    event = find(session, event_id)
    if event is None:
        raise PageError(404, _("There is no such date."), next_step)
    if not records.is_open(session, event, _today()):
        cancelled, later = _("This date was cancelled."), _("This date is still to come.")
        raise PageError(404, cancelled if event.cancelled else later, next_step)
    return event


def _found(event_id: uuid.UUID, thing_id: uuid.UUID) -> Thing:
    thing = records.thing(db.session(), event_id, thing_id)
    if thing is None:
        raise PageError(404, _("This thing is no longer in the list."), _("Go back to the list of that date."))
    return thing


def _kept(event: Event) -> Response:
    """The page after the numbers were stored; with a thing that is half typed, it has to be the answer itself."""
    return date_page(event, (THING_FORM,)) if forms.begins_thing(request.form) else _back(event.id)


def _replace(event_id: uuid.UUID, wanted: Numbers) -> bool:
    """Stores the numbers; False if another page has stored others than this one was made with."""
    session = db.session()
    before = records.numbers_of(session, event_id)
    if before != wanted and request.form.get("seen") != version_of(before):
        return False
    records.write_numbers(session, event_id, wanted)
    return True


def _store_beside(event_id: uuid.UUID) -> Mapping[str, Text]:
    """Stores the numbers that were typed beside a thing. Returns why they cannot be stored."""
    try:
        wanted = forms.numbers(request.form)
    except InvalidFormError as error:
        return error.faults
    is_changed = request.form.get("seen", version_of(wanted)) != version_of(wanted)
    return {} if not is_changed or _replace(event_id, wanted) else {"seen": _elsewhere()}


def _back(event_id: uuid.UUID, anchor: str | None = None) -> Response:
    return make_response(redirect(url_for("afternoons.show", event_id=event_id, _anchor=anchor), 303))


def _file(content: str, name: str) -> Response:
    response = make_response(content)
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _today() -> date:
    return store().settings().now.date()


def _elsewhere() -> Text:
    return _("Another page has saved other numbers meanwhile.")
