"""Reads what stands in a place's position, and the numbers that no other grammar has read."""

from functools import lru_cache

from repaircafe.facts.claims import Claim, Facts, Kind, Verdict
from repaircafe.facts.grammar import Found, Reading
from repaircafe.facts.houses import house, is_in
from repaircafe.facts.streets import street
from repaircafe.facts.tokens import LINE
from repaircafe.facts.words import endings

_BY_CAFE = ("cafe",)
_LONG_NUMBER = 4
"""The fewest figures of a number that is hardly the same by chance."""
_NOT_COUNTED = frozenset(
    (
        "month",
        "weekday",
        "clock",
        "currency",
        "and",
        "to",
        "at",
        "from",
        "of",
        "every",
        "the",
        "meridiem",
        "part",
        "weekly",
    )
)
"""Roles of words that nobody counts: behind one of them, a number is not a number of things."""


def led(reading: Reading, at: int) -> Found | None:
    """A name after a word that leads to a place: "in Utrecht", "habitants de la Drôme", "Repair Café Leeds:"."""
    roles = reading.roles(at)
    if "nolead" in roles:
        return [], _past_names(reading, roles["nolead"].end)
    if where := roles.get("where"):
        after = reading.skip(where.end, ":", "?")
        lead = where._replace(end=after) if after > where.end else roles.get("lead")
    else:
        lead = roles.get("lead")
    if not lead:
        return None
    while reading.tokens[lead.end - 1].is_capital and lead.end - 1 > at:
        lead = lead._replace(end=lead.end - 1)
    if reading.get(lead.end, "capital") and (street(reading, lead.end) or house(reading, lead.end)):
        return None
    end = _name_end(reading, lead.end)
    if end == lead.end or (reading.tokens[at].word in _BY_CAFE and not _is_end(reading, end)):
        return None
    return _claim(reading, lead.end, end)


def behind_a_place(reading: Reading, at: int) -> Found | None:
    """A town in an address, or the next of several: "Dorpsstraat 1, Utrecht", "in Kassel und Hannover"."""
    kind = reading.behind.get(at)
    if not kind or "country" in reading.roles(at):
        return None
    end = _name_end(reading, at, is_first=True, is_posted=kind is Kind.POSTCODE)
    is_loose = reading.tokens[at].gap == LINE or (reading.is_sign(at - 1, ",") and kind is not Kind.NAME)
    is_town = not is_loose or _is_end(reading, end) or (reading.tokens[at].gap < LINE and reading.get(end, "lead"))
    return _claim(reading, at, end) if end > at and is_town else None


def before_an_address(reading: Reading, at: int) -> Found | None:
    """The name of a place, before its street: "De Eik, Lindelaan 14"."""
    end = _name_end(reading, at, is_first=True, is_posted=True)
    if end == at or not reading.is_sign(end, ",(-|") or at in reading.behind or not reading.get(end + 1, "end"):
        return None
    found = street(reading, end + 1)
    return _claim(reading, at, end) if found and found[0][0].kind is Kind.STREET_NUMBER else None


def _claim(reading: Reading, start: int, end: int) -> Found:
    reading.behind[reading.skip(end, ",", "and")] = Kind.NAME
    words = [f"-{one.word}" if one.joined else f" {one.word}" for one in reading.tokens[start:end] if one.is_word]
    return [reading.claim(Kind.NAME, start, end, "".join(words).strip())], end


def _past_names(reading: Reading, at: int) -> int:
    while reading.get(at, "capital"):
        at += 1
    return at


def _is_end(reading: Reading, at: int) -> bool:
    return at >= len(reading.tokens) or reading.tokens[at].gap == LINE or not reading.tokens[at].is_word


def _name_end(reading: Reading, at: int, *, is_first: bool = False, is_posted: bool = False) -> int:
    """The token after a name of at most four words that begins there; the same token if there is none."""
    end, begun = at, reading.skip(at, "'")
    start = begun
    while end < at + 6:
        place = max(end, start)
        if not (reading.get(place, "end") or (is_first and place == at)):
            break
        token = reading.tokens[place]
        if not token.is_word or not (
            token.is_capital or (token.joined and place > start) or (place == start and begun > at)
        ):
            break
        if not token.joined and _is_no_name(reading, place, is_first=place == start and not is_posted):
            break
        end = place + 1
    is_name = end > at and not all("begin" in reading.roles(one) for one in range(start, end))
    return end if is_name and len(reading.tokens[end - 1].word) + end - start > 3 - 1 else at


def _is_no_name(reading: Reading, at: int, *, is_first: bool) -> bool:
    roles = reading.roles(at)
    if is_first and "lead" in roles and "begin" not in roles:
        return True
    others = (
        "noname",
        "heading",
        "weekday",
        "monthname",
        "house",
        "person",
        "number",
        "currency",
        "relative",
        "nextspan",
        "unit",
    )
    if any(role in roles for role in others) and "begin" not in roles:
        return True
    return is_first and reading.language == "de" and "begin" not in roles and _is_noun(reading.tokens[at].word)


@lru_cache(maxsize=4096)
def _is_noun(word: str) -> bool:
    """Whether a German word is a common noun and no town, by its end."""
    towns = {town for town, _ in endings("town")}
    if word in towns or any(word.endswith(end) for end, _ in endings("town end")):
        return False
    return any(word.endswith(end) for end, _ in endings("noun end"))


def name_verdict(claim: Claim, facts: Facts) -> Verdict:
    """A name that the settings do not have need not be wrong. Its last words may not belong to it."""
    words = str(next(iter(claim.values))).split()
    names = [tuple(" ".join(words[:size]).replace("-", " ").split()) for size in range(len(words), 0, -1)]
    begins = {begin for begin, _ in endings("begin")}
    is_known = any(
        is_in(one, facts.words) and not begins.issuperset(one)
        for one in (*names, (*names[-1][:-1], names[-1][-1].removesuffix("s")))
    )
    return Verdict.AGREES if is_known else Verdict.UNKNOWN


def number(reading: Reading, at: int) -> Found | None:
    """A number that nothing else has read: a count if something follows that it counts, else a bare number."""
    roles = reading.roles(at)
    if not reading.is_number(at):
        hit = roles.get("number") or roles.get("ordinal")
        if not hit:
            return None
        kind = Kind.COUNT if _is_counted(reading, hit.end) else Kind.NUMBER
        return [reading.claim(kind, at, hit.end, " ".join(reading.words(at, hit.end)))], hit.end
    end = _figures_end(reading, at)
    is_plain = _is_tied(reading, at, end) or reading.before(at, "label") or _is_listed(reading, at, end)
    is_plain = is_plain and not reading.get(end, "clock", "h", "meridiem")  # "28 uur" is no count
    is_hour_like = reading.before(at, "sharp") and end == at + 1 and not is_plain
    kind = Kind.COUNT if is_plain or (_is_counted(reading, end) and not is_hour_like) else Kind.NUMBER
    return [reading.claim(kind, at, end, " ".join(reading.words(at, end)))], end


def _figures_end(reading: Reading, at: int) -> int:
    """The token after a number and what touches it: "3.12", "1/2", "3,000", "1'200", "5th", "50%"."""
    end = reading.grouped(at)
    while reading.is_sign(end, ".,:/'^") and reading.is_number(end + 1) and not reading.tokens[end + 1].gap:
        if reading.tokens[end].gap or end > at + 8:
            break
        end += 2
    roles = reading.roles(end - 1)
    return roles["ordinal"].end if "ordinal" in roles else end


def _is_tied(reading: Reading, at: int, end: int) -> bool:
    """Whether letters or signs such as % touch the number: "A4", "230V", "3D", "COVID-19", "#3", "5-jarig", "2x"."""
    token = reading.tokens[at]
    before = reading.tokens[at - 1] if at else None
    is_tied_before = before is not None and not token.gap and (before.is_word or before.word in "#-_+±~<>")
    if is_tied_before and before is not None and before.word == "-":
        is_tied_before = at > 1 and reading.tokens[at - 2].is_word and not before.gap
    after = reading.tokens[end] if end < len(reading.tokens) else None
    is_tied_after = after is not None and (
        (not after.gap and (after.is_word or after.word in "%°+")) or after.word in "%°"
    )
    return is_tied_before or is_tied_after


def _is_listed(reading: Reading, at: int, end: int) -> bool:
    """Whether it numbers a line: "1. Kom binnen", "2) Drink koffie"."""
    is_first = reading.tokens[at].gap == LINE and len(reading.tokens[at].word) < 3
    return is_first and reading.is_sign(end, ".)") and not reading.tokens[end].gap and end + 1 < len(reading.tokens)


def _is_counted(reading: Reading, at: int) -> bool:
    """Whether the number before is a number of something: a word follows that is no hour, day or price."""
    at = reading.skip(at, "½", "¼", "¾", "x", "+")
    if reading.language == "de" and reading.is_sign(at, ".") and reading.get(at + 1, "capital"):
        at += 1  # "2. Stock"
    if not reading.get(at, "end") or not reading.tokens[at].is_word:
        return False
    if any(role in reading.roles(at) for role in _NOT_COUNTED):
        return reading.tokens[at].word in ("van", "of", "de", "von", "d", "der") and "month" not in reading.roles(at)
    return not reading.tokens[at].is_capital or reading.language in ("de", "") or "unit" in reading.roles(at)


def number_verdict(claim: Claim, facts: Facts) -> Verdict:
    """A bare number agrees if it is the year of a known date, or a long number that the settings have."""
    words = tuple(str(next(iter(claim.values))).split())
    is_year = any(words == (str(one.year),) for one in facts.days)
    is_long = len("".join(words)) >= _LONG_NUMBER
    return Verdict.AGREES if is_year or (is_long and is_in(words, facts.words)) else Verdict.UNKNOWN


def postcode(reading: Reading, at: int) -> Found | None:
    """A postcode of four or five figures, in an address: "8305 Dietlikon", "F-75020 Paris", "PLZ 35120"."""
    text = reading.tokens[at].word
    if len(text) not in (4, 5):
        return None
    is_coded = reading.before(at, "postcode") or _has_country(reading, at)
    town = reading.tokens[at + 1] if at + 1 < len(reading.tokens) and reading.tokens[at + 1].gap != LINE else None
    is_before_town = town is not None and town.is_capital and town.gap > 0 and "month" not in reading.roles(at + 1)
    if not is_coded and not (is_before_town and _is_in_address(reading, at)):
        return None
    reading.behind[at + 1] = Kind.POSTCODE
    return [reading.claim(Kind.POSTCODE, at, at + 1, text)], at + 1


def _has_country(reading: Reading, at: int) -> bool:
    return (
        reading.is_sign(at - 1, "-")
        and at > 1
        and reading.tokens[at - 2].word in ("a", "b", "ch", "d", "f", "l", "de", "fr")
    )


def _is_in_address(reading: Reading, at: int) -> bool:
    is_behind = at in reading.behind
    is_year = "year" in reading.roles(at)
    if is_behind or is_year:
        return is_behind
    is_led = reading.before(at, "lead") and not reading.before(at, "about")
    is_after_sign = reading.is_sign(at - 1, ",(-•|/:") and reading.get(at + 2, "end") is None
    return at == 0 or reading.tokens[at].gap == LINE or is_led or is_after_sign or reading.is_sign(at - 1, ",")


def postcode_verdict(claim: Claim, facts: Facts) -> Verdict:
    """A postcode has to be in the settings."""
    said = "".join(str(next(iter(claim.values))).split())
    is_known = said in facts.words or claim.values & facts.values(Kind.POSTCODE)
    return Verdict.AGREES if is_known else Verdict.CONTRADICTS
