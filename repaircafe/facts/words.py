"""Words of four languages: months and weekdays from the CLDR by way of Babel, numbers and the rest by hand."""

import re
from collections.abc import Iterable, Mapping

from babel.dates import get_day_names, get_month_names

LOCALES = ("nl", "en", "de", "fr")


def _months() -> dict[str, int]:
    found = {"sept": 9, "mrt": 3, "maerz": 3, "fevrier": 2, "aout": 8, "decembre": 12, "jänner": 1}
    for locale in LOCALES:
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in get_month_names(width, context, locale).items():
                    found[name.casefold().rstrip(".")] = number
    return found


def _weekdays() -> dict[str, int]:
    found = {"sonnabend": 5}
    for locale in LOCALES:
        for number, name in get_day_names("wide", "format", locale).items():
            found[name.casefold()] = number
    return found


MONTHS: Mapping[str, int] = _months()
WEEKDAYS: Mapping[str, int] = _weekdays()
SHORT_WEEKDAYS: Mapping[str, int] = {
    **{"ma": 0, "di": 1, "wo": 2, "do": 3, "vr": 4, "za": 5, "zo": 6},
    **{"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6},
    **{"mo": 0, "mi": 2, "fr": 4, "sa": 5, "so": 6},
    **{"lun": 0, "mar": 1, "mer": 2, "jeu": 3, "ven": 4, "sam": 5, "dim": 6},
}
"""Words of their own in other languages: taken only right before a day."""

_COUNTED = (
    ("een", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen", "tien", "elf", "twaalf"),
    ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    ("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf"),
    ("une", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze"),
)
HOURS: Mapping[str, int] = {
    **{word: number for words in _COUNTED for number, word in enumerate(words, start=1)},
    **{"één": 1, "eins": 1, "quatorze": 14, "quinze": 15, "seize": 16, "dix-sept": 17, "dix-huit": 18, "treize": 13},
    **{"un": 1, "dertien": 13, "veertien": 14, "vijftien": 15, "dreizehn": 13, "vierzehn": 14, "fünfzehn": 15},
}
TENS: Mapping[str, int] = {
    **{"twintig": 20, "dertig": 30, "veertig": 40, "vijftig": 50, "zestig": 60, "tachtig": 80},
    **{"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "eighty": 80},
    **{"zwanzig": 20, "dreißig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60, "achtzig": 80},
    **{"vingt": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60},
}
"""Cents, as people say them after the euros."""
ORDINALS: Mapping[str, int] = {
    **{"eerste": 1, "tweede": 2, "derde": 3, "vierde": 4, "vijfde": 5, "zesde": 6, "zevende": 7, "achtste": 8},
    **{"negende": 9, "tiende": 10, "elfde": 11, "twaalfde": 12, "dertiende": 13, "veertiende": 14, "vijftiende": 15},
    **{"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8},
    **{"ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15},
    **{"ersten": 1, "zweiten": 2, "dritten": 3, "vierten": 4, "fünften": 5, "sechsten": 6, "siebten": 7, "achten": 8},
    **{"neunten": 9, "zehnten": 10, "elften": 11, "zwölften": 12, "premier": 1, "cinq": 5, "six": 6, "douze": 12},
}
"""Of days; as far as people write them out."""


_LIKE = str.maketrans({"ı": "i", "İ": "i", "ſ": "s"})
"""What Python's patterns take for the same letter where capitals do not matter, and `lower` does not."""


def as_listed(word: str) -> str:
    """A word that a pattern of either() has found, as the tables spell it."""
    return word.translate(_LIKE).lower()


def either(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
