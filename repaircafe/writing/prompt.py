"""The prompt: how to behave, the facts from the settings, and as much of the conversation as the model can hold."""

from collections.abc import Iterator, Sequence
from datetime import date

from repaircafe.limits import MAX_REPLY_TOKENS, PROMPT_CONTEXT_TOKENS
from repaircafe.llm.base import Message, TooLongError
from repaircafe.neighbours.report import PermanentError, Reason
from repaircafe.settings import wording
from repaircafe.settings.definitions import Settings
from repaircafe.settings.offerings import listed_in

CHARACTERS_PER_TOKEN = 3.0
"""A cautious estimate until a server has counted: European languages have 3.5 to 4.5."""

SMALL_CONTEXT_TOKENS = 2_048
"""The context that is assumed if a server does not say its own: for long it was Ollama's default."""

UNKNOWN = "not known yet"

LATER = 3
"""The dates after the next one that the prompt names: with a whole year, a small model mixes them up."""
COSTS = {"free": "a repair is free", "gift": "no fixed price; a donation is welcome"}
APPOINTMENTS = {"needed": "visitors need an appointment", "not_needed": "visitors need no appointment"}

BEHAVIOUR = """\
You are the assistant of a repair café: an afternoon on which volunteers mend what visitors bring, together with them.
Answer in the language of the question, briefly and kindly, in plain text without Markdown.
About this repair café, state only what the facts below say. Where they do not say it, answer that you don't know and \
that the visitor should ask a volunteer. Never invent a date, an hour, a place, a price or a name, and never promise \
that something can be repaired."""


def messages(settings: Settings, history: Sequence[Message], characters: int | None = None) -> list[Message]:
    """The behaviour, the facts, and the newest part of the history that fits into `characters`.

    Facts and question are always complete. A reply never comes without its question.
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
    """How many characters will fit, from the tokens that the server counted in `sent`, which did not fit.

    At most three quarters of them if it did not count them, and fewer if it says how small the context is: a server
    that shows only after the reply that it has cut the prompt would write one for each attempt. Always fewer than were
    sent; if that does not fit either, the next refusal leads to less.
    """
    characters = sum(len(one.content) for one in sent)
    counted, context = error.prompt_tokens, error.context_tokens
    per_token = characters / counted if counted else CHARACTERS_PER_TOKEN
    fitting = int((context - _reserve(counted, context)) * per_token) if context else characters
    return fitting if counted and fitting < characters else min(fitting, characters * 3 // 4)


def blamed(sent: Sequence[Message], error: TooLongError) -> PermanentError:
    """The error for facts and one question that do not fit: facts_too_long if a short question would not fit either.

    A token of the question may be much shorter than one of the facts, so both estimates of the facts' tokens count.
    """
    facts, question = len(sent[0].content), len(sent[-1].content)
    context = error.context_tokens or SMALL_CONTEXT_TOKENS
    tokens = facts / CHARACTERS_PER_TOKEN
    if error.prompt_tokens:
        tokens = min(tokens, error.prompt_tokens * facts / (facts + question))
    are_too_long = tokens > context - _reserve(error.prompt_tokens, context)
    return PermanentError(Reason.FACTS_TOO_LONG) if are_too_long else error


def _reserve(counted: int, context: int) -> int:
    """The tokens that the reply needs. A server that refuses a prompt shorter than its context counts all of them."""
    return MAX_REPLY_TOKENS if 0 < counted < context else min(MAX_REPLY_TOKENS, context // 4)


def _facts(settings: Settings) -> str:
    """The date of the next repair café comes last, because a small model would otherwise answer with today's date."""
    facts = [
        "Facts:",
        f"- Today: {_day(settings.now.date())}",
        *_about(settings),
        *_later(settings),
        f"- Open: {_hours(settings) or UNKNOWN}",
        f"- Next repair café: {_next(settings)}",
    ]
    if settings.next_date:
        facts.append(f"- Visitors can come, and bring what is broken, on: {_day(settings.next_date)}")
    if settings.occasion and settings.occasion.note and settings.next_date:
        facts.append(f"- About that day: {settings.occasion.note}")
    if settings.organiser_notes:
        facts += ["", "The organiser says:", settings.organiser_notes]
    return "\n".join(facts)


def _about(settings: Settings) -> Iterator[str]:
    """Who the café is, and what it does. What is often asked is said to be unknown; the rest is left out."""
    for label, value in (("Name", settings.cafe_name), ("Town", settings.cafe_town)):
        if value:
            yield f"- {label}: {value}"
    yield f"- Place: {settings.event_location or UNKNOWN}"
    yield f"- What can be repaired: {listed_in(('en',), settings.event_offerings) or UNKNOWN}"
    for label, value in (
        ("What cannot be repaired", listed_in(("en",), settings.not_repaired)),
        ("What a repair costs", COSTS.get(settings.cost, settings.cost)),
        ("Appointment", _appointment(settings)),
        ("Contact", wording.contact(settings)),
    ):
        if value:
            yield f"- {label}: {value}"


def _later(settings: Settings) -> Iterator[str]:
    if settings.following:
        yield f"- The repair cafés after the next one: {'; '.join(_day(one.day) for one in settings.following[:LATER])}"


def _appointment(settings: Settings) -> str:
    return ". ".join(one for one in (APPOINTMENTS.get(settings.appointment, ""), settings.appointment_note) if one)


def _next(settings: Settings) -> str:
    """The date of the next repair café. Never a past day as the next one."""
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
    """Joins unanswered questions with the next one: the templates of many models require alternating roles."""
    found: list[Message] = []
    for message in history:
        if found and found[-1].role == message.role:
            found[-1] = Message(message.role, f"{found[-1].content}\n\n{message.content}")
        else:
            found.append(message)
    return found
