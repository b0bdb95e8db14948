"""Towns: after a word that leads to a place, in an address, in a café's name, and those that are known anywhere."""

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate, takewhile

from repaircafe.facts.claims import Claim, Kind
from repaircafe.facts.gazetteer import ALIASES, ANYWHERE

GAP = r"[^\S\n]+"
"""Between words of a name, which ends with its line."""
NO_TOWNS = frozenset(
    (
        *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
        *("november", "december", "januar", "februar", "märz", "mai", "juni", "juli", "oktober", "dezember"),
        *("spring", "summer", "autumn", "winter", "frühjahr", "frühling", "sommer", "herbst"),
        *("easter", "christmas", "noël", "pâques", "ostern", "weihnachten"),
        *("english", "dutch", "german", "french", "englisch", "niederländisch", "deutsch", "französisch"),
        *("nederlands", "engels", "duits", "frans", "repair", "repaircafé", "café", "cafés"),
        *("google", "facebook", "whatsapp", "our", "your", "my", "this", "these", "their", "its", "any", "all", "one"),
        *("just", "need", "person", "community", "style", "time", "minutes", "town", "home", "work", "least"),
        *("team", "event", "events", "day", "volunteers", "returns", "starts"),
    )
)
"""What stands with a capital after "in" or "at" and is no place, as in the titles of English."""
_GERMAN_NOUN = re.compile(
    r"ihr|.*(?:[ens]|ihre[mr]|ung|heit|keit|schaft|ät|ment|ei|arbeit|art|bedarf|betrieb|empfang|euro|form|gang|hand"
    r"|kauf|kontakt|kraft|lust|not|papier|plastik|raum|reparatur|schwung|sicht|stand|stoff|team|teil|vorfeld|wunsch"
    r"|zeit|zukunft)"
)
"""What German says with a capital and is no name: plurals, what else ends so, and what is often said with "in"."""
_GERMAN_TOWN = re.compile(
    r".*(?:ingen|hausen|kirchen|brücken|haven|hafen|hagen|leben|münden|stetten|hofen|kusen|langen|baden|rode|walde|hude)"
    r"|geldern|haltern|straelen|rhede|brake|bünde|aue|rees|polen|spanien|italien"
)
"""Towns and lands that would be taken for such a noun, beside those of the gazetteer."""
BEGINNINGS = frozenset(
    ("den", "de", "der", "het", "the", "le", "la", "les", "st", "st.", "sint", "saint", "sankt", "bad", "new")
)
"""With what the name of a town or house begins that has more to it."""
_NAME = r"(?:St\.[^\S\n]?|[’']s-)?[A-ZÄÖÜÀ-Ý][\w’'-]{0,30}"
_TO_SOMEBODY = r"(?i:merci|grâce|conseil|demande\w{0,3}|adresse\w{0,3}|écri\w{0,5}|parle\w{0,3}|made)"
_LEADS = (
    "[Ii]n|[Tt]e|[Nn]aar|[Nn]abij|(?:[Vv]lak|[Dd]icht) bij|[Nn]ear|[Aa]t|[Àà]|[Pp]rès de|[Dd]irection|[Nn]ach"
    "|[Nn]ahe"
    r"|(?:buurthuis|centrum|hart|dorp|stad|regio|omgeving|buurt|wijk|bewoners|inwoners|mensen|station) van"
    "|(?:returns?|returning|comes?|coming|moves?|moving|back|welcome|trip) to"
    "|(?:people|residents|folk|heart|town|city|village|centre|neighbourhood|streets) of"
    "|(?:Nähe|Umgebung|Raum|Herzen|Stadt|Zentrum|Menschen|Bewohner|Bürger) von"
    "|(?:[Hh]abitants|centre|ville|village|commune|région|quartier|cœur|environs|alentours|gare) (?:de la|du|de)"
)
"""Words that lead to a place: by themselves, and those of people and parts of a place."""
TOWN = re.compile(
    rf"(?<!\w)(?:(?P<other>{_TO_SOMEBODY}){GAP})?(?:{_LEADS}){GAP}(?P<town>{_NAME}(?:{GAP}{_NAME}){{0,2}})"
)
"""After a word that leads to a place; not where `other` stands before it: "Merci à Marie", "Made in China"."""
_ONE_TOWN = rf"(?P<town>(?:(?:Den|De|Le|La|Bad|St|Sankt){GAP})?{_NAME})"
_ENDS = r"(?=[.,;:!?)]|[^\S\n]*(?:\n|\Z))"
ADDRESSED = re.compile(rf",{GAP}{_ONE_TOWN}{_ENDS}")
"""Right after a house or a street's number, at the end of what is said about it."""
POSTED = re.compile(rf"{GAP}{_ONE_TOWN}")
"""Right after a postcode."""
CAFE = re.compile(rf"\b[Rr]epair[- ]?[Cc]afé(?:{GAP}de)?{GAP}{_ONE_TOWN}{_ENDS}")
"""In the name of a café: "Repair Café Leeds: bring it, fix it"."""
KNOWN = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(ANYWHERE, key=len, reverse=True)))})(?![\w-])")
"""What is in the gazetteer, wherever it stands."""


def claims(text: str, language: str, addresses: Iterable[int], postcodes: Iterable[int]) -> Iterator[Claim]:
    """Every town in the text; `addresses` and `postcodes`: where in it one ends.

    `language` is the text's code: German has capitals for more than names.
    """
    led = (match for match in TOWN.finditer(text) if not match["other"])
    addressed = (ADDRESSED.match(text, end) for end in addresses)
    posted = (POSTED.match(text, end) for end in postcodes)
    doubtful = ((match, language == "de") for match in (*led, *filter(None, addressed), *CAFE.finditer(text)))
    certain = ((match, False) for match in filter(None, posted))
    for match, may_be_noun in (*certain, *doubtful):
        if values := _town(match["town"], may_be_noun=may_be_noun):
            yield Claim(Kind.PLACE, *match.span("town"), match["town"], values)
    for match in KNOWN.finditer(text):
        yield Claim(Kind.PLACE, *match.span(), match[0], ALIASES[match[0].casefold()])


def grown(name: str) -> list[str]:
    """The first word of a name, the first two and so on: those after it may be of the sentence, or another name."""
    return list(accumulate(name.split(), lambda so_far, word: f"{so_far} {word}"))


def _town(name: str, *, may_be_noun: bool) -> frozenset[str]:
    """What the town may be called; nothing where it is none. Of "Utrecht Fahrräder" only the first word may be it."""
    words = name.casefold().split()
    begun = len(list(takewhile(BEGINNINGS.__contains__, words)))
    if begun == len(words) or _is_no_town(words[begun], may_be_noun=may_be_noun and not begun):
        return frozenset()
    names = grown(name.casefold())[begun:]
    called = {one for name in names for one in (name, re.sub(r"[’']?s$", "", name))}
    return frozenset(called.union(*(ALIASES.get(one, ()) for one in called)))


def _is_no_town(word: str, *, may_be_noun: bool) -> bool:
    """Of "Wuppertal-Barmen" the town alone can be told from a noun."""
    first = word.partition("-")[0]
    is_known = first in ALIASES or _GERMAN_TOWN.fullmatch(first)
    is_noun = may_be_noun and _GERMAN_NOUN.fullmatch(first) and not is_known
    return len(word) < 3 or first in NO_TOWNS or bool(is_noun)
