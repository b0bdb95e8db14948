"""What waits for the organiser, the most urgent first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from repaircafe.afternoons.records import Held
from repaircafe.home import checklist
from repaircafe.mail import inbox
from repaircafe.mail.fetcher import fetcher
from repaircafe.neighbours.report import Text
from repaircafe.today.day import REMEMBERED, Day, Phase
from repaircafe.unanswered.questions import open_count
from repaircafe.web.languages import in_words


@dataclass(frozen=True)
class Waiting:
    """One thing to do: what it is, and the text of the link to `path`, where to do it."""

    words: Text
    button: Text
    path: str


def waiting(session: Session, day: Day, held: list[Held], now: datetime) -> list[Waiting]:
    """What waits beside the phase itself, which has a place of its own on the page. `held`: the newest first."""
    return [*_set_up(), *_numbers(day, held, now), *_date(day), *_mails(session), *_questions(session)]


def is_set_up() -> bool:
    """Whether every step of the set-up was done once. A server that is off, or a date that has passed, is none."""
    return all(one.is_done for one in checklist.everything() if one.step not in ("", "date"))


def _set_up() -> Iterator[Waiting]:
    if not is_set_up():
        yield Waiting(_("The set-up is not finished."), _("Go on with the set-up"), url_for("setup.show"))


def _numbers(day: Day, held: list[Held], now: datetime) -> Iterator[Waiting]:
    for one in reversed(held):
        is_asked_for = one.event is day.event and day.phase is Phase.AFTER
        is_known = one.summary.is_told or one.day < now.date() - REMEMBERED
        if one.event.occasion.is_over(now) and not (is_asked_for or is_known):
            words = _("How was %(date)s? The numbers are missing.", date=in_words(one.day, "long"))
            yield Waiting(words, _("Enter the numbers"), url_for("afternoons.show", event_id=one.event.id))


def _date(day: Day) -> Iterator[Waiting]:
    if day.phase is Phase.DURING and day.coming is None:
        yield Waiting(_("The date after this one is not planned yet."), _("Dates"), url_for("dates.show"))


def _mails(session: Session) -> Iterator[Waiting]:
    box = fetcher().box(session)
    if box is not None and (number := inbox.counts(session, box.id).open) > 0:
        words = ngettext("%(num)d mail is open.", "%(num)d mails are open.", number)
        yield Waiting(words, _("Read the mail"), url_for("mail.show"))


def _questions(session: Session) -> Iterator[Waiting]:
    if (number := open_count(session)) > 0:
        words = ngettext(
            "The assistant could not answer %(num)d question.",
            "The assistant could not answer %(num)d questions.",
            number,
        )
        yield Waiting(words, _("Look at them"), url_for("unanswered.show"))
