"""`/health` for people (the Status page) and monitoring programs, liveness, readiness, and the banner."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, make_response, render_template, request
from flask_babel import format_timedelta

from repaircafe.health.banner import alarms_told, banner_version
from repaircafe.health.monitor import STATE_LABELS, State, monitor
from repaircafe.health.schemas import HealthReport, Live, Readiness
from repaircafe.health.status import LABELS, board
from repaircafe.logs import polled
from repaircafe.neighbours.commands import PROGRAM, is_development
from repaircafe.neighbours.explanations import explain, neighbour_name, still_works
from repaircafe.neighbours.report import STATUS_LABELS, STEP_LABELS, Neighbour
from repaircafe.web.access import open_while_starting
from repaircafe.web.negotiation import is_htmx, prefers_page, uncached
from repaircafe.web.openapi import Operation, documented
from repaircafe.web.schemas import json_response

blueprint = Blueprint("health", __name__)

WHOLE = 1_000
"""No number is so large: a time stays in hours or minutes, and is not rounded to days or hours."""
STATUS_CODES = {State.STARTING: 503, State.UNHEALTHY: 503, State.HEALTHY: 200, State.DEGRADED: 200}


@blueprint.get("/health")
@open_while_starting
@documented(Operation(answers={200: HealthReport, 503: HealthReport}, has_page=True))
@polled
def show() -> Response:
    """The health of the app: a page for browsers, JSON for programs."""
    if is_htmx() or prefers_page():
        page = board().page()
        words: dict[str, object] = {"ago": _ago, "labels": LABELS, "for_so_long": _for_so_long}
        words |= {"is_development": is_development(), "program": PROGRAM}
        content = render_template("health/show.html", page=page, **words)
        return uncached(make_response(content, STATUS_CODES[page.health.state]))
    health = monitor().health()
    return uncached(json_response(HealthReport, HealthReport.of(health), STATUS_CODES[health.state]))


@blueprint.get("/health/live")
@open_while_starting
@documented(Operation(answers={200: Live}))
@polled
def live() -> Response:
    """Whether the process answers; no neighbour is asked."""
    return uncached(json_response(Live, {"status": "live"}))


@blueprint.get("/health/ready")
@open_while_starting
@documented(Operation(answers={200: Readiness, 503: Readiness}))
@polled
def ready() -> Response:
    """Whether requests can be served, which depends on the database and its migrations."""
    health = monitor().health()
    body = {"status": "ready"} if health.ready else {"status": "not ready", "error": health.error}
    return uncached(json_response(Readiness, body, 200 if health.ready else 503))


@blueprint.get("/banner")
@open_while_starting
@polled
def banner() -> Response:
    """The content of the banner; 204 if the page already has it, so that it is not announced twice."""
    health = monitor().health()
    if request.args.get("seen") == banner_version(health):
        return uncached(make_response("", 204))
    on = request.args.get("on", "")
    return uncached(make_response(render_template("health/_banner.html", health=health, on=on)))


def _ago(moment: datetime) -> str:
    """How long ago this was, in words; the exact time is in the JSON."""
    seconds = round((datetime.now(UTC) - moment).total_seconds())
    since = timedelta(seconds=-max(1, seconds))  # at least a second ago: the clock may have been set back
    passed: str = format_timedelta(since, add_direction=True)
    return passed


def _for_so_long(time: timedelta) -> str:
    """How long something lasted, to the minute: rounded parts of a day would be more than a day."""
    hours, minutes = divmod(round(time.total_seconds() / 60), 60)
    told = [(timedelta(hours=hours), "hour")] if hours else []
    told += [(timedelta(minutes=minutes), "minute")] if minutes or not hours else []
    return " ".join(format_timedelta(part, granularity=unit, threshold=WHOLE) for part, unit in told)


def init_templates(context: dict[str, object]) -> None:
    """Adds to `context` what templates need to show the neighbours."""
    context.update(
        explain=explain,
        neighbour_name=neighbour_name,
        still_works=still_works,
        step_labels=STEP_LABELS,
        status_labels=STATUS_LABELS,
        state_labels=STATE_LABELS,
        glance=lambda: monitor().glance(),
        banner_version=banner_version,
        alarms_told=alarms_told,
        Neighbour=Neighbour,
    )
