"""A conversation as JSON for programs, and as Markdown to keep."""

import uuid
from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from repaircafe.chat.conversation import Turn
from repaircafe.chat.models import RETRIABLE, UNDER_WAY, ChatMessage, Reply, State
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Reason, Service, Text

ENDINGS = {
    State.STOPPED: _l("Stopped."),
    State.FAILED: _l("Not finished."),
    State.BROKEN: _l("Broken off: the assistant was restarted."),
}
"""What stands below a reply that is not whole."""
ASKING_HELPS = (Reason.CUT_OFF, Reason.TOO_LONG)
"""What whoever asks can cure by asking otherwise."""


def as_dict(session_id: uuid.UUID, turns: Sequence[Turn]) -> dict[str, object]:
    """All messages in their order; a reply that is under way or broke off has no id, and says so in `state`."""
    messages = []
    for turn in turns:
        messages.append(question_as_dict(turn.question))
        messages += [reply_as_dict(reply) for reply in turn.shown]
    return {"session_id": str(session_id), "messages": messages}


def question_as_dict(question: ChatMessage) -> dict[str, object]:
    """A visitor's message."""
    return {
        "id": question.id,
        "role": question.role,
        "content": question.content,
        "created_at": question.created_at.isoformat(),
    }


def reply_as_dict(reply: Reply) -> dict[str, object]:
    """The model's message as it is now; `reason` says why it ended as it did, where there is something to say."""
    message = reply.message
    return {
        "id": message.id if message else None,
        "role": "assistant",
        "content": reply.said,
        "created_at": (message or reply).created_at.isoformat(),
        "state": reply.state.value,
        "reason": reply.reason,
    }


def as_markdown(turns: Sequence[Turn]) -> str:
    """The conversation as a text that any editor shows."""
    title, question, answer = _("Conversation with the repair café’s assistant"), _("Question"), _("Reply")
    parts = [f"# {title}"]
    for turn in turns:
        parts += [f"## {question}", turn.question.content]
        for reply in turn.shown:
            parts += [f"## {answer}", reply.said] if reply.said else []
            parts += [f"*{ending}*"] if (ending := ended(reply)) else []
    return "\n\n".join(parts) + "\n"


def ended(reply: Reply) -> Text:
    """How a reply ended that is not simply whole, or that it has not; empty for one that is whole."""
    if reply.state in UNDER_WAY:
        return _("Not finished yet.")
    words = ENDINGS.get(reply.state, "")
    return f"{words} {explain(Service.LLM, reply.reason).sentence}".strip() if reply.reason else words


def advice(reply: Reply, for_operator: bool) -> Text:
    """What to do about a reply that is not whole, for whoever can do it; empty where there is nothing to say."""
    if reply.state not in RETRIABLE or reply.reason is None:
        return ""
    if for_operator or reply.reason in ASKING_HELPS:
        return explain(Service.LLM, reply.reason).cure
    return _("Please tell a volunteer.")
