"""The countries of ISO 3166-1 by their three letters, named in the reader's language."""

from functools import cache

from babel.core import get_global
from flask_babel import get_locale

_NO_COUNTRIES = frozenset({"BUR", "DDR", "FXX", "TMP", "YMD", "ZAR", "ASC", "CPT", "DGA", "TAA", "QUU", "XKK", "ZZZ"})
"""Codes in Unicode's data that ISO has withdrawn or keeps for other uses."""


@cache
def codes() -> dict[str, str]:
    """The two letters of each country, by its three."""
    known = get_global("territory_currencies")  # lists countries alone; the aliases also list regions and private codes
    aliases = get_global("territory_aliases").items()
    three = {code: names[0] for code, names in aliases if len(code) == 3 and code.isalpha() and len(names) == 1}
    return {code: two for code, two in three.items() if two in known and code not in _NO_COUNTRIES}


def named() -> dict[str, str]:
    """The name of each country by its three letters, in the order of the names."""
    names = get_locale().territories
    found = {code: str(names.get(two, code)) for code, two in codes().items()}
    return dict(sorted(found.items(), key=lambda entry: entry[1].casefold()))


def country_of(zone: str) -> str:
    """The three letters of the country in which that time zone is; empty if it is in none, or in several."""
    two = get_global("zone_territories").get(zone, "")
    return next((code for code, its in codes().items() if its == two), "")
