"""Reads prices: "€ 1,50", "CHF 5.–", "5,- €", "zwei Euro fünfzig", "50p", "5 à 10 euros"; and every word for free."""

from decimal import Decimal
from typing import NamedTuple

from repaircafe.facts.claims import FREE, NOT_FREE, Claim, Facts, Kind, Money, Verdict
from repaircafe.facts.grammar import Found, Hit, Reading
from repaircafe.facts.tokens import LINE

_SIGNS = {"€": "EUR", "£": "GBP", "$": "CAD"}
_NEAR = 8
"""How many tokens from a price its subject may stand."""


class Amount(NamedTuple):
    """A number of euros, pounds, francs or cents, and the token after it."""

    value: Decimal
    end: int


def price(reading: Reading, at: int) -> Found | None:
    """One price, or both ends of a range."""
    if free := _free(reading, at):
        return free
    sign = reading.roles(at).get("currency") or next(
        (reading.roles(at)[one] for one in _SIGNS if one in reading.roles(at)), None
    )
    if sign:
        return _after_sign(reading, at, sign)
    amount = _amount(reading, at, is_first=True)
    if not amount:
        return None
    if separator := reading.get(amount.end, "to", "and", "-"):
        second = _amount(reading, separator.end)
        if second and (whole := _before_sign(reading, separator.end, second)):
            other = Money(amount.value, whole[0].currency)
            claims = [_claim(reading, at, amount.end, other), _claim(reading, separator.end, whole[1], whole[0])]
            return claims, whole[1]
    found = _before_sign(reading, at, amount) or _bare(reading, at, amount)
    return ([_claim(reading, at, found[1], found[0])], found[1]) if found else None


def _bare(reading: Reading, at: int, amount: Amount) -> tuple[Money, int] | None:
    """A price without a currency, as in "Koffie 1,50"."""
    has_comma = reading.is_sign(at + 1, ",")  # "last repair 2.30" is an hour
    is_price = amount.value.as_tuple().exponent == -2 and reading.before(at, "costs", *(["item"] if has_comma else []))
    return (
        (Money(amount.value), amount.end)
        if is_price and not reading.get(amount.end, "clock", "h", "meridiem")
        else None
    )


def _after_sign(reading: Reading, at: int, sign: Hit) -> Found | None:
    currency = _SIGNS.get(str(sign.value), str(sign.value))
    after = reading.skip(sign.end, ".", is_glued=True) if str(sign.value) not in _SIGNS else sign.end
    if reading.tokens[at].word == "fr" and _is_date(reading, after) and not reading.before(at, "item", "costs"):
        return None  # "Fr 4.12." is a Friday
    amount = _amount(reading, after) if reading.get(after, "end") else None
    if not amount:  # "in euros"; "Fr" may be a Friday
        return ([reading.claim(Kind.PRICE, at, sign.end)], sign.end) if reading.tokens[at].word != "fr" else None
    if reading.tokens[at].word == "fr" and amount.value.as_tuple().exponent == -1:
        return None  # "Fr 19.3." is a Friday
    claims, end = [_claim(reading, at, amount.end, Money(amount.value, currency))], amount.end
    separator = reading.get(end, "-", "to")
    second = _amount(reading, separator.end) if separator else None
    if separator and second and not reading.get(second.end, ":", "clock", "h", "month"):
        claims.append(_claim(reading, separator.end, second.end, Money(second.value, currency)))
        end = second.end
    return claims, end


def _is_date(reading: Reading, at: int) -> bool:
    """Whether there is a day of a month in figures, with the dot of an ordinal behind it."""
    day, month = reading.number(at), reading.number(at + 2)
    is_dotted = reading.is_sign(at + 1, ".") and reading.is_sign(at + 3, ".") and not reading.tokens[at + 3].gap
    return is_dotted and 0 < (day or 0) < 32 and 0 < (month or 0) < 13


def _before_sign(reading: Reading, start: int, amount: Amount) -> tuple[Money, int] | None:
    """The price of an amount with its currency behind it, and the cents behind that: "2 euro 50", "1€50"."""
    if cent := reading.get(amount.end, "cent"):
        currency = {"p": "GBP", "pence": "GBP", "penny": "GBP", "rappen": "CHF", "rp": "CHF"}.get(str(cent.value), "")
        is_sign = cent.value != "p" or (
            reading.is_number(start) and amount.value < 100 and not reading.tokens[cent.start].gap
        )
        return (Money(amount.value / 100, currency), cent.end) if is_sign else None
    sign = reading.get(amount.end, "currency", *_SIGNS)
    if not sign or (sign.value in _SIGNS and sign.value != "€" and reading.get(sign.end, "digits", is_glued=True)):
        return None
    if sign.value == "CHF" and reading.tokens[sign.start].word == "fr" and reading.get(sign.end, "digits"):
        return None
    currency = _SIGNS.get(str(sign.value), str(sign.value))
    cents, end = _cents(reading, sign.end)
    return Money(amount.value + cents, currency), end


def _cents(reading: Reading, at: int) -> tuple[Decimal, int]:
    linked = reading.get(at, "and")
    hit = reading.get(linked.end if linked else at, "number")
    if not hit or not 0 < int(hit.value) < 100:
        return Decimal(0), at
    unit = reading.get(hit.end, "cent")
    is_whole = reading.is_number(hit.start) and len(reading.tokens[hit.start].word) != 2
    follows = reading.get(hit.end, "month", "clock", "h", ":", ".", "unit", "currency", *_SIGNS)
    is_end = follows is None or (follows.value == "." and not reading.is_number(follows.end))
    if unit or (not linked and not is_whole and is_end and _is_tens(reading, hit)):
        return Decimal(int(hit.value)) / 100, unit.end if unit else hit.end
    return Decimal(0), at


def _is_tens(reading: Reading, hit: Hit) -> bool:
    """Whether nothing follows that the number counts: "2 euro 50 bezoekers" are two euros."""
    return (reading.is_number(hit.start) and not reading.tokens[hit.start].gap) or int(hit.value) % 10 == 0


def _amount(reading: Reading, at: int, *, is_first: bool = False) -> Amount | None:
    """A number in figures or words; "5,-", "5.–" and "1.250,50" as well."""
    if at >= len(reading.tokens) or (not is_first and not reading.get(at, "end")):
        return None
    if not reading.is_number(at):
        hit = reading.roles(at).get("amount")
        return Amount(Decimal(int(hit.value)), hit.end) if hit else None
    end = reading.grouped(at)
    digits = "".join(reading.words(at, end))[:9]
    while (
        reading.is_sign(end, ".,'") and reading.is_number(end + 1) and not reading.tokens[end + 1].gap and end < at + 6
    ):
        part = reading.tokens[end + 1].word
        if len(part) == 3:
            digits += part
        elif len(part) <= 2:
            return Amount(Decimal(f"{digits}.{part}"), end + 2)
        else:
            break
        end += 2
    if reading.is_sign(end, ".,") and not reading.tokens[end].gap and reading.is_sign(end + 1, "-"):
        end += 2 if not reading.tokens[end + 1].gap else 0
    return Amount(Decimal(digits), end)


def _free(reading: Reading, at: int) -> Found | None:
    roles = reading.roles(at)
    if "nofree" in roles and ("free" not in roles or roles["free"].end < roles["nofree"].end):
        return [], roles["nofree"].end
    if hit := roles.get("notfree"):
        return [_claim(reading, at, hit.end, NOT_FREE)], hit.end
    hit = roles.get("free")
    if (open_ := roles.get("freely")) and not hit:
        left = _nearest(reading, at - 1, -1)
        return (
            ([_claim(reading, at, open_.end, FREE)], open_.end) if left and left[1] == "entry" and left[0] < 4 else None
        )
    if not hit or (reading.tokens[at].joined and hit.end == at + 1):
        return None  # "step-free"
    return [_claim(reading, at, hit.end, FREE)], hit.end


def _claim(reading: Reading, start: int, end: int, value: Money) -> Claim:
    thing = _thing(reading, start - 1, -1) or _thing(reading, end, 1)
    return reading.claim(Kind.PRICE, start, end, value, about=_about(reading, start, end), thing=thing)


def _thing(reading: Reading, at: int, step: int) -> str:
    """The word for what has that price, whatever it is: the nearest one that says more than "is" or "for"."""
    for place in range(at, at + 6 * step, step):
        if not 0 <= place < len(reading.tokens) or _is_other_price(reading, place):
            return ""
        token, roles = reading.tokens[place], reading.roles(place)
        if step > 0 and token.gap == LINE:
            return ""
        is_said = any(role in roles for role in ("copula", "costs", "month", "weekday", "person", "to", "at"))
        if len(token.word) > 3 and token.is_word and not is_said:
            return token.word
        if reading.is_sign(place, ".,;!?•|") or (step < 0 and token.gap == LINE):
            return ""
    return ""


def _is_other_price(reading: Reading, at: int) -> bool:
    roles = reading.roles(at)
    return "currency" in roles or "free" in roles or any(one in roles for one in _SIGNS)


def _about(reading: Reading, start: int, end: int) -> str:
    """What the price is for: the nearest word for a thing in the same clause, before it rather than after it."""
    inside = next((str(hit.value) for at in range(start, end) if (hit := reading.roles(at).get("item"))), "")
    if inside:
        return inside
    left = _nearest(reading, start - 1, -1)
    right = _nearest(reading, end, 1)
    is_right = right and (not left or (right[0] <= 2 and left[0] > right[0]))
    chosen = right if is_right else left
    return chosen[1] if chosen else ""


def _nearest(reading: Reading, at: int, step: int) -> tuple[int, str] | None:
    for far in range(_NEAR):
        place = at + step * far
        if not 0 <= place < len(reading.tokens) or reading.is_sign(place, ".;!?•|"):
            return None
        is_next = reading.is_sign(place, ",") or "and" in reading.roles(place)
        if step > 0 and (reading.tokens[place].gap == LINE or is_next):
            return None
        roles = reading.roles(place)
        if item := roles.get("item"):
            longer = reading.roles(place - 1).get("item") if place else None  # "geen lid" is no member
            return far + 1, str(longer.value if longer and longer.end > place else item.value)
        if _is_other_price(reading, place) or (step < 0 and reading.tokens[place].gap == LINE):
            return None
    return None


def verdict(claim: Claim, facts: Facts) -> Verdict:
    """Compares with the prices of the same thing if the notes have any, else with all of them.

    What another thing costs is unknown: cake is not free because the entry is.
    """
    noted = [one for one in facts.claims if one.kind is Kind.PRICE]
    same = [one for one in noted if claim.about and one.about == claim.about]
    if not claim.about or not same:
        same = [one for one in noted if claim.thing and one.thing == claim.thing] or same
    if claim.about == "other" and not same:
        return Verdict.UNKNOWN
    known = [value for one in same or noted for value in one.values if isinstance(value, Money)]
    said = [value for value in claim.values if isinstance(value, Money)]
    if said == [NOT_FREE]:
        return Verdict.AGREES if known and FREE.amount not in {one.amount for one in known} else Verdict.CONTRADICTS
    if not any(one.equals(other) for one in said for other in known):
        return Verdict.CONTRADICTS
    return Verdict.AGREES if same or claim.about in ("", "entry", "repair") else Verdict.UNKNOWN
