"""What the organiser adds to what the assistant knows: a line more in her notes, which are a setting."""

import structlog
from flask_babel import gettext as _
from flask_babel import ngettext

from repaircafe.characters import is_blank
from repaircafe.chat.models import Settled
from repaircafe.limits import MAX_NOTES_CHARS
from repaircafe.logs import EventType, Redactor
from repaircafe.neighbours.report import Text
from repaircafe.parts import parts
from repaircafe.settings.keys import KEYS
from repaircafe.settings.store import InvalidSettingsError, read, store, validate, write
from repaircafe.unanswered import questions

NOTES = "organiser_notes"

log = structlog.get_logger()


class RefusedAnswerError(ValueError):
    """The answer cannot be added. Nothing was stored; `why` also says what to do.

    `needs_room`: whether there would be room if something else was shorter.
    """

    def __init__(self, why: Text, *, needs_room: bool = False) -> None:
        super().__init__()
        self.why = why
        self.needs_room = needs_room


def add(answer: str, newest: int | None) -> None:
    """Adds the answer to the notes as they are now, and settles the group of the question `newest`, or nothing of both.

    Two editors who add at once both have their line: the second one waits. A line that is there already is not added
    again. Raises RefusedAnswerError, AwayError, and SettledError unless the line was there.
    """
    line = _cleaned(answer)
    with store().changing_dates() as session:  # the transaction of every save
        before = read(session)[NOTES]
        is_new = f"\n{line}\n" not in f"\n{before}\n"
        if newest is not None:
            try:
                questions.settle(session, newest, Settled.ANSWERED)
            except questions.SettledError:
                if is_new:
                    raise
        if is_new:
            write(session, _valid(f"{before}\n{line}" if before else line))
    if is_new:
        log.info("Settings saved", event_type=EventType.CONFIG_CHANGED, keys=[NOTES])


def room() -> int:
    """How many characters still fit, without the line break before them."""
    return max(0, MAX_NOTES_CHARS - len(store().known()[NOTES]) - 1)


def _cleaned(answer: str) -> str:
    line = "" if is_blank(answer) else KEYS[NOTES].clean(answer)
    if not line:
        raise RefusedAnswerError(_("Type the answer first."))
    return line


def _valid(text: str) -> dict[str, str]:
    over = len(text) - MAX_NOTES_CHARS
    if over > 0:
        why = ngettext(
            "This is %(num)d character too long. Shorten it, or what the assistant knows already.",
            "This is %(num)d characters too long. Shorten it, or what the assistant knows already.",
            over,
        )
        raise RefusedAnswerError(why, needs_room=True)
    try:
        return validate({NOTES: text}, parts()[Redactor])
    except InvalidSettingsError as error:
        raise RefusedAnswerError(error.faults[NOTES]) from error
