"""What the settings say instead of a claim that they contradict, in the claim's own form."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from types import MappingProxyType

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, get_day_names

from repaircafe.facts.check import account, claims, known
from repaircafe.facts.claims import Account, Claim, Entry, Facts, House, Kind, Money, Verdict
from repaircafe.facts.stored import StoredFinding
from repaircafe.facts.wording import clock_time, facts_of
from repaircafe.settings.definitions import Settings

MAX_TRIES, AROUND = 12, 150
"""For how many errors of a text words are tried, and in how many characters on either side: a page has four texts."""
_FIGURES = re.compile(r"(\d{1,2})\s?([./-])\s?(\d{1,2})(?:\s?\2\s?(\d{4}|\d{2}))?\.?")
_HALF_DAY = re.compile(r"[ap]\.?\s?m\b", re.IGNORECASE)
_HOUR_WORD = re.compile(r"uhr|uur", re.IGNORECASE)
_WHEN = frozenset((Kind.DATE, Kind.WEEKDAY, Kind.RECURRENCE, Kind.TIME))
_PLACES = (Kind.PLACE, Kind.STREET_NUMBER)


@dataclass(frozen=True)
class Fix:
    """A finding, and the words that the settings have instead; empty if they have none.

    `behind`: how many characters of the text come after it.
    """

    finding: StoredFinding
    words: str
    behind: int

    @property
    def key(self) -> str:
        """Where the finding stands, from both ends of the text, and what it says."""
        return f"{self.finding.start}:{self.behind}:{self.finding.text}"

    def applied(self, text: str) -> str:
        """The text with exactly the words of the finding replaced."""
        return f"{text[: self.finding.start]}{self.words}{text[self.finding.end :]}"


def meant(fixes: list[Fix], key: str) -> Fix | None:
    """The one that has words for what a key says, as near as possible to its place.

    The text may have changed since: then the place is still right from one of its ends, if the change was in one place.
    """
    start, behind, text = [*key.split(":", 2), "", ""][:3]
    if not (start.isdecimal() and behind.isdecimal()):
        return None
    same = [one for one in fixes if one.words and one.finding.text == text]
    return min(
        same,
        key=lambda one: min(abs(one.finding.start - int(start)), abs(one.behind - int(behind))),
        default=None,
    )


class Replacing:
    """Knows what belongs in the place of a wrong claim. Made once for all texts of a page."""

    def __init__(self, settings: Settings, line: str = "") -> None:
        """`line`: what the organiser says in the texts. It is known, too, but says nothing about when the café is."""
        self._settings = settings
        self._today = settings.now.date()
        self._facts = _with_line(known(settings, self._today), settings, line, self._today)
        self._located = [*claims(settings.event_location, self._today)]

    def account(self, text: str, language: str) -> Account:
        """Every claim in the text; `language` as in check.account()."""
        return account(text, self._facts, language)

    def fixes(self, text: str, compared: Account, language: str, locale: Locale) -> list[Fix]:
        """What does not agree in a text that was compared. The first errors come with the words that mend them."""
        found, tries = list[Fix](), MAX_TRIES
        for one in compared.entries:
            if one.verdict is Verdict.AGREES:
                continue
            is_tried = one.verdict is Verdict.CONTRADICTS and tries > 0
            tries -= is_tried
            words = self._words(text, one, language, locale) if is_tried else ""
            found.append(Fix(StoredFinding.of(one), words, len(text) - one.claim.end))
        return found

    def _words(self, text: str, entry: Entry, language: str, locale: Locale) -> str:
        """The words for that claim; empty if the part of the text around it would not be better with them."""
        claim = entry.claim
        words = _WORDS[claim.kind](self, claim, locale) if claim.kind in _WORDS else ""
        before, after = text[max(0, claim.start - AROUND) : claim.start], text[claim.end : claim.end + AROUND]
        now, then = (self._count(f"{before}{one}{after}", language) for one in (claim.text, words))
        return words if words and then < now else ""

    def _count(self, text: str, language: str) -> int:
        return self.account(text, language).count(Verdict.CONTRADICTS)

    def _weekday(self, claim: Claim, locale: Locale) -> str:
        day = self._settings.next_date
        return _cased(str(get_day_names("wide", locale=locale)[day.weekday()]), claim.text) if day else ""

    def _date(self, claim: Claim, locale: Locale) -> str:
        day = self._settings.next_date
        return _in_form(day, claim.text, locale) if day else ""

    def _time(self, claim: Claim, locale: Locale) -> str:
        start, end = self._settings.event_start, self._settings.event_end
        at = end if claim.is_start is False else start
        return _hour_in_form(at, claim.text, locale) if at else ""

    def _price(self, claim: Claim, locale: Locale) -> str:
        amounts = [one for one in self._facts.values(Kind.PRICE) if isinstance(one, Money)]
        are_amounts = all(isinstance(one, Money) and one.amount > 0 for one in (*claim.values, *amounts))
        return "".join(facts_of(Kind.PRICE, amounts, locale)) if are_amounts and len(amounts) == 1 else ""

    def _mail(self, _claim: Claim, _locale: Locale) -> str:
        return self._settings.cafe_mail

    def _place(self, claim: Claim, _locale: Locale) -> str:
        """The part of the place that is of the claim's kind, such as its street; else all of it."""
        is_house = any(isinstance(one, House) for one in claim.values)
        alike = {
            one.text
            for one in self._located
            if one.kind in _PLACES and any(isinstance(value, House) for value in one.values) == is_house
        }
        return alike.pop() if len(alike) == 1 else self._settings.event_location

    def _postcode(self, _claim: Claim, _locale: Locale) -> str:
        found = {one.text for one in self._located if one.kind is Kind.POSTCODE}
        return found.pop() if len(found) == 1 else ""


_WORDS: Mapping[Kind, Callable[[Replacing, Claim, Locale], str]] = MappingProxyType(
    {
        Kind.WEEKDAY: Replacing._weekday,
        Kind.DATE: Replacing._date,
        Kind.TIME: Replacing._time,
        Kind.PRICE: Replacing._price,
        Kind.EMAIL: Replacing._mail,
        Kind.PLACE: Replacing._place,
        Kind.STREET_NUMBER: Replacing._place,
        Kind.POSTCODE: Replacing._postcode,
    }
)


def _with_line(facts: Facts, settings: Settings, line: str, today: date) -> Facts:
    """The facts with what the line says, except when: a month in it would make every day of that month right."""
    if not line:
        return facts
    both = known(replace(settings, organiser_notes=f"{settings.organiser_notes}\n{line}"), today)
    more = (one for one in claims(line, today) if one.kind not in _WHEN)
    return replace(facts, claims=(*facts.claims, *more), words=both.words)


def _in_form(day: date, like: str, locale: Locale) -> str:
    """The day as somebody has written another one: in figures or words, with the year or without."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", like):
        return day.isoformat()
    if figures := _FIGURES.fullmatch(like):
        first, sign, second, year = figures.groups()
        parts = [f"{one:02}" if "0" in (first[0], second[0]) else str(one) for one in (day.day, day.month)]
        parts += [str(day.year)[-len(year) :]] if year else []
        return sign.join(parts) + ("." if like.endswith(".") else "")
    if not re.search(r"\d", like):
        return _cased(str(format_date(day, "LLLL", locale=locale)), like)
    has_year = re.search(r"\d{4}", like)
    words = str(format_date(day, "long", locale) if has_year else format_skeleton("MMMMd", day, locale=locale))
    return re.sub(r"^1(?= )", "1er", words) if locale.language == "fr" else words


def _hour_in_form(at: time, like: str, locale: Locale) -> str:
    if _HALF_DAY.search(like):
        return str(format_time(at, "h:mm a" if at.minute else "h a", locale="en_GB"))
    word = _HOUR_WORD.search(like)
    return f"{clock_time(at, locale)} {word[0]}" if word else clock_time(at, locale)


def _cased(words: str, like: str) -> str:
    """With a capital if the other words have one, as at the beginning of a sentence."""
    return words[:1].upper() + words[1:] if like[:1].isupper() else words
