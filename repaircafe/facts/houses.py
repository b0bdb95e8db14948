"""Reads places by their kind: "Haus der Begegnung", "salle communale", "St Mary’s Church", "Buurthuis De Hoek"."""

from repaircafe.facts.claims import Facts, House, Kind, Verdict
from repaircafe.facts.grammar import Found, Hit, Reading
from repaircafe.facts.streets import is_compound
from repaircafe.facts.tokens import LINE
from repaircafe.facts.words import endings

_SAME_KIND = ("community:nl", "library:nl", "library:de", "library:en", "library:fr")
"""Kinds whose words mean the same within one language; of the others, each word is another house."""
_PLAIN = ("stads", "stadt", "gemeinde", "gemeente", "dorps", "dorf", "wijk", "buurt", "orts", "stadtteil")
"""How words for a house begin that say no more than its kind: "Stadtbücherei"."""


def house(reading: Reading, at: int) -> Found | None:
    """A word for a kind of house, with the name before it or after it."""
    roles = reading.roles(at)
    if "nohouse" in roles:
        return [], roles["nohouse"].end
    if hit := roles.get("house"):
        return _named_after(reading, at, at, hit)
    return _named_before(reading, at)


def _named_before(reading: Reading, at: int) -> Found | None:
    """As in "Albert-Schweitzer-Schule", "Greenfield Primary School"."""
    for place in range(at + 1, min(at + 6, len(reading.tokens))):
        token = reading.tokens[place]
        if token.gap == LINE or not token.is_word or not (token.is_capital or token.joined):
            return None
        roles = reading.roles(place)
        if any(role in roles for role in ("weekday", "monthname", "street last")) and "house" not in roles:
            return None
        hit = roles.get("house")
        if hit and (token.joined == "-" or (str(hit.value).endswith(":en") and token.is_capital)):
            is_chain = all(one.joined for one in reading.tokens[at + 1 : place + 1])
            start = at if is_chain else _name_start(reading, at, place)
            return _named_after(reading, start, place, hit) if start < place or start == at else None
    return None


def _name_start(reading: Reading, at: int, place: int) -> int:
    """The first word of the name; "Our" and "Visit the" are not part of it."""
    start = at
    while start < place and "noname" in reading.roles(start) and not reading.tokens[start + 1].joined:
        start += 1
    return start


def _named_after(reading: Reading, start: int, at: int, hit: Hit) -> Found | None:
    if _is_other(reading, start, at, hit):
        return None
    end = _name_end(reading, hit.end)
    if str(hit.value).startswith("haus:") and end == hit.end:
        return None
    before = reading.words(start, at)
    after = reading.words(hit.end, end)
    value = House(str(hit.value), reading.words(at, hit.end), (*before, *after), reading.words(start, end))
    reading.behind |= dict.fromkeys((end, reading.skip(end, ",", "of")), Kind.PLACE)
    is_stop = reading.before(start, "stop")  # nobody says that the café is there
    return [reading.claim(Kind.PLACE, start, end, *([] if is_stop else [value]))], end


def _is_other(reading: Reading, start: int, at: int, hit: Hit) -> bool:
    """Whether the word is not a house here: "the hall", "Church Street", "Schulstraße 3"."""
    if start == at and str(hit.value).startswith("named:"):
        return True
    if "nohouse" in reading.roles(at) or (reading.get(hit.end, "street last") and reading.tokens[hit.end].is_capital):
        return not (reading.tokens[hit.end].word == "st" and reading.get(hit.end + 1, ".", "capital"))
    return is_compound(reading.tokens[hit.end - 1].word) != "" and "house" not in reading.roles(at)


def _name_end(reading: Reading, at: int) -> int:
    """The token after the name behind a kind of house: "De Hoek", "St. Martin", "“De Hoek”", "Jules-Ferry"."""
    end = reading.skip(at, '"')
    is_quoted, first = end > at, end
    if (link := reading.get(end, "housename")) and reading.get(link.end, "capital"):
        end = link.end
    while end < first + 5 and reading.get(end, "end"):
        token = reading.tokens[end]
        roles = reading.roles(end)
        if not token.is_word or not (token.is_capital or token.joined or (is_quoted and token.is_word)):
            break
        if any(role in roles for role in ("weekday", "monthname", "house", "street first")) or is_compound(token.word):
            break
        if "noname" in roles or (reading.language == "de" and not _is_german_name(reading, end, first)):
            break
        end += 1
    if end == first or all("begin" in reading.roles(one) for one in range(first, end)):
        return at
    return reading.skip(end, '"') if is_quoted else end


def _is_german_name(reading: Reading, at: int, first: int) -> bool:
    """In German a word with a capital behind a house may be any noun; a name begins as names do, or comes last."""
    if at > first or "begin" in reading.roles(at) or reading.tokens[at].joined:
        return True
    after = at + 1
    return after >= len(reading.tokens) or reading.tokens[after].gap == LINE or not reading.tokens[after].is_word


def verdict(claim_values: frozenset[object], facts: Facts) -> Verdict:
    """A house has to be in the settings: by its words, or by another language's word for the kind, with its name."""
    known = [one for one in facts.values(Kind.PLACE) if isinstance(one, House)]
    for said in (one for one in claim_values if isinstance(one, House)):
        if not known and _is_first(said.name, facts.words):
            return Verdict.AGREES  # the settings give the name alone
        if is_in(said.whole, facts.words) or (any(_is_same(said, one) for one in known) and _is_named(said, facts)):
            return Verdict.AGREES
    return Verdict.CONTRADICTS


def _is_first(name: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether the settings begin with the name; an article does not matter."""
    begins = {begin for begin, _ in endings("begin")}
    starts = (0, 1) if words and words[0] in begins else (0,)
    return not begins.issuperset(name) and any(words[at : at + len(name)] == name for at in starts)


def _is_named(said: House, facts: Facts) -> bool:
    names = [said.name, said.name[1:]] if len(said.name) > 1 else [said.name]
    return not said.name or any(is_in(one, facts.words) for one in names)


def _is_same(said: House, fact: House) -> bool:
    if said.words == fact.words:
        return True
    kind, language = said.kind.split(":")
    other, of = fact.kind.split(":")
    if language != of:
        return kind.rstrip("0123456789") == other.rstrip("0123456789") and _bare(said)
    if said.name and fact.name and not set(said.words[:-1]) <= set(fact.words + fact.name):
        return False  # "Toronto Public Library" is not "Toronto Reference Library"
    if said.kind == fact.kind and said.kind in _SAME_KIND:
        return True
    return _ends(fact.words, said.words) or (_ends(said.words, fact.words) and _bare(said))


def _bare(said: House) -> bool:
    """Whether its word says no more than the kind; "Pauluskerk" does."""
    return (
        len(said.words) > 1
        or not said.words[0].endswith(("kerk", "kirche", "kapel"))
        or (said.words[0] in ("kerk", "kirche", "kapel") or said.words[0].startswith(_PLAIN))
    )


def _ends(longer: tuple[str, ...], shorter: tuple[str, ...]) -> bool:
    if len(longer) == len(shorter) == 1:
        return longer[0].endswith(shorter[0])
    return set(shorter) <= set(longer)


def is_in(words: tuple[str, ...], known: tuple[str, ...]) -> bool:
    """Whether the words stand together in the known ones."""
    size = len(words)
    return size > 0 and any(known[at : at + size] == words for at in range(len(known) - size + 1))
