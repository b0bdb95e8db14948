"""The facts beside a claim, in the reader's language."""

import re
from collections.abc import Iterable
from datetime import date, time

from babel import Locale
from babel.dates import format_date, get_day_names
from babel.numbers import format_decimal, get_currency_symbol

from repaircafe.facts.claims import NOT_FREE, Kind, Money, Value

_FREE = {"nl": "gratis", "de": "kostenlos", "fr": "gratuit", "en": "free"}
_AFTER_TIME = {"nl": " uur", "de": " Uhr"}


def facts_of(kind: Kind, known: Iterable[Value], locale: Locale) -> list[str]:
    """The known facts of a kind, sorted; empty if nothing is known."""
    in_order = sorted((value for value in known if value not in ("", NOT_FREE)), key=_order)
    return [_text_of(kind, value, locale) for value in in_order]


def clock_time(at: time, locale: Locale) -> str:
    """The hour as the language writes it, without the word that Dutch and German put behind it.

    Unicode's CLDR writes 14:00 for all of them. The Dutch guide (Taaladvies) asks for a point, and the French one
    (Lexique des règles typographiques) for the letter h between no-break spaces.
    """
    if locale.language == "nl":
        return f"{at.hour}.{at:%M}"
    if locale.language == "fr":
        return f"{at.hour}\N{NO-BREAK SPACE}h" + (f"\N{NO-BREAK SPACE}{at:%M}" if at.minute else "")
    return f"{at:%H:%M}"


def _order(value: Value) -> tuple[str, Value]:
    """All facts of a kind are of one type, and each of these types has an order."""
    return type(value).__name__, value


def _text_of(kind: Kind, value: Value, locale: Locale) -> str:
    if kind is Kind.WEEKDAY and isinstance(value, int):
        return str(get_day_names("wide", locale=locale)[value])
    if isinstance(value, time):
        return f"{clock_time(value, locale)}{_AFTER_TIME.get(locale.language, '')}"
    if isinstance(value, Money):
        if not value.amount:
            return _FREE[locale.language]
        symbol = get_currency_symbol(value.currency or "EUR", locale=locale)
        return f"{symbol} {format_decimal(value.amount, '0.00', locale=locale)}"
    return _day(value, locale) if isinstance(value, date) else str(value)


def _day(day: date, locale: Locale) -> str:
    """The day in words. French writes the first of a month as an ordinal, which the CLDR's patterns leave out."""
    text = str(format_date(day, "full", locale=locale))
    return re.sub(r"\b1(?= )", "1er", text) if locale.language == "fr" else text
