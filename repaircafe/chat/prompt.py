"""What the model is told: how to behave, the facts of the settings, and as much of the conversation as it can hold."""

from collections.abc import Sequence
from datetime import date

from repaircafe.limits import MAX_REPLY_TOKENS, PROMPT_CONTEXT_TOKENS
from repaircafe.llm.base import Message, TooLongError
from repaircafe.settings.definitions import Settings

CHARACTERS_PER_TOKEN = 3.0
"""Cautious until a server has counted: European languages have three and a half to four and a half."""

UNKNOWN = "not known yet"

BEHAVIOUR = """\
You are the assistant of a repair café: an afternoon on which volunteers mend what visitors bring, together with them.
Answer in the language of the question, briefly and kindly, in plain text without Markdown.
About this repair café, state only what the facts below say. Where they do not say it, answer that you don't know and \
that the visitor should ask a volunteer. Never invent a date, an hour, a place, a price or a name, and never promise \
that something can be repaired."""


def messages(settings: Settings, history: Sequence[Message], characters: int | None = None) -> list[Message]:
    """The behaviour, the facts, and the newest part of the history that fits into `characters`.

    Facts and question are always whole; a reply is never shown without its question.
    """
    if characters is None:
        characters = int((PROMPT_CONTEXT_TOKENS - MAX_REPLY_TOKENS) * CHARACTERS_PER_TOKEN)
    system = Message("system", f"{BEHAVIOUR}\n\n{_facts(settings)}")
    kept = len(history) - 1
    room = characters - len(system.content) - len(history[kept].content)
    while kept > 0:
        before = kept - (1 if history[kept - 1].role == "user" else 2)  # a question alone, or one with its reply
        room -= sum(len(one.content) for one in history[before:kept])
        if room < 0:
            break
        kept = before
    return [system, *_taking_turns(history[kept:])]


def characters_that_fit(sent: Sequence[Message], error: TooLongError) -> int:
    """How many characters may be sent after a server has counted the tokens of those that did not fit."""
    per_token = sum(len(one.content) for one in sent) / error.prompt_tokens
    reserve = min(MAX_REPLY_TOKENS, error.context_tokens // 4)
    return int((error.context_tokens - reserve) * per_token)


def _facts(settings: Settings) -> str:
    """The date comes last, and what it means to visitors: a small model takes what it read last, and else today's."""
    facts = [
        "Facts:",
        f"- Today: {_day(settings.now.date())}",
        f"- Place: {settings.event_location or UNKNOWN}",
        f"- What can be repaired: {', '.join(settings.event_offerings) or UNKNOWN}",
        f"- Open: {_hours(settings) or UNKNOWN}",
        f"- Next repair café: {_next(settings)}",
    ]
    if settings.next_date:
        facts.append(f"- Visitors can come, and bring what is broken, on: {_day(settings.next_date)}")
    if settings.organiser_notes:
        facts += ["", "The organiser says:", settings.organiser_notes]
    return "\n".join(facts)


def _next(settings: Settings) -> str:
    """A day that is over must not be promised to anybody."""
    if settings.event_date is None:
        return UNKNOWN
    if settings.is_over:
        return f"not planned yet; the last one was on {_day(settings.event_date)}"
    return _day(settings.event_date)


def _hours(settings: Settings) -> str:
    parts = [("from", settings.event_start), ("to", settings.event_end)]
    return " ".join(f"{word} {at:%H:%M}" for word, at in parts if at is not None)


def _day(day: date) -> str:
    return f"{day:%A}, {day}"


def _taking_turns(history: Sequence[Message]) -> list[Message]:
    """Questions that were never answered go together with the next: many models' templates insist on taking turns."""
    found: list[Message] = []
    for message in history:
        if found and found[-1].role == message.role:
            found[-1] = Message(message.role, f"{found[-1].content}\n\n{message.content}")
        else:
            found.append(message)
    return found
