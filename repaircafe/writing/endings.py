"""The sentences that say how a text of the model ended, and what to do about it."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason, Text
from repaircafe.work.models import RETRIABLE, Job, State
from repaircafe.writing.generation import COMING

ENDINGS = {
    State.STOPPED: _l("Stopped."),
    State.FAILED: _l("Not finished."),
    State.BROKEN: _l("Interrupted: the assistant was restarted."),
}
"""The text below an incomplete reply."""
RETRY_HELPS = COMING | {Reason.RUNNER_DIED, Reason.TIMEOUT, Reason.RESET, Reason.CUT_OFF}
"""The reasons that may have gone when the visitor asks again."""


def ended(job: Job) -> Text:
    """Why the model's text is incomplete, or that it has not ended yet; empty for a complete text."""
    if job.is_under_way:
        return _("Not finished yet.")
    words = ENDINGS.get(job.state, "")
    return f"{words} {explain(Neighbour.LLM, job.reason).sentence}".strip() if job.reason else words


def advice(job: Job, for_operator: bool) -> Text:
    """What the reader can do about an incomplete text; empty if there is no advice."""
    if job.state not in RETRIABLE or job.reason is None:
        return ""
    if for_operator or job.reason is Reason.TOO_LONG:
        return explain(Neighbour.LLM, job.reason).cure
    if job.reason in RETRY_HELPS:
        return _("Try again in a minute. If that does not help, please ask a volunteer.")
    return _("Please tell a volunteer.")
