"""Finds what is written as a whole: e-mail and web addresses, phone numbers, IBANs, and gaps to be filled in."""

import re
from collections.abc import Iterator

from repaircafe.facts.claims import Claim, Facts, Kind, Verdict
from repaircafe.facts.normal import Normal, folded

_TOP = "nl|de|be|at|ch|fr|ca|uk|ie|lu|eu|org|com|net|info|example|cafe|social|coop|quebec|vlaanderen|wien|berlin"
_NO_LETTERS = "AT|AU|BY|DE|EN|ET|IM|IN|IS|LA|LE|OF|OM|ON|OP|OR|OU|SA|SD|SS|TE|TO|UM|UN|UR|WE|ZU|AM|PM|DU|ES|JE"
"""Words of two letters that stand behind a year in capitals, and letters that the Dutch post does not use."""
_PATTERNS = (
    (Kind.EMAIL, r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"),
    (Kind.WEB, r"(?<![\w@])(?:https?://|www\.)[^\s<>\"']{1,300}"),
    (
        Kind.WEB,
        rf"(?<![\w@.-])[a-z0-9](?:[a-z0-9-]{{0,62}}\.){{1,3}}(?:{_TOP})(?![\w.-]*@)\b(?!-)(?:/[^\s<>\"']{{0,200}})?",
    ),
    (Kind.IBAN, r"(?<!\w)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)"),
    (Kind.POSTCODE, rf"(?<![\w-])[1-9][0-9]{{3}} ?(?!(?:{_NO_LETTERS})(?!\w))[A-Z]{{2}}(?!\w)"),
    (Kind.POSTCODE, r"(?<!\w)[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}(?!\w)"),
    (Kind.POSTCODE, r"(?<!\w)[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9](?!\w)"),
    (Kind.POSTCODE, r"(?<!\w)[AC-FHKNPRTV-Y][0-9][0-9W] (?=[A-Z0-9]*[0-9])[0-9AC-FHKNPRTV-Y]{4}(?!\w)"),
    (
        Kind.PHONE,
        r"(?i:(?<!\w)(?:tel(?:efo+n|\.|ephone)?|tél(?:éphone|\.)?|phone|bel(?: naar)?|gsm|mobiel|mobile?|call|ring"
        r"|fon|fax|whatsapp|appelez(?: le)?|☎|📞)[ .:]{0,3})(?P<number>[+(]{0,2}[0-9][0-9 ()./-]{4,20}[0-9])(?!\w)",
    ),
    (Kind.PHONE, r"(?<![\w+])(?:\+|00)[1-9][0-9]{0,2}(?:[ ./-]?\(?[0-9]{1,4}\)?){2,7}(?!\w)"),
    (Kind.PHONE, r"(?<![\w.,/-])\(?0[0-9]{1,4}\)?[ /-]{1,3}[0-9]{2,8}(?:[ -][0-9]{2,6}){0,4}(?![\w:]|[.,/-][0-9])"),
    (Kind.PHONE, r"(?<![\w.,/-])0[0-9](?:[ .-]?[0-9]{2}){4}(?!\w|[.,/-][0-9])"),
    (Kind.PHONE, r"(?<![\w.,/-])(?:1[ -])?\(?[2-9][0-9]{2}\)?[ .-][0-9]{3}[ .-][0-9]{4}(?!\w)"),
    (
        Kind.PLACEHOLDER,
        r"\[[^\[\]\n]{0,60}\]|\{[^{}\n]{0,60}\}|<[^<>\n]{1,60}>|_{3,200}|\.{4,200}"
        r"|(?<!\w)(?:X{2,9}|x{3,9}|xx)(?:[:./-](?:xx|XX)){1,3}(?!\w)|(?<!\w)X{2,9}(?!\w)|(?<!\w)T\.?B\.?[ADC]\b",
    ),
)
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _PATTERNS)
"""Each repetition has a limit, so that every pattern takes linear time."""
_IS_DATE = re.compile(r"0?[0-9]{1,2}[ ./-]{1,3}[0-9]{1,2}[ ./-]{1,3}(?:19|20)[0-9]{2}|0[0-9]-[0-9]{2}(?![0-9])")


def contacts(original: str, normal: Normal) -> Iterator[tuple[Claim, int, int]]:
    """Every such part of the text, and where it stands in the normal text."""
    taken = bytearray(len(normal.text))
    for kind, pattern in _COMPILED:
        for match in pattern.finditer(normal.text):
            start, end = _span(kind, match)
            if end > start and not any(taken[start:end]) and _is_one(kind, normal.text[start:end]):
                taken[start:end] = b"\1" * (end - start)
                first, last = normal.starts[start], normal.ends[end - 1]
                value = _value(kind, normal.text[start:end])
                yield Claim(kind, first, last, original[first:last], frozenset({value})), start, end


def _span(kind: Kind, match: re.Match[str]) -> tuple[int, int]:
    group = "number" if match.re.groupindex else 0
    start, end = match.span(group)
    if kind in (Kind.WEB, Kind.EMAIL):
        end = start + len(match[0].rstrip(".,;:!?)-"))
    return start, end


def _is_one(kind: Kind, text: str) -> bool:
    digits = sum(one.isdecimal() for one in text)
    if kind is Kind.PHONE:
        return 6 <= digits <= 15 and not _IS_DATE.match(text)
    return kind is not Kind.IBAN or (digits >= 6 and len(text.replace(" ", "")) >= 15)


def _value(kind: Kind, text: str) -> str:
    if kind is Kind.PHONE:
        return "".join(one for one in text if one.isdecimal())[-9:]
    if kind is Kind.WEB:
        return re.sub(r"^(?:https?://)?(?:www\.)?|/+$", "", folded(text))
    return folded(text).replace(" ", "")


def verdict(claim: Claim, facts: Facts) -> Verdict:
    """An e-mail address has to be known; another site or number may well be right."""
    if claim.values & facts.values(claim.kind):
        return Verdict.AGREES
    return Verdict.CONTRADICTS if claim.kind is Kind.EMAIL else Verdict.UNKNOWN
