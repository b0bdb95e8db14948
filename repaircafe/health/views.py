"""`/health` for people and monitors, liveness, readiness, and the banner."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, make_response, render_template, request
from flask_babel import format_timedelta

from repaircafe.health.bodies import HealthReport, Live, Readiness
from repaircafe.health.monitor import STATE_LABELS, Health, State, monitor
from repaircafe.logs import polled
from repaircafe.neighbours.explanations import SERVICE_NAMES, explain, still_works
from repaircafe.neighbours.report import STATUS_LABELS, STEP_LABELS, Reason, Report, Service
from repaircafe.web.access import open_while_starting
from repaircafe.web.authentication import is_operator
from repaircafe.web.negotiation import is_htmx, uncached, version_of
from repaircafe.web.openapi import Operation, documented
from repaircafe.web.schemas import json_response

blueprint = Blueprint("health", __name__)

STATUS_CODES = {State.STARTING: 503, State.UNHEALTHY: 503, State.HEALTHY: 200, State.DEGRADED: 200}


@blueprint.get("/health")
@open_while_starting
@documented(Operation(answers={200: HealthReport, 503: HealthReport}, has_page=True))
@polled
def show() -> Response:
    """The whole, as JSON, or as a page where a browser asks."""
    health = monitor().health()
    accepted = request.accept_mimetypes
    if is_htmx() or accepted["text/html"] > accepted["application/json"]:
        response = make_response(render_template("health/show.html", health=health, ago=_ago))
    else:
        response = json_response(HealthReport, health.as_dict())
    response.status_code = STATUS_CODES[health.state]
    return uncached(response)


@blueprint.get("/health/live")
@open_while_starting
@documented(Operation(answers={200: Live}))
@polled
def live() -> Response:
    """Whether the process answers; it asks nobody."""
    return uncached(json_response(Live, {"status": "live"}))


@blueprint.get("/health/ready")
@open_while_starting
@documented(Operation(answers={200: Readiness, 503: Readiness}))
@polled
def ready() -> Response:
    """Whether requests can be served: the database and its migrations."""
    health = monitor().health()
    body = {"status": "ready"} if health.ready else {"status": "not ready", "error": health.error}
    response = json_response(Readiness, body)
    response.status_code = 200 if health.ready else 503
    return uncached(response)


@blueprint.get("/banner")
@open_while_starting
@polled
def banner() -> Response:
    """The banner's inside; 204 where the page has it already, so that nothing is announced twice."""
    health = monitor().health()
    if request.args.get("seen") == banner_version(health):
        return uncached(make_response("", 204))
    on = request.args.get("on", "")
    return uncached(make_response(render_template("health/_banner.html", health=health, on=on)))


def alarms_told(health: Health) -> list[Report]:
    """What whoever looks is told of; mail, and tables of a newer version that serve, are the organiser's matter."""
    return [
        one
        for one in health.alarms
        if is_operator() or (one.service is not Service.MAIL and one.reason is not Reason.SCHEMA_NEWER)
    ]


def banner_version(health: Health) -> str:
    """What the banner would say to whoever looks, as a short digest."""
    said = [(one.service.value, one.reason) for one in alarms_told(health)]
    return version_of(f"{health.state is State.STARTING}{said}{is_operator()}")


def _ago(moment: datetime) -> str:
    """How long ago, in words: a technician finds the time itself in the JSON."""
    seconds = round((datetime.now(UTC) - moment).total_seconds())
    since = timedelta(seconds=-max(1, seconds))  # nobody says "in 0 seconds"; and the clock may have been set back
    passed: str = format_timedelta(since, add_direction=True)
    return passed


def init_templates(context: dict[str, object]) -> None:
    """What every template may use to speak of the neighbours."""
    context.update(
        explain=explain,
        service_names=SERVICE_NAMES,
        still_works=still_works,
        step_labels=STEP_LABELS,
        status_labels=STATUS_LABELS,
        state_labels=STATE_LABELS,
        glance=lambda: monitor().glance(),
        banner_version=banner_version,
        alarms_told=alarms_told,
        Service=Service,
    )
