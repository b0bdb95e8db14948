"""Reads streets as a whole: "1e Kerkstraat 4", "14 rue du 8-Mai-1945", "221B Baker Street", "Unter den Linden 5"."""

from functools import lru_cache

from repaircafe.facts.claims import Claim, Facts, Kind, Street, Verdict
from repaircafe.facts.grammar import Found, Hit, Reading
from repaircafe.facts.normal import normal
from repaircafe.facts.tokens import LINE, tokens
from repaircafe.facts.words import endings

_LONGEST = 8
"""How many words a street can have."""
_SHORT = {
    **{"st": "street", "rd": "road", "ln": "lane", "ave": "avenue", "av": "avenue", "sq": "square", "dr": "drive"},
    **{"pl": "place", "ct": "court", "cres": "crescent", "bd": "boulevard", "blvd": "boulevard", "boul": "boulevard"},
    **{"ch": "chemin", "rte": "route", "allees": "allee", "str": "str", "strasse": "str", "straat": "str"},
}
_TO_NUMBER = ("nr", "nummer", "no", "number", "numero", "hausnummer", "n", "huisnummer")


def street(reading: Reading, at: int) -> Found | None:
    """A street at a word with a capital, at a word such as "rue", or at the number before one."""
    if reading.is_number(at):
        is_ordinal = "ordinal" in reading.roles(at)
        return _number_first(reading, at) or (_name_first(reading, at) if is_ordinal else None)
    if "street first" in reading.roles(at):
        return _kind_first(reading, at) or _name_first(reading, at)
    return _name_first(reading, at)


def _claim(reading: Reading, at: int, end: int, value: Street) -> Found:
    kind = Kind.STREET_NUMBER if value.number else Kind.PLACE
    reading.behind |= dict.fromkeys((end, reading.skip(end, ",")), kind)
    is_stop = not value.number and (reading.before(at, "stop") or _is_on_the_way(reading, at))
    return [reading.claim(kind, at, end, *([] if is_stop else [value]))], end


def _is_on_the_way(reading: Reading, at: int) -> bool:
    """Whether a bus or tram stands shortly before: "Tram 2 oder 4 bis Kreuzplatz" does not say where the café is."""
    near = range(max(0, at - 7), at)
    last = max((one for one in near if reading.is_sign(one, ".!?;,") or reading.tokens[one].gap == LINE), default=-1)
    return any("transit" in reading.roles(one) for one in near if one >= last)


def _name_first(reading: Reading, at: int) -> Found | None:
    """As in "Karl-Marx-Straße 12", "Baker Street 4"; without a number only if the end of the name is beyond doubt."""
    if reading.is_number(at) and "ordinal" not in reading.roles(at):
        return None
    start = at + 2 if reading.is_number(at) else at
    if at == start and any(role in reading.roles(at) for role in ("house", "weekday", "month", "noname")):
        return None
    last = _last_word(reading, start)
    if last is None:
        return None
    end, number = _house_number(reading, last + 1)
    words = (f"{reading.tokens[at].word}{reading.tokens[at + 1].word}",) if start > at else ()
    value = _street(reading, words, start, last, number)
    if number or _is_long(reading, start, last):
        return _claim(reading, at, end if number else last + 1, value)
    return None


def _last_word(reading: Reading, start: int) -> int | None:
    """The word that says that this is a street, first the one with a number behind it."""
    long = None
    for last in range(start, min(start + _LONGEST, len(reading.tokens))):
        token = reading.tokens[last]
        if (last > start and token.gap == LINE) or not token.is_word or not _is_in_name(reading, last, start):
            break
        is_kind = is_compound(token.word) or (last > start and "street last" in reading.roles(last))
        if is_kind and _house_number(reading, reading.skip(last + 1, "."))[1]:
            return last
        if is_kind and long is None and _is_long(reading, start, last):
            long = last
        if is_kind and is_compound(token.word) == "long":
            break
    return long


def _is_in_name(reading: Reading, at: int, start: int) -> bool:
    token = reading.tokens[at]
    house = reading.roles(at).get("house") if at > start and not token.joined else None
    if house and not str(house.value).endswith(":en"):
        return False  # "REPAIR CAFÉ JEUGDHUIS DE KADE"
    if token.is_capital or token.joined:
        return at == start or not any(role in reading.roles(at) for role in ("weekday", "monthname"))
    return at > start and token.word in ("van", "der", "de", "den", "s", "of", "und", "the", "la")


@lru_cache(maxsize=4096)
def is_compound(word: str) -> str:
    """Whether a word ends as streets do: "long" if no other word ends so, "short", or not at all."""
    for role in ("long", "end"):
        for end, _ in endings(f"street {role}"):
            if word.endswith(end) and len(word) > len(end) + 1:
                return {"long": "long", "end": "short"}[role]
    return ""


def _is_long(reading: Reading, start: int, last: int) -> bool:
    word = reading.tokens[last].word
    is_kind = "street long" in reading.roles(last) and last > start and reading.tokens[last].is_capital
    names = [reading.tokens[one] for one in range(start, last)]
    is_named = any("noname" not in reading.roles(start + step) for step, one in enumerate(names) if one.is_capital)
    return (is_compound(word) == "long" and reading.tokens[last].is_capital) or (is_kind and is_named)


def _house_number(reading: Reading, at: int) -> tuple[int, str]:
    """The token after a house number, and the number; empty if what follows is an hour, a day or a count."""
    at = reading.skip(at, ".", is_glued=True)
    if reading.get(at, "end") and reading.tokens[at].word in _TO_NUMBER:
        at = reading.skip(at + 1, ".", "^", is_glued=True)
    number = reading.number(at) if reading.get(at, "digits") else None
    if number is None:
        return at, ""
    end, text = at + 1, reading.tokens[at].word
    if letter := _letter(reading, end):
        end, text = end + 1, text + letter
    if reading.is_sign(end, "-/") and reading.is_number(end + 1) and not reading.tokens[end].gap:
        text += f"-{reading.tokens[end + 1].word}" if not reading.tokens[end + 1].gap else ""
        end += 2 if not reading.tokens[end + 1].gap else 0
    return (end, text) if not _counts(reading, end) else (at, "")


def _letter(reading: Reading, at: int) -> str:
    if at >= len(reading.tokens) or reading.tokens[at].gap == LINE:
        return ""
    token = reading.tokens[at]
    if token.word in ("bis", "ter", "quater"):  # "bis" is a German word as well
        return token.word if reading.language in ("fr", "") else ""
    is_letter = len(token.word) == 1 and token.is_word and token.end - token.start == 1 and "a" <= token.word <= "z"
    is_last = at + 1 >= len(reading.tokens) or reading.tokens[at + 1].gap == LINE or not reading.tokens[at + 1].is_word
    if not is_letter or token.word in ("h", "u") or (token.gap and not is_last) or reading.is_accented(at):
        return ""
    is_turned = not token.gap or is_last
    return token.word if is_turned else ""


def _counts(reading: Reading, at: int) -> bool:
    """Whether the number belongs to what follows it: "Vom Ring 5 Minuten", "Dorpsstraat 5 december", "Markt 14:00"."""
    if reading.get(at, "unitword", "clock", "h", "month", "currency", "unit", "meridiem", "%", "€", "°"):
        return True
    at_month = reading.skip(at, ".")
    if at_month > at and reading.get(at_month, "month"):
        return True
    is_tied = reading.is_sign(at, ":.") and not reading.tokens[at].gap and reading.is_number(at + 1)
    return is_tied and not reading.tokens[at + 1].gap


def _street(reading: Reading, before: tuple[str, ...], start: int, last: int, number: str) -> Street:
    words = (*before, *reading.words(start, last + 1))
    core = 1
    while core < len(words) and reading.tokens[last + 1 - core].joined:
        core += 1
    is_kind = is_compound(reading.tokens[last].word) == "" and core == 1
    core = max(core, 2 if is_kind else 1, 2 if before and core == 1 else 1)
    while core < len(words) and (words[-core - 1] in _twins() or words[-core - 1][:1].isdigit()):
        core += 1
    return Street((*words[:-1], _kind_word(words[-1])), number, min(core, len(words)))


@lru_cache(maxsize=1)
def _twins() -> frozenset[str]:
    """Words that tell two streets of the same name apart: "Korte Dorpsstraat" is not "Lange Dorpsstraat"."""
    return frozenset(word for word, _ in endings("twin"))


def _kind_word(word: str) -> str:
    if word in _SHORT:
        return _SHORT[word]
    for end in ("strasse", "straat"):
        if word.endswith(end):
            return f"{word.removesuffix(end)}str"
    return word


def _kind_first(reading: Reading, at: int) -> Found | None:
    """As in "Chaussée de Louvain 34", "Laan van Meerdervoort 55", "Unter den Linden 5"."""
    kind = reading.roles(at)["street first"]
    name = _name(reading, kind.end)
    if name is None:
        return None
    first, end = name
    if not _is_romance(reading, at) and any(is_compound(one) for one in reading.words(first, end)):
        return None
    comma = reading.skip(end, ",")
    after, number = _house_number(reading, comma)
    if comma > end and number and not _is_romance(reading, at):
        number = ""
    if not _is_romance(reading, at) and reading.get(comma, "year"):
        number = ""
    if not number:
        return _without_number(reading, kind, name)
    is_sure = _is_romance(reading, at) or reading.tokens[at].is_capital or _stands_alone(reading, after)
    others = ("label", "weekday", "month") if _is_romance(reading, at) else ("label", "weekday", "month", "house")
    is_name = _is_romance(reading, at) and first > kind.end and reading.tokens[first].is_capital
    if not is_sure or any(role in reading.roles(first) for role in others[is_name:]):  # "rue de la Station"
        return None
    return _claim(reading, at, after, _first_kind(reading, kind, name, number))


def _without_number(reading: Reading, kind: Hit, name: tuple[int, int]) -> Found | None:
    is_name = reading.tokens[name[0]].is_capital or reading.is_number(name[0])
    if "street firm" in reading.roles(kind.start) and is_name:
        return _claim(reading, kind.start, name[1], _first_kind(reading, kind, name, ""))
    return None


def _is_romance(reading: Reading, at: int) -> bool:
    return "street romance" in reading.roles(at)


def _stands_alone(reading: Reading, at: int) -> bool:
    return at >= len(reading.tokens) or reading.tokens[at].gap == LINE or reading.is_sign(at, ".,;!?)(")


def _first_kind(reading: Reading, kind: Hit, name: tuple[int, int], number: str) -> Street:
    first, end = name
    words = reading.words(kind.start, kind.end)
    last = first + 1
    while last < end and reading.tokens[last].joined:
        last += 1
    whole = (_SHORT.get(words[0], words[0]), *words[1:], *reading.words(kind.end, end))
    return Street(whole, number, len(words) + len(reading.words(kind.end, last)), is_first=True)


def _name(reading: Reading, at: int) -> tuple[int, int] | None:
    """The first word of the name and the token after it: "de la République", "des lilas", "du 8-Mai-1945"."""
    first = at
    while (link := reading.get(first, "street link")) and first < at + 4 and not reading.tokens[first].is_capital:
        first = link.end
    if not reading.get(first, "end") or not (reading.tokens[first].is_word or reading.is_number(first)):
        return None
    if reading.is_number(first) and not _has_month(reading, first):
        return None
    if first == at and not reading.tokens[first].is_capital and not reading.is_number(first):
        return None
    end = first + 1
    while end < first + _LONGEST and (step := _next_word(reading, end)):
        end = step
    return first, end


def _has_month(reading: Reading, at: int) -> bool:
    return reading.get(reading.skip(at + 1, ".", "er"), "month") is not None


def _next_word(reading: Reading, at: int) -> int:
    """The token after the next word of a name, or 0: a word with a capital, or tied to the one before."""
    if not reading.get(at, "end"):
        return 0
    token = reading.tokens[at]
    is_dated = "month" in reading.roles(at) and (reading.is_number(at - 1) or reading.is_sign(at - 1, "."))
    if token.is_word and (token.joined or token.is_capital or is_dated):
        return at + 1
    if dated := _dated(reading, at):
        return dated
    link = reading.get(at, "street link")
    if link and reading.get(link.end, "capital") and reading.tokens[at].word not in ("a", "au", "en"):
        return link.end + 1
    return 0


def _dated(reading: Reading, at: int) -> int:
    """The same for the parts of a date: the dot of "17. Juni", and the year of "8-Mai-1945"."""
    if reading.is_sign(at, ".") and reading.is_number(at - 1) and reading.get(at + 1, "month"):
        return at + 1
    is_year = reading.is_sign(at, "-") and not reading.tokens[at].gap and reading.is_number(at + 1)
    if is_year and len(reading.tokens[at + 1].word) == 4:
        return at + 2
    return at + 1 if reading.get(at, "year") and "month" in reading.roles(at - 1) else 0


def _number_first(reading: Reading, at: int) -> Found | None:
    """As in "14 rue du 8-Mai-1945", "12 bis, avenue Foch", "221B Baker Street", "20 Dorpsstraat"."""
    number = reading.number(at)
    if number is None or (at and reading.is_sign(at - 1, ":.,-/") and not reading.tokens[at].gap):
        return None
    end, text = at + 1, reading.tokens[at].word
    if letter := _letter(reading, end) or _glued_letter(reading, end):
        end, text = end + 1, text + letter
    kind = reading.get(reading.skip(end, ","), "street first")
    if kind and _is_romance(reading, kind.start) and (name := _name(reading, kind.end)):
        return _claim(reading, at, name[1], _first_kind(reading, kind, name, text))
    if reading.get(end, "capital") is None or reading.get(end, "month", "weekday", "unitword"):
        return None
    last = _last_plain(reading, end)
    if last is None or (_house_number(reading, last + 1)[1] and reading.is_number(last + 1)):
        return None
    words = reading.words(end, last + 1)
    return _claim(reading, at, last + 1, Street((*words[:-1], _kind_word(words[-1])), text, len(words)))


def _glued_letter(reading: Reading, at: int) -> str:
    token = reading.tokens[at] if at < len(reading.tokens) else None
    is_one = token and not token.gap and token.is_word and len(token.word) == 1 and "a" <= token.word <= "f"
    return token.word if token and is_one else ""


def _last_plain(reading: Reading, start: int) -> int | None:
    """The last word of a street behind its number: the last of the words that can be one."""
    found = None
    for last in range(start, min(start + 5, len(reading.tokens))):
        token = reading.tokens[last]
        if (last > start and token.gap == LINE) or not token.is_word or not (token.is_capital or token.joined):
            break
        is_kind = last > start and "street last" in reading.roles(last)
        if is_kind or (last == start and is_compound(token.word) and token.is_capital):
            found = last
    return found


def verdict(claim: Claim, facts: Facts) -> Verdict:
    """A street has to be known, with its number if the text has one."""
    known = [one for one in facts.values(Kind.STREET_NUMBER, Kind.PLACE) if isinstance(one, Street)]
    said = [one for one in claim.values if isinstance(one, Street)]
    is_right = any(_is_same(one, other) for one in said for other in known)
    numbers = {one.number for one in known}
    is_unread = any(one.number and one.number not in numbers for one in said)
    return Verdict.AGREES if is_right or (is_unread and _is_written(claim.text, facts)) else Verdict.CONTRADICTS


def _is_written(text: str, facts: Facts) -> bool:
    """Whether the place has the street word for word, where no grammar reads a street; "1" is not "1 a"."""
    said, place = ([(one.word, one.gap == LINE) for one in tokens(normal(one))] for one in (text, facts.place))
    words, size = [word for word, _ in said], len(said)
    ends = (end for end in range(size, len(place) + 1) if [word for word, _ in place[end - size : end]] == words)
    return any(end == len(place) or place[end][1] or not _adds(place[end][0]) for end in ends)


def _adds(word: str) -> bool:
    return (len(word) == 1 and word.isalpha()) or word == "bis"


def _is_same(said: Street, fact: Street) -> bool:
    if said.number and said.number != fact.number and not fact.number.startswith(f"{said.number}-"):
        return False
    shorter, longer = sorted((said, fact), key=lambda one: len(one.words))
    size = len(shorter.words)
    if size < max(shorter.core, longer.core):
        return False
    part = longer.words[:size] if longer.is_first or shorter.is_first else longer.words[len(longer.words) - size :]
    return part == shorter.words
