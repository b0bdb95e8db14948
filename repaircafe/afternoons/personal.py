"""Marks what looks like personal data in a text: it is shown to the organiser, who corrects it. Nothing is changed.

It finds addresses, numbers, and names behind a form of address. It cannot find a name that stands alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from repaircafe.facts.claims import Kind
from repaircafe.facts.contacts import contacts
from repaircafe.facts.normal import normal

PERSONAL = frozenset({Kind.EMAIL, Kind.PHONE, Kind.IBAN, Kind.POSTCODE})
_STREET = (
    r"\w{2,40}(?:straat|laan|weg|plein|gracht|kade|steeg|dreef|dijk|markt|straße|strasse|gasse|allee)"
    r"|[A-Z]\w{1,40}str\.|Gracht|Markt|Plein|Kade"
)
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\w+])\+?\(?[0-9](?:[ ()./-]{0,2}[0-9]){7,14}(?!\w)",
        r"(?<!\w)[\w.+-]{1,64} ?(?:@|\(at\)|\[at\]) ?[\w-]{1,63}\.[\w.-]{2,63}",
        rf"(?<!\w)(?:{_STREET}) [0-9]{{1,4}}[a-zA-Z]?(?!\w)",
        r"(?<!\w)[0-9]{1,4}(?: bis)?,? (?:rue|avenue|boulevard|chemin|place|impasse) (?:\w+ ){0,2}[A-ZÉÈ]\w+",
        r"(?<!\w)(?i:mevrouw|meneer|mevr|mw|dhr|herr|frau|familie|monsieur|madame|mme|mlle|mrs|ms|mr)\.?"
        r" (?:(?:van|de|der|den|von|le|la) ){0,2}(?:[dl]['’])?[A-ZÀ-Ý][\w-]{1,40}",
    )
)
"""Each repetition has a limit, so that every pattern takes linear time."""
_MAY_BE = re.compile(
    r"[0-9@]|[(\[]at[)\]]|(?i:(?<!\w)(?:me[vn]|mw|dhr|herr|frau|famil|mons|madam|mme|mlle|mrs?|ms)(?:\w|\b))"
)
"""Most texts have none of these, and need no closer look: a café with years of lists has thousands of them."""
_IS_DATE = re.compile(r"[0-9]{1,2}[ ./-]{1,2}[0-9]{1,2}[ ./-]{1,2}[0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Part:
    """A part of a text. `is_marked`: it looks like personal data."""

    text: str
    is_marked: bool


def parts_of(text: str) -> list[Part]:
    """The whole text, cut into parts that are marked or not."""
    found, at = [], 0
    for start, end in _spans(text):
        found += [Part(text[at:start], is_marked=False), Part(text[start:end], is_marked=True)]
        at = end
    return [one for one in (*found, Part(text[at:], is_marked=False)) if one.text]


def looks_personal(text: str) -> bool:
    """Whether any part of the text is marked."""
    return any(one.is_marked for one in parts_of(text))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    if not _MAY_BE.search(text):
        return
    claims = (claim for claim, _start, _end in contacts(text, normal(text)) if claim.kind in PERSONAL)
    spans = [(one.start, one.end) for one in claims]
    matches = (match for pattern in _PATTERNS for match in pattern.finditer(text))
    spans += [match.span() for match in matches if not _IS_DATE.fullmatch(match[0])]
    last = 0
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= last:
            yield start, end
            last = end
