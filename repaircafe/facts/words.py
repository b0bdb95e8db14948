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


def _counted(words: str, first: int = 1) -> dict[str, int]:
    """The words, which commas part, with their numbers."""
    return {word: number for number, word in enumerate(words.split(", "), start=first)}


HOURS: Mapping[str, int] = {
    **_counted("een, twee, drie, vier, vijf, zes, zeven, acht, negen, tien, elf, twaalf"),
    **_counted("one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve"),
    **_counted("ein, zwei, drei, vier, fünf, sechs, sieben, acht, neun, zehn, elf, zwölf"),
    **_counted("une, deux, trois, quatre, cinq, six, sept, huit, neuf, dix, onze, douze"),
    **_counted(
        "dertien, veertien, vijftien, zestien, zeventien, achttien, negentien, twintig, eenentwintig, "
        "tweeëntwintig, drieëntwintig, vierentwintig",
        13,
    ),
    **_counted(
        "dreizehn, vierzehn, fünfzehn, sechzehn, siebzehn, achtzehn, neunzehn, zwanzig, einundzwanzig, "
        "zweiundzwanzig, dreiundzwanzig, vierundzwanzig",
        13,
    ),
    **_counted(
        "treize, quatorze, quinze, seize, dix-sept, dix-huit, dix-neuf, vingt, vingt-et-une, vingt-deux, "
        "vingt-trois, vingt-quatre",
        13,
    ),
    **{"één": 1, "eins": 1, "un": 1, "tweeentwintig": 22, "drieentwintig": 23},
}
"""Those after twelve not in English, where nobody says so."""
TENS: Mapping[str, int] = {
    **{"twintig": 20, "dertig": 30, "veertig": 40, "vijftig": 50, "zestig": 60, "tachtig": 80},
    **{"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "eighty": 80},
    **{"zwanzig": 20, "dreißig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60, "achtzig": 80},
    **{"vingt": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60},
}
"""Cents, as people say them after the euros."""
TEENS: Mapping[str, int] = _counted(
    "thirteen, fourteen, fifteen, sixteen, seventeen, eighteen, nineteen",
    13,
)
"""Amounts, which English does count beyond twelve."""
ORDINALS: Mapping[str, int] = {
    **_counted(
        "eerste, tweede, derde, vierde, vijfde, zesde, zevende, achtste, negende, tiende, elfde, twaalfde, "
        "dertiende, veertiende, vijftiende, zestiende, zeventiende, achttiende, negentiende, twintigste, "
        "eenentwintigste, tweeëntwintigste, drieëntwintigste, vierentwintigste, vijfentwintigste, "
        "zesentwintigste, zevenentwintigste, achtentwintigste, negenentwintigste, dertigste, eenendertigste"
    ),
    **_counted(
        "first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth, eleventh, twelfth, "
        "thirteenth, fourteenth, fifteenth, sixteenth, seventeenth, eighteenth, nineteenth, twentieth, "
        "twenty-first, twenty-second, twenty-third, twenty-fourth, twenty-fifth, twenty-sixth, twenty-seventh, "
        "twenty-eighth, twenty-ninth, thirtieth, thirty-first"
    ),
    **_counted(
        "ersten, zweiten, dritten, vierten, fünften, sechsten, siebten, achten, neunten, zehnten, elften, "
        "zwölften, dreizehnten, vierzehnten, fünfzehnten, sechzehnten, siebzehnten, achtzehnten, neunzehnten, "
        "zwanzigsten, einundzwanzigsten, zweiundzwanzigsten, dreiundzwanzigsten, vierundzwanzigsten, "
        "fünfundzwanzigsten, sechsundzwanzigsten, siebenundzwanzigsten, achtundzwanzigsten, neunundzwanzigsten, "
        "dreißigsten, einunddreißigsten"
    ),
    **_counted(
        "premier, deux, trois, quatre, cinq, six, sept, huit, neuf, dix, le onze, douze, treize, quatorze, "
        "quinze, seize, dix-sept, dix-huit, dix-neuf, vingt, vingt et un, vingt-deux, vingt-trois, vingt-quatre, "
        "vingt-cinq, vingt-six, vingt-sept, vingt-huit, vingt-neuf, trente, trente et un"
    ),
    **_counted(
        "erste, zweite, dritte, vierte, fünfte, sechste, siebte, achte, neunte, zehnte, elfte, zwölfte, "
        "dreizehnte, vierzehnte, fünfzehnte, sechzehnte, siebzehnte, achtzehnte, neunzehnte, zwanzigste, "
        "einundzwanzigste, zweiundzwanzigste, dreiundzwanzigste, vierundzwanzigste, fünfundzwanzigste, "
        "sechsundzwanzigste, siebenundzwanzigste, achtundzwanzigste, neunundzwanzigste, dreißigste, "
        "einunddreißigste"
    ),
}
"""Of days, and the numbers that stand for them in French; “onze” alone is Dutch for “our”."""


_LIKE = str.maketrans({"ı": "i", "İ": "i", "ſ": "s"})
"""What Python's patterns take for the same letter where capitals do not matter, and `lower` does not."""


def as_listed(word: str) -> str:
    """A word that a pattern of either() has found, as the tables spell it."""
    return word.translate(_LIKE).lower()


def either(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
