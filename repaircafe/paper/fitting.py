"""How large a text can be in its box on a sheet.

The server decides it, from the lengths alone, so that a sheet prints without a script. Nobody knows which font a
browser has, so the widths are those of a wide bold one (DejaVu Sans); a narrower font leaves a little more white.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

STEPS = (
    *(1.0, 1.15, 1.3, 1.5, 1.75, 2.0, 2.3, 2.65, 3.0, 3.5, 4.0),
    *(4.6, 5.3, 6.1, 7.0, 8.0, 9.2, 10.5, 12.0, 14.0, 17.0, 20.0),
)
"""The sizes of letters, in hundredths of the sheet's width: the classes t0, t1 and so on of static/paper.css."""
LEADING = 1.2
"""From one line to the next, in sizes of its letters."""
WORTH_BREAKING = 4
"""A word is broken only if the letters become larger by more steps than this."""
SPACE_EM = 0.35
MIN_LINE_EM = 2.0
"""A shorter line has no room for a broken word."""


@dataclass(frozen=True)
class Box:
    """A place on a sheet, in hundredths of the sheet's width."""

    width: float
    height: float


@dataclass(frozen=True)
class Fitted:
    """Texts, each in a paragraph of its own, the step of their size, and how high they are at most."""

    texts: tuple[str, ...]
    step: int
    height: float = 0.0


@dataclass(frozen=True)
class Paragraphs:
    """How paragraphs stand in their box, in sizes of their letters.

    `indent`: what stands before each, such as an icon. `gap`: between two. `width`: of the letters, beside bold ones.
    """

    indent: float = 0.0
    gap: float = 0.0
    width: float = 1.0


REGULAR = 0.9
"""The width of letters that are not bold."""
BOLD = Paragraphs()


def fitted(texts: Sequence[str], box: Box, most: float, form: Paragraphs = BOLD) -> Fitted:
    """The texts at the largest step that fits, at most at size `most`; at the smallest one if none fits."""

    def height(size: float, *, may_break: bool) -> float:
        width_em = (box.width / size - form.indent) / form.width
        lines = sum(line_count(text, width_em, may_break=may_break) for text in texts)
        return (lines * LEADING + form.gap * max(0, len(texts) - 1)) * size

    step = best(lambda size, *, may_break: height(size, may_break=may_break) <= box.height, most)
    whole = height(STEPS[step], may_break=False)
    return Fitted(tuple(texts), step, whole if whole < inf else height(STEPS[step], may_break=True))


def best(fits: Callable[..., bool], most: float) -> int:
    """The largest step up to `most` that fits; with broken words only if the letters become much larger by it."""
    whole = largest(lambda size: fits(size, may_break=False), most)
    broken = largest(lambda size: fits(size, may_break=True), most)
    return max(broken, 0) if broken - whole > WORTH_BREAKING or whole < 0 else whole


def largest(fits: Callable[[float], bool], most: float) -> int:
    """The largest step up to `most` that fits; -1 if none does."""
    return next((number for number in reversed(range(len(STEPS))) if STEPS[number] <= most and fits(STEPS[number])), -1)


def line_count(text: str, width_em: float, *, may_break: bool = True) -> float:
    """How many lines the text fills; infinitely many if a word that may not be broken is too long for a line."""
    if width_em < MIN_LINE_EM:
        may_break = False
    lines, filled = 1, 0.0
    for word in text.split(" "):  # never at a no-break space
        length = sum(map(_width_em, word))
        if length > width_em and not may_break:
            return inf
        if filled and filled + SPACE_EM + length > width_em:
            lines, filled = lines + 1, 0.0
        filled += length + (SPACE_EM if filled else 0.0)
        while filled > width_em:
            lines, filled = lines + 1, filled - width_em + 1.0  # the letter that did not fit
    return lines


def _width_em(character: str) -> float:
    """How wide a character is, in sizes of its letters."""
    if unicodedata.combining(character):
        return 0.0
    if character.isspace():
        return SPACE_EM
    if unicodedata.east_asian_width(character) in "WF" or character in "mwMW@%&—…":
        return 1.1
    if character in "iIjl.,:;'’|!":
        return 0.4
    if character in "ftrJ()[]-/":
        return 0.5
    return 0.86 if character.isupper() else 0.73
