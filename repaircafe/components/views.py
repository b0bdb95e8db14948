"""`/components`: all the parts that pages are made of. It exists only in debug mode."""

import uuid
from datetime import UTC, date, datetime, time

from flask import Blueprint, Response, make_response, render_template, url_for

from repaircafe.chat.models import Reply
from repaircafe.health.monitor import STATE_LABELS
from repaircafe.home.countdown import Countdown
from repaircafe.limits import MAX_MESSAGE_CHARS
from repaircafe.neighbours.report import STATUS_LABELS, Neighbour, Reason, Report, Step, StepName
from repaircafe.settings.definitions import Settings
from repaircafe.settings.keys import KEYS
from repaircafe.settings.offerings import PRESETS
from repaircafe.work.models import UNDER_WAY, State
from repaircafe.work.pages import JobView

blueprint = Blueprint("components", __name__)

CAFE = Settings(
    event_date=date(2099, 12, 12),
    event_start=time(14),
    event_end=time(17),
    event_location="Community centre De Hoek, Dorpsstraat 1",
    event_offerings=(*PRESETS, "harmoniums"),
    not_repaired=("microwave ovens",),
)


@blueprint.get("/components")
def show() -> str:
    """All parts, with invented contents."""
    key = KEYS["llm_endpoint"]
    failed = Report(Neighbour.LLM, (Step(StepName.ADDRESS), Step(StepName.CONNECTION, reason=Reason.REFUSED)), 1.0)
    return render_template(
        "components/show.html",
        states=STATE_LABELS,
        statuses=STATUS_LABELS,
        keys=[key, KEYS["event_date"], KEYS["organiser_notes"]],
        values={**dict.fromkeys(KEYS, ""), key.name: "ftp://example"},
        faults={key.name: "This is not an address."},
        report=failed,
        works=Report(Neighbour.DB, (Step(StepName.CONNECTION), Step(StepName.TABLES)), 1.0),
        settings=CAFE,
        known=True,
        chip=Countdown("in 13 days", is_today=False),
        chips=(Countdown("Tomorrow", is_today=False), Countdown("Open now until 17:00", is_today=True)),
        hours="from 14:00 to 17:00",
        place=CAFE.event_location,
        cost="Repairs are free.",
        appointment="You do not need an appointment.",
        longest=MAX_MESSAGE_CHARS,
        jobs=[_job(state) for state in UNDER_WAY if state is not State.QUEUED],
    )


def _job(state: State) -> JobView:
    said = "You can bring" if state is State.WRITING else ""
    reply = Reply(id=uuid.uuid4(), state=state, began_at=datetime.now(UTC), content=said)
    here = url_for("components.news")
    return JobView(reply, look=lambda **_: here, stop=here, stop_label="Stop")


@blueprint.get("/components/news")
def news() -> Response:
    """Nothing is new for a part that polls."""
    return make_response("", 204)
