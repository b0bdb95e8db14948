"""`/components`: the few parts of which every page is made. There in debug mode alone."""

from datetime import UTC, datetime

from flask import Blueprint, render_template

from repaircafe.chat import conversation
from repaircafe.chat.models import UNDER_WAY, Reply, State
from repaircafe.health.monitor import STATE_LABELS
from repaircafe.neighbours.report import STATUS_LABELS, Reason, Report, Service, Step, StepName
from repaircafe.settings.definitions import KEYS

blueprint = Blueprint("components", __name__)


@blueprint.get("/components")
def show() -> str:
    """All of them, with invented contents."""
    key = KEYS["llm_endpoint"]
    failed = Report(Service.LLM, (Step(StepName.ADDRESS), Step(StepName.CONNECTION, reason=Reason.REFUSED)), 1.0)
    return render_template(
        "components/show.html",
        states=STATE_LABELS,
        statuses=STATUS_LABELS,
        keys=[key, KEYS["event_date"], KEYS["organiser_notes"]],
        values={**dict.fromkeys(KEYS, ""), key.name: "ftp://example"},
        faults={key.name: "This is not an address."},
        report=failed,
        works=Report(Service.DB, (Step(StepName.CONNECTION), Step(StepName.TABLES)), 1.0),
        replies=[Reply(state=state, began_at=datetime.now(UTC)) for state in UNDER_WAY if state is not State.QUEUED],
        passed=conversation.passed,
    )
