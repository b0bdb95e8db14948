"""Streets with their numbers, postcodes, houses by their name, and e-mail addresses."""

import re
from collections.abc import Iterator
from itertools import accumulate

from repaircafe.facts import towns
from repaircafe.facts.claims import Claim, Kind

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_SUFFIX = (
    "straat|laan|weg|plein|gracht|kade|dijk|singel|hof|steeg|markt|dreef"
    "|straße|strasse|str\\.|gasse|allee|platz|ring|ufer"
)
_GAP = towns.GAP
_BEGINS = r"(?<![\d:.])\b"
"""Before a number that is not the end of a time."""
GERMANIC = re.compile(
    rf"\b(?P<before>[A-ZÄÖÜ][\w’'-]{{0,30}}{_GAP})?"
    rf"(?:(?P<name>[A-ZÄÖÜ][\w’'-]{{0,30}}(?:{_SUFFIX}))|(?P<kind>(?i:{_SUFFIX})))"
    rf"{_GAP}(?:nr\.?[^\S\n]*|nummer{_GAP}|Nr\.?[^\S\n]*)?(?P<number>\d{{1,4}}(?: ?[a-zA-Z])?)\b"
    # "Vom Ring 5 Minuten zu Fuß" and "in de Dorpsstraat 14:00 uur" have no house
    rf"(?!:\d|{_GAP}(?i:min|minuten|minutes|meter|km|uur|uhr)\b)"
)
_TWINS = frozenset(
    (
        *("lange", "korte", "oude", "nieuwe", "grote", "kleine", "hoge", "lage", "eerste", "tweede", "derde"),
        *("kurze", "hohe", "niedere", "alte", "neue", "große", "obere", "untere", "erste", "zweite", "dritte"),
    )
)
"""What tells a street from another one of the same name: "Korte Dorpsstraat" is not "Lange Dorpsstraat"."""
_ENGLISH_KINDS = "Street|St|Road|Rd|Lane|Avenue|Ave|Square|Way|Close|Drive|Hill"
ENGLISH = re.compile(
    rf"{_BEGINS}(\d{{1,4}}[a-z]?){_GAP}((?:[A-Z][\w’']{{0,30}}{_GAP}){{1,3}}"
    rf"(?:{_ENGLISH_KINDS}))\b"
)
ENGLISH_TURNED = re.compile(
    rf"\b((?:[A-Z][\w’]{{0,30}}{_GAP}){{1,3}}(?:Street|Road|Lane|Avenue|Square)){_GAP}(\d{{1,4}}[a-z]?)\b"
    rf"(?![:.]\d|{_GAP}?(?i:am|pm|min|minutes)\b)"
)
"""As the Continent writes addresses: "Station Road 44"."""
TURNED = re.compile(rf"{_BEGINS}(\d{{1,4}}[a-z]?){_GAP}([A-ZÄÖÜ][\w’'-]{{0,30}}(?:{_SUFFIX}))\b(?!{_GAP}\d)")
"""A Dutch or German street as English and French write addresses: "20 Dorpsstraat"."""
FRENCH = re.compile(
    rf"{_BEGINS}(?P<number>\d{{1,4}}(?:[^\S\n]?bis|[^\S\n]?ter)?),?{_GAP}"
    rf"(?P<kind>(?i:rue|avenue|boulevard|place|chemin|route|impasse|quai|allée|cours){_GAP}"
    rf"(?i:de{_GAP}la{_GAP}|de{_GAP}l[’']|des{_GAP}|du{_GAP}|de{_GAP}|d[’'])?)"
    rf"(?P<name>[A-ZÀ-Ý][\w’'-]{{0,30}}(?:{_GAP}[A-ZÀ-Ý][\w’'-]{{0,30}}){{0,3}})"
)
_NO_COUNT = "".join(rf"(?<!\b(?i:{word})\s)" for word in ("über", "als", "rund", "etwa", "fast", "knapp", "circa"))
_COUNTED = "Geräte|Dinge|Besucher|Besucherinnen|Menschen|Reparaturen|Cafés|Euro|Kilo|Kilogramm|Tonnen|Watt"
"""What German counts with a capital, as the town after a postcode has one."""
POSTCODE = re.compile(
    r"\b(?:[1-9]\d{3}[^\S\n]?[A-Z]{2}|[A-Z]{1,2}\d[A-Z\d]?[^\S\n]\d[A-Z]{2}"
    rf"|{_NO_COUNT}\d{{5}}(?={_GAP}(?!(?:{_COUNTED})\b)[A-ZÄÖÜÀ-Ý]\w))\b"
)
_LONG = "straat|laan|plein|gracht|kade|dijk|singel|steeg|straße|strasse|gasse|allee"
STREET_ALONE = re.compile(rf"\b[A-ZÄÖÜ][\w’'-]{{0,30}}(?:{_LONG})\b")
"""Without a number, by the endings that no other word has."""
HOUSES = {
    "community": "buurthuis|wijkcentrum|dorpshuis|buurtcentrum|community cent(?:re|er)|village hall|gemeindehaus"
    "|bürgerhaus|stadtteilzentrum|nachbarschaftshaus|maison de quartier|centre social|salle des fêtes",
    "library": r"\w{0,30}bibliotheek|library|\w{0,30}bibliothek|\w{0,30}bücherei|bibliothèque|médiathèque",
    "church": r"[\w-]{0,30}kerk|church|church hall|[\w-]{0,30}kirche|église",
    "school": r"[\w-]{0,30}school|[\w-]{0,30}schule|école",
    "hall": "(?:sport|markt|gym|dorps|stads|noorder|zuider|ooster|wester)hal|gymzaal|gymnase|salle polyvalente"
    "|(?:turn|sport|stadt|fest|mehrzweck)halle",
    "town hall": "stadhuis|gemeentehuis|town hall|rathaus|mairie",
}
"""A house of one kind may be called by any of its words, in any language."""
_KINDS = "|".join(f"(?P<h{number}>{words})" for number, words in enumerate(HOUSES.values()))
HOUSE = re.compile(
    rf"\b(?i:{_KINDS})\b(?!{_GAP}(?!St\b)(?:{_ENGLISH_KINDS})\b)"
    rf"(?:{_GAP}[“\"„«]?((?:(?:De|Het|’t|'t|La|Le|Les|The|St\.?){_GAP})?[A-ZÄÖÜÀ-Ý][\w’'-]{{0,30}}))?"
)
NAMED_BEFORE = re.compile(
    rf"(?P<name>(?:(?:St\.|[A-Z][\w’'-]{{0,30}}){_GAP}){{1,3}})(?P<house>Church|School|Library|Hall|Community Centre)\b"
    rf"(?!{_GAP}(?:{_ENGLISH_KINDS})\b)"
)
"""As English names a house: "St Mary's Church"."""


def streets(text: str) -> Iterator[Claim]:
    """Every street with a number; its value is both, in one order and in small letters."""
    for match in GERMANIC.finditer(text):
        yield _street(match, match["number"], *_germanic(match["before"] or "", match["name"], match["kind"]))
    for match in (*ENGLISH.finditer(text), *TURNED.finditer(text)):
        yield _street(match, match[1], match[2])
    for match in ENGLISH_TURNED.finditer(text):
        yield _street(match, match[2], *_ends(match[1]))
    for match in FRENCH.finditer(text):  # whose last words may be the town's: "12 rue Pasteur Lyon"
        yield _street(match, match["number"], *(f"{match['kind']}{one}" for one in towns.grown(match["name"])))


def claims(text: str, language: str) -> Iterator[Claim]:
    """Every address, name of a house and town in the text; `language`: its code, since German has capitals for more."""
    named = [*streets(text), *_named_before(text), *_houses(text)]
    postcodes = [*POSTCODE.finditer(text)]
    yield from named
    for match in STREET_ALONE.finditer(text):
        name = match[0].casefold()
        yield Claim(Kind.PLACE, *match.span(), match[0], frozenset({name, _shortened(name)}))
    for match in postcodes:
        yield Claim(Kind.PLACE, *match.span(), match[0], frozenset({match[0].casefold()}))
    for match in EMAIL.finditer(text):
        address = match[0].rstrip("-")
        yield Claim(Kind.EMAIL, match.start(), match.start() + len(address), address, frozenset({address.casefold()}))
    yield from towns.claims(text, language, (one.end for one in named), (one.end() for one in postcodes))


def _named_before(text: str) -> Iterator[Claim]:
    for match in NAMED_BEFORE.finditer(text):
        house, names = match["house"].casefold(), _ends(match["name"])
        if names[0].casefold() in towns.NO_TOWNS | towns.BEGINNINGS:
            continue
        kind = next((kind for kind, words in HOUSES.items() if re.fullmatch(words, house)), None)
        said = {f"{kind}: {one.casefold()}" if kind else f"{one.casefold()} {house}" for one in names}
        yield Claim(Kind.PLACE, *match.span(), match[0], frozenset(said))


def _ends(name: str) -> list[str]:
    """The last word of a name, the last two and so on: those before may be of the sentence ("Visit Mill Lane 3")."""
    return list(accumulate(reversed(name.split()), lambda so_far, word: f"{word} {so_far}"))


def _houses(text: str) -> Iterator[Claim]:
    for match in HOUSE.finditer(text):
        kind = next(kind for number, kind in enumerate(HOUSES) if match[f"h{number}"])
        name = match[len(HOUSES) + 1]
        said = f"{kind}: {name.casefold()}" if name else kind
        yield Claim(Kind.PLACE, *match.span(), match[0], frozenset({said}))


def is_named(said: str, words: str) -> bool:
    """Whether a postcode, a kind of house or, with its kind, a house's name is among the facts' words."""
    kind, _, name = said.partition(": ")
    if kind not in HOUSES:
        return _stands_in(said, words)
    return re.search(rf"\b(?:{HOUSES[kind]})\b", words) is not None and (not name or _stands_in(name, words))


def _stands_in(said: str, words: str) -> bool:
    """As words of their own: "st" is not in "dorpsstraat". Spaces may be left out, or more, as in 3512AB."""
    spread = r"[^\S\n]*".join(re.escape(letter) for letter in "".join(said.split()))
    return re.search(rf"(?<!\w){spread}(?!\w)", words) is not None


def _germanic(before: str, name: str | None, kind: str | None) -> set[str]:
    """A word before a whole name may be of the sentence ("Adres Dorpsstraat"); "Oude" in "Oude Markt" is not."""
    whole = f"{before}{name or kind}"
    return {whole, name} if name and before.strip().casefold() not in _TWINS else {whole}


def _street(match: re.Match[str], number: str, *names: str) -> Claim:
    """A claim of the house with that number in a street that may have any of the names."""
    return Claim(Kind.STREET_NUMBER, *match.span(), match[0], frozenset(_listed(one, number) for one in names))


def _listed(street: str, number: str) -> str:
    return f"{_shortened(' '.join(street.split()).casefold())} {number.replace(' ', '').casefold()}"


def _shortened(street: str) -> str:
    return re.sub(r"(?:straat|strasse|str\.)$", "str", street)
