"""A conversation as a Markdown file."""

from collections.abc import Sequence

from flask_babel import gettext as _

from repaircafe.chat.conversation import Turn
from repaircafe.writing.endings import ended


def as_markdown(turns: Sequence[Turn]) -> str:
    """The conversation as Markdown text."""
    title, question, answer = _("Conversation with the repair café’s assistant"), _("Question"), _("Reply")
    organiser = _("From the organiser")
    parts = [f"# {title}"]
    for turn in turns:
        parts += [f"## {question}", turn.question.content]
        for reply in turn.shown:
            parts += [f"## {organiser if reply.from_facts else answer}", reply.said] if reply.said else []
            parts += [f"*{ending}*"] if (ending := ended(reply)) else []
    return "\n\n".join(parts) + "\n"
