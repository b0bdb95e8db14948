"""`/api/events`: the list of dates for programs that sign in as the organiser."""

import uuid

from flask import Blueprint, Response
from flask_babel import gettext as _
from pydantic import ValidationError

from repaircafe.database.tables import db
from repaircafe.dates.forms import as_time, occasion
from repaircafe.dates.schemas import Events, NewEvent, Row
from repaircafe.events import planning
from repaircafe.logs import Redactor, name_faults
from repaircafe.parts import parts
from repaircafe.settings.store import InvalidSettingsError, store
from repaircafe.web.errors import PageError, answer
from repaircafe.web.openapi import Operation, documented
from repaircafe.web.schemas import json_response, read_json

blueprint = Blueprint("dates_api", __name__, url_prefix="/api/events")


@blueprint.get("")
@documented(Operation(answers={200: Events}))
def show() -> Response:
    """All dates, with those that are over or cancelled."""
    store().settle_dates()
    rows = [Row.of(one) for one in planning.planned(db.session())]
    return json_response(Events, Events(events=rows))


@blueprint.post("")
@documented(Operation(answers={200: Row, 201: Row}, takes=NewEvent))
def add() -> Response:
    """Plans a date. Answers 200 with the date that there is if that day has one; one that was cancelled takes place."""
    wanted = occasion(_sent(), parts()[Redactor])
    with store().changing_dates() as session:
        event = planning.on(session, wanted.day)
        status = 200 if event else 201
        event = event or planning.plan(session, wanted)
        planning.hold(event)
        row = Row.of(event)
    return json_response(Row, row, status)


@blueprint.delete("/<uuid:event_id>")
@documented(Operation(answers={200: Row}, path={"event_id": uuid.UUID}))
def cancel(event_id: uuid.UUID) -> Response:
    """Cancels a date. Calendars that subscribe are told; the date stays in the list."""
    with store().changing_dates() as session:
        event = planning.find(session, event_id)
        if event is None:
            raise PageError(404, _("There is no such date."), _("GET /api/events shows all of them."))
        event.cancelled = True
        row = Row.of(event)
    return json_response(Row, row)


@blueprint.errorhandler(InvalidSettingsError)
def refused(error: InvalidSettingsError) -> Response:
    """422 with every fault."""
    title, cure = _("Nothing was saved: at least one value is wrong."), _("Correct the values and send them again.")
    return answer(PageError(422, title, cure, errors=error.faults))


def _sent() -> dict[str, str]:
    """The body's date as texts, with the usual hours if it names none. Raises PageError and InvalidSettingsError."""
    body = read_json()
    if not isinstance(body, dict):
        raise PageError(400, _("The body is not a JSON object."), _('Send, for example, {"date": "2026-12-05"}.'))
    try:
        new = NewEvent.model_validate(body)
    except ValidationError as error:
        raise InvalidSettingsError(_faults(error)) from None
    sent = {name: text or "" for name, text in new.model_dump().items()}
    if not sent["start"] and not sent["end"]:
        settings = store().settings()
        sent |= {"start": as_time(settings.event_start), "end": as_time(settings.event_end)}
    return sent


def _faults(error: ValidationError) -> dict[str, str]:
    known = NewEvent.model_fields
    faults = {str(one["loc"][0]) if one["loc"] else "": one["type"] for one in error.errors()}
    name_faults(name if name in known else "(unknown)" for name in faults)
    unknown = _("One field is not known.") + " " + _("Known: %(names)s", names=", ".join(known))
    expected = _('Expected, for instance: {"date": "2026-12-05", "start": "14:00", "end": "17:00", "note": "…"}')
    return {name: expected if name in known else unknown for name in faults}
