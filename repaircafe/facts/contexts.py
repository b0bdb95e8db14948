"""What a sentence says of the days in it: that they are over, that they come later, or that the café is closed then."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence

from repaircafe.facts.grammar import Reading
from repaircafe.facts.tokens import LINE
from repaircafe.facts.words import endings

_ROLES = ("told", "formerly", "later", "coming")
_NEAR = 4
_FAR = 12
"""How many words may stand between "have" and its participle."""


def said(reading: Reading, days: Sequence[int]) -> list[Collection[str]]:
    """For each token, what its sentence says: "told", "formerly", "later", "coming".

    `days`: the tokens at which a day begins. Only beside one of them does a verb in the past matter.
    """
    found = list[Collection[str]]()
    for start, end in _sentences(reading):
        roles = {role for at in range(start, end) for role in _ROLES if role in reading.roles(at)}
        has_day = bisect_left(days, start) < bisect_left(days, end)
        if has_day and "told" not in roles and any(_is_past(reading, at, end) for at in range(start, end)):
            roles.add("told")
        found += [roles] * (end - start)
    return found


def is_denied(reading: Reading, at: int, end: int) -> bool:
    """Whether the words from token `at` to `end` are corrected: "not at 2 but at 1:30", "niet om 14.00 maar om 13.30".

    Both words have to be near: "we are not open on Friday" says something about Friday.
    """
    before = range(max(0, at - _NEAR), at)
    after = range(end, min(end + _NEAR, len(reading.tokens)))
    return any("not" in reading.roles(one) for one in before) and any("instead" in reading.roles(one) for one in after)


def _sentences(reading: Reading) -> Iterator[tuple[int, int]]:
    start = 0
    for at, token in enumerate(reading.tokens):
        is_end = token.gap == LINE or (reading.is_sign(at - 1, ".!?") and token.gap > 0)
        if is_end and at > start and not _is_ordinal(reading, at - 2):
            yield start, at
            start = at
    yield start, len(reading.tokens)


def _is_ordinal(reading: Reading, at: int) -> bool:
    """As in "12. März" and "unser 1000. Gerät"; a year ends its sentence."""
    number = reading.number(at, digits=4 if reading.language == "de" else 2)
    is_dotted = number is not None and "year" not in reading.roles(at) and reading.is_sign(at + 1, ".")
    return is_dotted and (reading.language in ("de", "") or not reading.tokens[at + 2].is_capital)


def _is_past(reading: Reading, at: int, end: int) -> bool:
    """As in "telden we", "visitors brought", "elles venaient", "hebben wij gered"."""
    token = reading.tokens[at]
    if not token.is_word:
        return False
    if "have" in reading.roles(at):
        far = min(end, at + (3 if reading.language == "en" else _FAR))
        return any(_is_participle(reading, one) for one in range(at + 1, far))
    if _ends(reading, at, "told end"):
        return True
    near = (at - 1,) if reading.language == "en" else (at - 1, at + 1)  # "telden we", but not "are invited"
    is_verb = "strong" in reading.roles(at) or _ends(reading, at, "past end")
    return is_verb and any(0 <= one < len(reading.tokens) and "subject" in reading.roles(one) for one in near)


def _is_participle(reading: Reading, at: int) -> bool:
    token = reading.tokens[at]
    is_begun = reading.language == "en" or token.word.startswith("ge")
    return is_begun and not token.is_capital and _ends(reading, at, "participle end")


def _ends(reading: Reading, at: int, role: str) -> bool:
    """Whether the word ends so in the text's language, and is none of those that only look so."""
    word, language = reading.tokens[at].word, reading.language
    return "nopast" not in reading.roles(at) and any(
        word.endswith(end) and len(word) > len(end) + 1 for end, of in endings(role) if language in (of, "")
    )


def closed(reading: Reading, days: Sequence[int]) -> set[int]:
    """Which of the tokens at which a day begins are days when the café is closed: "behalve in juli en augustus".

    The word belongs to the days before it without a comma, else to those behind it, else to all of its clause; if there
    are none, to those in brackets behind it or directly before it.
    """
    found, bracketed, is_before = set[int](), list[int](), False
    for start, end in _clauses(reading):
        inside = days[bisect_left(days, start) : bisect_left(days, end)]
        word = next((at for at in range(start, end) if _closes(reading, at, inside)), None)
        is_closed_before = not inside and word == start + 1 and reading.is_sign(start, ")")
        found.update(bracketed if is_closed_before else ())
        is_bracketed = word is None and _begins(reading, start, inside)
        bracketed = list(inside) if is_bracketed else []
        found.update(bracketed if is_before else ())
        is_before = word is not None and not inside
        if word is not None and inside:
            comma = next((at for at in range(word, start, -1) if reading.is_sign(at, ",")), start)
            before = [at for at in inside if comma <= at < word]
            found.update(before or [at for at in inside if at > word] or inside)
    return found


def _begins(reading: Reading, at: int, days: Sequence[int]) -> bool:
    """Whether brackets inside a sentence begin there with a day, perhaps after "in" or "on the"."""
    if not days or not reading.is_sign(at, "(") or not reading.get(at, "end") or reading.is_sign(at - 1, ".!?"):
        return False
    return days[0] in (at + 1, reading.skip(at + 1, "of", "in", "since", "daylead", "from", "to"))


def _closes(reading: Reading, at: int, days: Sequence[int]) -> bool:
    """As in "closed" and "not July", or "except" directly before a day: "all but toasters" says nothing of one."""
    roles = reading.roles(at)
    hit = roles.get("except")
    is_closed = "closed" in roles and "lead" not in roles  # "dicht bij" is near
    near = [one for one in days if hit is not None and 0 <= one - hit.end < 3]
    is_except = bool(near) and not is_denied(reading, near[0], near[0] + 1)  # "pas le 8 mai mais le 9"
    return is_closed or is_except or ("not" in roles and at + 1 in days)


def _clauses(reading: Reading) -> Iterator[tuple[int, int]]:
    for first, last in _sentences(reading):
        start = first
        for at in range(first + 1, last):
            if reading.is_sign(at, ";():•|") or "but" in reading.roles(at):
                yield start, at
                start = at
        yield start, last
