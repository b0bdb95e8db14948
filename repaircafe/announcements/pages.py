"""What the page shows: of each format the text that counts, what is wrong in it, and what is kept beside it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import url_for
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _

from repaircafe.announcements.drafts import announcer
from repaircafe.announcements.kept import texts
from repaircafe.announcements.lines import with_line
from repaircafe.announcements.models import Announcement, KeptText
from repaircafe.announcements.texts import MONTH, Format, text
from repaircafe.database.errors import AwayError
from repaircafe.database.tables import db
from repaircafe.facts.claims import Account, Verdict
from repaircafe.facts.segments import Segment, segments
from repaircafe.facts.stored import StoredFinding, findings
from repaircafe.facts.wording import clock_time
from repaircafe.neighbours.report import Reason, Text
from repaircafe.settings.definitions import Settings
from repaircafe.settings.store import store
from repaircafe.web.languages import in_words, locale_of
from repaircafe.web.negotiation import version_of
from repaircafe.work.models import State
from repaircafe.work.pages import JobView
from repaircafe.writing import endings
from repaircafe.writing.findings import replacing

if TYPE_CHECKING:
    from repaircafe.facts.replacing import Fix, Replacing


@dataclass(frozen=True)
class Draft:
    """A text that the model has written, with what is wrong in it, and its last attempt: usually the same."""

    job: Announcement
    attempt: Announcement
    compare: Callable[[], Account]

    @cached_property
    def account(self) -> Account:
        """Every claim in the text."""
        return self.compare()

    @cached_property
    def findings(self) -> list[StoredFinding]:
        """What does not agree with the facts."""
        return findings(self.account)

    @property
    def segments(self) -> list[Segment]:
        """The text in parts, for the marks."""
        return segments(self.job.said, self.findings)

    @property
    def ending(self) -> Text:
        """Why the last attempt is incomplete; empty for a complete text."""
        why = endings.ended(self.attempt)
        is_other = why and self.job is not self.attempt and self.job.state is State.DONE
        return _("The next text did not replace this one: %(why)s", why=why) if is_other else why

    @property
    def advice(self) -> Text:
        """What to do if the text is incomplete. Never "use fewer words", because the question is ours."""
        return "" if self.attempt.reason is Reason.TOO_LONG else endings.advice(self.attempt, for_operator=True)


@dataclass(frozen=True)
class Card:
    """One format in one language: the text in its field, and what belongs to it."""

    desk: "Desk"
    format: str
    day: date
    typed: str | None = None
    """What the page has sent, if that is not what is stored."""
    is_elsewhere: bool = False
    """Whether the page did not know the text that is stored now."""
    problem: Text = ""
    """Why the text was not stored."""
    replaces: str | None = None
    """What the page knows, if that is not what is stored."""
    told: str | None = None
    """The version that the page shows, if nothing is known of what is stored."""
    page: uuid.UUID = field(default_factory=uuid.uuid4)

    @cached_property
    def kept(self) -> KeptText | None:
        """The text that counts; None if that is the one from the settings."""
        return self.desk.counting(self.format, self.day)

    @property
    def known(self) -> str:
        """Which text the page replaces from now on."""
        return self.seen if self.replaces is None else self.replaces

    @property
    def seen(self) -> str:
        """Which text is stored now."""
        return self.kept.known if self.kept else ""

    @property
    def stored(self) -> str:
        """The text that counts."""
        return self.kept.content if self.kept else self.desk.made(self.format, self.day)

    @property
    def shown(self) -> str:
        """The version of the text that counts, by which the page is told of the next one."""
        return version_of(self.stored) if self.told is None else self.told

    @property
    def content(self) -> str:
        """The text in the field."""
        return self.stored if self.typed is None else self.typed

    @property
    def rows(self) -> int:
        """How high the field is where a browser does not fit it to its text."""
        return max(7 if self.format == Format.POSTER else 5, self.content.count("\n") + 2)

    @property
    def saved(self) -> Text:
        """When the text was stored."""
        return self.desk.moment(self.kept) if self.kept else ""

    @property
    def is_moved(self) -> bool:
        """Whether the page is about a date that is no longer the next one."""
        return self.day != self.desk.day

    @property
    def old_line(self) -> str:
        """The organiser's line as it was, if it still stands in the text that she has changed."""
        old = self.kept.line if self.kept and not self.is_moved else None
        return old if old and old != self.desk.line and old in self.content else ""

    @property
    def lacks_line(self) -> bool:
        """Whether the text that the organiser has changed does not have her line for the month as it is now."""
        is_hers = self.kept is not None and self.format != MONTH and not self.is_moved
        return is_hers and (bool(self.old_line) or self.desk.line not in self.content)

    @property
    def fixes(self) -> list["Fix"]:
        """What is wrong in the text, each with the words of the settings. A text from the settings is right."""
        return self.desk.fixes(self.content, self.format) if self.content and not self.is_made else []

    @property
    def is_made(self) -> bool:
        """Whether the text is the one from the settings, with the organiser's line."""
        return self.kept is None and self.typed is None

    @property
    def has_wrong_line(self) -> bool:
        """Whether all that is wrong in the text is the organiser's line."""
        return self.is_made and self.format != MONTH and self.desk.is_line_wrong

    @property
    def earlier(self) -> list[KeptText]:
        """What is kept beside the text: for other dates, and what another text replaced."""
        return self.desk.earlier(self.format)

    @property
    def has_former(self) -> bool:
        """Whether a text for another date is kept, and none for this one yet."""
        return self.kept is None and any(one.replaced_at is None for one in self.earlier)

    @property
    def mail(self) -> str:
        """A link that opens the text in the mail program (RFC 6068: lines end with CR LF)."""
        body = quote(self.content.replace("\n", "\r\n"), safe="")
        return f"mailto:?subject={quote(self.desk.subject(self.day), safe='')}&body={body}"


class Desk:
    """All texts of one language, as they are at the time of the request."""

    def __init__(self, language: str, counting_on: date | None = None) -> None:
        """`counting_on`: only the texts that count for that date are read."""
        self.language = language
        self.settings: Settings = store().settings()
        self._counting_on = counting_on
        self._error: AwayError | None = None

    @property
    def day(self) -> date | None:
        """The next date."""
        return self.settings.next_date

    @cached_property
    def _found(self) -> list[KeptText] | None:
        """What is kept; None while the database is unavailable."""
        try:
            return texts(db.session(), self.language, self._counting_on)
        except AwayError as error:
            db.session.rollback()  # the page reads again
            self._error = error
            return None

    def require(self) -> None:
        """Raises AwayError if nothing is known of what is kept."""
        if self.is_away and self._error is not None:
            raise self._error

    @property
    def rows(self) -> list[KeptText]:
        """What is kept, as far as is known."""
        return self._found or []

    @property
    def is_away(self) -> bool:
        """Whether nothing is known of what is kept, so that nothing can be changed."""
        return self._found is None

    def forget(self) -> None:
        """Reads again what is kept when it is asked for, after a change."""
        for name in ("_found", "_checker", "is_line_wrong"):  # the line may be another one
            self.__dict__.pop(name, None)

    def counting(self, form: str, day: date) -> KeptText | None:
        """The kept text that counts."""
        return next((one for one in self.rows if (one.format, one.day, one.replaced_at) == (form, day, None)), None)

    def earlier(self, form: str) -> list[KeptText]:
        """The other kept texts of a format, the newest first."""
        mine = [one for one in self.rows if one.format == form]
        return [one for one in mine if one.day != self.day or one.replaced_at is not None]

    @property
    def former(self) -> list[date]:
        """The other dates for which texts are kept, if nothing is kept for the next one yet."""
        days = {one.day for one in self.rows if one.day != self.day and one.replaced_at is None}
        return [] if any(one.day == self.day for one in self.rows) else sorted(days)

    def is_taken(self, form: str, draft: Draft) -> bool:
        """Whether a draft of the model is what the text in the field began as."""
        found = self.counting(form, self.day) if self.day else None
        return found is not None and found.job_id == draft.job.id

    def owner(self, form: str) -> str:
        """The id of the form around a field."""
        return f"kept-{form}-{self.language}-{self.day}"

    @property
    def line(self) -> str:
        """The organiser's own line for the next date."""
        return self.line_on(self.day) if self.day else ""

    @cached_property
    def is_line_wrong(self) -> bool:
        """Whether the settings contradict the organiser's own line."""
        return bool(self.line) and self.account(self.line, MONTH).count(Verdict.CONTRADICTS) > 0

    def line_on(self, day: date) -> str:
        """The organiser's own line for a date."""
        found = self.counting(MONTH, day)
        return found.content if found else ""

    def made(self, form: str, day: date) -> str:
        """The text from the settings, with the organiser's own line."""
        words = "" if form == MONTH else text(Format(form), self.settings, day, self.language)
        return with_line(form, words, self.line_on(day)) if words else ""

    @cached_property
    def _checker(self) -> "Replacing":
        return replacing(self.settings, self.line)

    def checker(self, form: str) -> "Replacing":
        """Compares a text with the settings, and with the organiser's own line, which is not its own proof."""
        return replacing(self.settings, "") if form == MONTH and self.line else self._checker

    def account(self, words: str, form: str) -> Account:
        """Every claim in a text."""
        return self.checker(form).account(words, self.language)

    def cards(self) -> dict[Format, Card]:
        """Every format; none without a next date."""
        return {form: Card(self, form, self.day) for form in Format} if self.day else {}

    @cached_property
    def drafts(self) -> dict[Format, Draft]:
        """What the model has written; nothing while the database is unavailable."""
        try:
            jobs = announcer().written(db.session(), self.language)
        except AwayError:
            db.session.rollback()
            return {}
        found = {}
        for form, attempts in jobs.items():
            with_text = [one for one in reversed(attempts) if one.said]
            complete = [one for one in with_text if one.state is State.DONE]
            job = (complete or with_text or attempts[-1:])[0]
            found[form] = Draft(job, attempts[-1], partial(self.account, job.said, form))
        return found

    def fixes(self, words: str, form: str, account: Account | None = None) -> list["Fix"]:
        """What is wrong in a text, each with the words of the settings."""
        checker = self.checker(form)
        compared = account or checker.account(words, self.language)
        return checker.fixes(words, compared, self.language, locale_of(self.language))

    def fixed(self, words: str, form: str, key: str) -> str:
        """The text with the fact in the place of the marked words, if a button's key still means any."""
        from repaircafe.facts.replacing import meant  # noqa: PLC0415  with the grammars, which no start needs

        fix = meant(self.fixes(words, form), key)
        return fix.applied(words) if fix else words

    def view_of(self, form: str, job: Announcement) -> JobView:
        """A draft under way."""
        at = partial(url_for, announcement=str(form), lang=self.language)
        return JobView(
            job, partial(at, "announcements.look"), at("announcements.stop"), _("Stop"), language=self.language
        )

    def subject(self, day: date) -> str:
        """What a mail is about, in the language of the texts."""
        with force_locale(locale_of(self.language)):
            name = self.settings.cafe_name or _("Repair Café")
            return f"{name}: {in_words(day, 'full')}"

    def moment(self, kept: KeptText) -> str:
        """When a text was stored, for the reader."""
        at = kept.updated_at.astimezone(self.settings.event_zone)
        hour = clock_time(at.time(), get_locale())
        is_today = at.date() == self.settings.now.date()
        return hour if is_today else f"{in_words(at.date(), 'medium')}, {hour}"


def labels() -> dict[str, str]:
    """The page's name for each format."""
    return {
        MONTH: _("This month"),
        Format.POSTER: _("For a poster"),
        Format.NEWSLETTER: _("For a newsletter"),
        Format.POST: _("For social media"),
        Format.REPLY: _("Reply to an enquiry"),
    }
