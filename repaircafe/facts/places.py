"""Streets with their numbers, postcodes, houses by their name, and e-mail addresses."""

import re
from collections.abc import Iterator
from itertools import accumulate, takewhile

from repaircafe.facts.claims import Claim, Kind

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_SUFFIX = (
    "straat|laan|weg|plein|gracht|kade|dijk|singel|hof|steeg|markt|dreef"
    "|straße|strasse|str\\.|gasse|allee|platz|ring|ufer"
)
_GAP = r"[^\S\n]+"
"""Between words of a name, which ends with its line."""
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
HOUSES = {
    "community": "buurthuis|wijkcentrum|dorpshuis|buurtcentrum|community cent(?:re|er)|village hall|gemeindehaus"
    "|bürgerhaus|stadtteilzentrum|nachbarschaftshaus|maison de quartier|centre social|salle des fêtes",
    "library": "bibliotheek|library|bibliothek|bücherei|bibliothèque|médiathèque",
    "church": "kerk|church|church hall|kirche|église",
    "school": "basisschool|school|schule|école",
    "town hall": "stadhuis|gemeentehuis|town hall|rathaus|mairie",
}
"""A house of one kind may be called by any of its words, in any language."""
_KINDS = "|".join(f"(?P<h{number}>{words})" for number, words in enumerate(HOUSES.values()))
HOUSE = re.compile(
    rf"\b(?i:{_KINDS})\b(?!{_GAP}(?!St\b)(?:{_ENGLISH_KINDS})\b)"
    rf"(?:{_GAP}[“\"„«]?((?:(?:De|Het|’t|'t|La|Le|Les|The){_GAP})?[A-ZÄÖÜÀ-Ý][\w’'-]{{0,30}}))?"
)
_NO_TOWNS = frozenset(
    (
        *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
        *("november", "december", "januar", "februar", "märz", "mai", "juni", "juli", "oktober", "dezember"),
        *("spring", "summer", "autumn", "winter", "frühjahr", "frühling", "sommer", "herbst"),
        *("easter", "christmas", "noël", "pâques", "ostern", "weihnachten"),
        *("english", "dutch", "german", "french", "englisch", "niederländisch", "deutsch", "französisch"),
        *("nederlands", "engels", "duits", "frans", "repair", "repaircafé", "café", "cafés"),
        *("google", "facebook", "whatsapp", "our", "your", "my", "this", "these", "their", "its", "any", "all", "one"),
        *("just", "need", "person", "community", "style", "time", "minutes", "town", "home", "work", "least"),
    )
)
"""What stands with a capital after "in" or "at" and is no place, as in the titles of English."""
_GERMAN_NOUN = re.compile(
    r"ihr|.*(?:[ens]|ihre[mr]|ung|heit|keit|schaft|ät|ment|ei|arbeit|art|betrieb|empfang|euro|form|hand|kauf|kontakt|kraft"
    r"|not|papier|plastik|raum|reparatur|schwung|sicht|stand|stoff|team|teil|vorfeld|zeit|zukunft)"
)
"""What German says with a capital and is no name: plurals, what else ends so, and what is often said with "in"."""
_GERMAN_TOWN = re.compile(
    r".*(?:ingen|hausen|kirchen|brücken|haven|hafen|hagen|leben|münden|stetten|hofen|kusen|langen|baden|rode|walde|hude)"
    r"|aachen|ahlen|bautzen|berlin|bonn|bremen|dresden|dülmen|düren|emden|essen|geldern|haltern|haren|kempen|köln|landau|meissen"
    r"|meppen|minden|münchen|plauen|siegen|straelen|verden|viersen|vreden|giessen|worms|neuss|moers|rees"
    r"|celle|halle|herne|karlsruhe|kleve|lage|löhne|peine|rhede|rheine|stade|werne|brake|bünde|aue"
    r"|wien|bern|luzern|olten|wels|dornbirn"
    r"|aalten|assen|ede|emmen|enschede|groningen|houten|leiden|nijmegen|rhenen|zutphen|zwolle|vlissingen"
    r"|antwerpen|eupen|leuven|mechelen|verviers|paris|lyon|nantes|lille|london|leeds"
    r"|bayern|flandern|franken|hessen|sachsen|thüringen|westfalen|niederlanden|polen|spanien|italien|belgien"
)
"""Towns and regions that would be taken for such a noun."""
_BEGINNINGS = frozenset(
    ("den", "de", "der", "het", "the", "le", "la", "les", "st", "st.", "sint", "saint", "sankt", "bad", "new")
)
"""With what the name of a town or house begins that has more to it."""
_NAME = r"(?:St\.[^\S\n]?|[’']s-)?[A-ZÄÖÜÀ-Ý][\w’'-]{0,30}"
_TO_SOMEBODY = r"(?i:merci|grâce|conseil|demande\w{0,3}|adresse\w{0,3}|écri\w{0,5}|parle\w{0,3}|made)"
TOWN = re.compile(
    rf"(?<!\w)(?:(?P<other>{_TO_SOMEBODY}){_GAP})?(?:[Ii]n|[Tt]e|[Nn]aar|[Nn]abij|[Nn]ear|[Aa]t|[Àà]|[Pp]rès de)"
    rf"{_GAP}(?P<town>{_NAME}(?:{_GAP}{_NAME}){{0,2}})"
)
"""After a word that leads to a place; not where `other` stands before it: "Merci à Marie", "Made in China"."""
ADDRESSED = re.compile(
    rf",{_GAP}(?P<town>(?:(?:Den|De|Le|La|Bad|St|Sankt){_GAP})?{_NAME})(?=[.;:!?)]|[^\S\n]*(?:\n|\Z))"
)
"""Right after a street and its number, at the end of what is said about it."""
POSTED = re.compile(rf"{_GAP}(?P<town>(?:(?:Den|De|Le|La|Bad|St|Sankt){_GAP})?{_NAME})")
"""Right after a postcode."""


def streets(text: str) -> Iterator[Claim]:
    """Every street with a number; its value is both, in one order and in small letters."""
    for match in GERMANIC.finditer(text):
        yield _street(match, match["number"], *_germanic(match["before"] or "", match["name"], match["kind"]))
    for match in (*ENGLISH.finditer(text), *TURNED.finditer(text)):
        yield _street(match, match[1], match[2])
    for match in FRENCH.finditer(text):
        yield _street(match, match["number"], *(f"{match['kind']}{one}" for one in _french(match["name"])))


def claims(text: str, language: str) -> Iterator[Claim]:
    """Every address, name of a house and town in the text; `language`: its code, since German has capitals for more."""
    named = [*streets(text), *_houses(text)]
    yield from named
    postcodes = [*POSTCODE.finditer(text)]
    for match in postcodes:
        yield Claim(Kind.PLACE, *match.span(), match[0], frozenset({match[0].casefold()}))
    for match in EMAIL.finditer(text):
        address = match[0].rstrip("-")
        yield Claim(Kind.EMAIL, match.start(), match.start() + len(address), address, frozenset({address.casefold()}))
    addressed = (ADDRESSED.match(text, one.end) for one in named)
    posted = (POSTED.match(text, one.end()) for one in postcodes)
    led = (match for match in TOWN.finditer(text) if not match["other"])
    for match in (*led, *filter(None, (*addressed, *posted))):
        if values := _town(match["town"], is_german=language == "de"):
            yield Claim(Kind.PLACE, *match.span("town"), match["town"], values)


def _town(name: str, *, is_german: bool) -> frozenset[str]:
    """What the town may be called; nothing where it is none. Of "Utrecht Fahrräder" only the first word may be it."""
    words = name.casefold().split()
    begun = len(list(takewhile(_BEGINNINGS.__contains__, words)))
    if begun == len(words) or _is_no_town(words[begun], is_german=is_german and not begun):
        return frozenset()
    names = [*accumulate(words, lambda so_far, word: f"{so_far} {word}")][begun:]
    return frozenset(one for name in names for one in (name, re.sub(r"[’']?s$", "", name)))


def _is_no_town(word: str, *, is_german: bool) -> bool:
    """Of "Wuppertal-Barmen" the town alone can be told from a noun."""
    first = word.partition("-")[0]
    is_noun = is_german and _GERMAN_NOUN.fullmatch(first) and not _GERMAN_TOWN.fullmatch(first)
    return len(word) < 3 or first in _NO_TOWNS or bool(is_noun)


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


def _french(name: str) -> list[str]:
    """The name, and what is left of it where its last words are the town's ("12 rue Pasteur Lyon")."""
    return list(accumulate(name.split(), lambda so_far, word: f"{so_far} {word}"))


def _street(match: re.Match[str], number: str, *names: str) -> Claim:
    """A claim of the house with that number in a street that may have any of the names."""
    return Claim(Kind.STREET_NUMBER, *match.span(), match[0], frozenset(_listed(one, number) for one in names))


def _listed(street: str, number: str) -> str:
    name = re.sub(r"(?:straat|strasse|str\.)$", "str", " ".join(street.split()).casefold())
    return f"{name} {number.replace(' ', '').casefold()}"
