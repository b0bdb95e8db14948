"""What of an HTML mail nobody sees: how an element looks, as far as a sender can hide words with it.

Words that a person does not see, but a language model would read, are how a stranger tells a model what to do. So they
are left out, and counted. `aria-hidden` hides nothing here: people see such text, and only screen readers do not.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

_PROPERTIES = frozenset(
    (
        *("display", "visibility", "opacity", "overflow", "position", "left", "top", "transform", "clip"),
        *("font-size", "font", "color", "background", "background-color", "text-indent"),
        *("height", "max-height", "width", "max-width"),
    )
)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_NUMBER = re.compile(r"(-?\d{0,6}\.?\d{0,6})\s*(px|pt|em|rem|ex|ch|vw|vh|%|in|cm|mm)?")
_TINY_FONT = re.compile(r"(?:^|\s)[01](?:\.0*)?(?:px|pt|em|%)?(?:/|\s)")
_HEX = re.compile(r"#(?:([0-9a-f]{6})(?:[0-9a-f]{2})?|([0-9a-f]{3,4}))")
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})(?:[\s,/]+([\d.]{1,6}))?%?\s*\)")
_SIMPLE = re.compile(r"[a-z0-9]*(?:[.#][\w-]+)?", re.ASCII)
_SIGN = re.compile(r"([{}])")
MAX_RULES_COUNT = 2_000
MAX_CLASSES_COUNT = 20
_OFF_PAGE_PX = -400
_TINY_PX = 2
_NEAR = 8
"""Of 255: two colours that differ by less look the same."""

Colour = tuple[int, int, int]
Style = Mapping[str, str]
Sheet = Mapping[str, Style]
WHITE: Colour = (255, 255, 255)
_NAMED = {"white": WHITE, "black": (0, 0, 0), "snow": (255, 250, 250), "ivory": (255, 255, 240)}
_NO_COLOUR = ("inherit", "initial", "unset", "currentcolor", "auto", "none", "")


@dataclass(frozen=True)
class Look:
    """How text looks at a place. None is a colour that we do not know."""

    is_removed: bool = False
    is_tiny: bool = False
    is_invisible: bool = False
    is_clear: bool = False
    colour: Colour | None = (0, 0, 0)
    background: Colour | None = WHITE
    ignores_colours: bool = False
    """For mails written in white on a dark telephone: without this, nothing would be left of them."""

    @property
    def is_hidden(self) -> bool:
        """Whether nobody sees the text."""
        if self.is_removed or self.is_tiny or self.is_invisible or self.is_clear:
            return True
        if self.ignores_colours or self.colour is None or self.background is None:
            return False
        return max(abs(one - other) for one, other in zip(self.colour, self.background, strict=True)) < _NEAR


def style_of(text: str) -> dict[str, str]:
    """The declarations that matter here, in lower case."""
    found = {}
    for one in _COMMENT.sub(" ", text).lower().split(";"):
        name, _, value = one.partition(":")
        if name.strip() in _PROPERTIES:
            found[name.strip()] = value.partition("!")[0].strip()
    return found


def sheet_of(texts: Iterable[str]) -> dict[str, dict[str, str]]:
    """The rules of a mail's style sheets by their selector, outside @media and the like.

    Only a tag, a class, an id, or a tag with one of them is understood. Of other selectors only the last part is, and
    only that its background is not known.
    """
    found: dict[str, dict[str, str]] = {}
    for selectors, style in _rules(_COMMENT.sub(" ", " ".join(texts))):
        for selector in selectors.lower().split(","):
            words = selector.replace(">", " ").split()
            if len(words) == 1 and _SIMPLE.fullmatch(words[0]):
                found.setdefault(words[0], {}).update(style)
            elif words and style.keys() & {"background", "background-color"}:
                found.setdefault(words[-1].partition(":")[0], {})["background"] = "url("
    return found


def _rules(text: str) -> Iterable[tuple[str, dict[str, str]]]:
    depth, selectors, count = 0, "", 0
    pieces = _SIGN.split(text)
    for before, sign in zip(pieces[::2], pieces[1::2], strict=False):
        if sign == "{":
            depth += 1
            selectors = before.strip() if depth == 1 else "@"
        else:
            if depth == 1 and not selectors.startswith("@") and count < MAX_RULES_COUNT:
                count += 1
                yield selectors[:1_000], style_of(before)
            depth, selectors = max(0, depth - 1), "@"


def seen(look: Look, tag: str, attributes: Mapping[str, str | None], sheet: Sheet) -> Look:
    """How text looks inside an element that is at a place with that look."""
    style = _style(tag, attributes, sheet) if attributes or tag in sheet else {}
    if not style and "hidden" not in attributes:
        return look
    look = _coloured(look, style)
    return replace(
        look,
        is_removed=look.is_removed or "hidden" in attributes or _is_removed(style),
        is_tiny=_is_tiny(look, style),
        is_invisible=style.get("visibility", "hidden" if look.is_invisible else "") in ("hidden", "collapse"),
    )


def _style(tag: str, attributes: Mapping[str, str | None], sheet: Sheet) -> dict[str, str]:
    found = {
        name: value.lower()
        for name, attribute in (("color", "color"), ("color", "text"), ("background", "bgcolor"))
        if (value := attributes.get(attribute))
    }
    if attributes.get("background"):
        found["background"] = "url("
    if sheet:
        classes = (attributes.get("class") or "").lower().split()[:MAX_CLASSES_COUNT]
        for key in (tag, *(f".{one}" for one in classes), f"#{(attributes.get('id') or '').lower()}"):
            found.update(sheet.get(key, {}))
            found.update(sheet.get(f"{tag}{key}", {}))
    return found | style_of(attributes.get("style") or "")


def _is_removed(style: Style) -> bool:
    if style.get("display") == "none" or style.get("transform", "").startswith("scale(0)"):
        return True
    if _size(style.get("opacity", "1")) < 0.05 or style.get("clip", "").startswith("rect(0"):
        return True
    names = ("height", "max-height", "width", "max-width")
    if style.get("overflow") == "hidden" and any(_size(style.get(name, "9")) <= 1 for name in names):
        return True
    is_moved = style.get("position") in ("absolute", "fixed") and min(
        _size(style.get(name, "0")) for name in ("left", "top")
    )
    return min(_size(style.get("text-indent", "0")), is_moved or 0) < _OFF_PAGE_PX


def _is_tiny(look: Look, style: Style) -> bool:
    size = style.get("font-size")
    if size is None:
        font = style.get("font")
        return look.is_tiny if font is None else _TINY_FONT.search(font) is not None
    found = _NUMBER.match(size)
    if found is None or found[1] in ("", "-", "."):
        return look.is_tiny and size not in ("medium", "small", "large", "x-small", "x-large")
    unit, number = found[2], _size(size)
    if unit in ("px", "pt", None):
        return number <= _TINY_PX
    return number == 0 or (look.is_tiny and unit in ("em", "%", "ex"))


def _size(text: str) -> float:
    """The number at the beginning, in whatever unit; 9 if there is none."""
    found = _NUMBER.match(text.strip())
    try:
        return float(found[1]) if found else 9
    except ValueError:
        return 9


def _coloured(look: Look, style: Style) -> Look:
    text = style.get("color", "")
    if text not in _NO_COLOUR:
        look = replace(look, colour=_colour(text), is_clear=_is_clear(text))
    for name in ("background", "background-color"):
        value = style.get(name, "")
        if value not in _NO_COLOUR and not _is_clear(value):
            look = replace(look, background=_colour(value))
    return look


def _is_clear(text: str) -> bool:
    found = _RGB.match(text)
    return text.startswith("transparent") or bool(found and found[4] and _size(found[4]) < 0.05)


def _colour(text: str) -> Colour | None:
    """The colour, or None if it is not known, such as that of a picture."""
    if "url(" in text or "gradient" in text:
        return None
    if text.startswith("hsl") and text.endswith("100%)"):
        return WHITE
    if found := _HEX.search(text):
        digits = found[1] or "".join(2 * one for one in found[2][:3])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if found := _RGB.search(text):
        return int(found[1]), int(found[2]), int(found[3])
    if re.fullmatch("[0-9a-f]{6}", text):  # the old attributes allow it without its sign
        return int(text[:2], 16), int(text[2:4], 16), int(text[4:], 16)
    return _NAMED.get(text.partition(" ")[0])
