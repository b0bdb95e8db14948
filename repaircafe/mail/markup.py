"""An HTML mail becomes plain text: lines where blocks were, `- ` for items of a list, `> ` for what is quoted.

parts.py imports this module at its first use, because its parser takes memory.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from repaircafe.characters import is_blank
from repaircafe.mail.hiding import Look, Sheet, seen, sheet_of
from repaircafe.mail.links import leads_to

MAX_QUOTES = 9
"""Signs before a quoted line; deeper quotes have as many."""

_FORMATTING = re.compile(
    r"(</?)(?:big|b|code|em|font|i|small|strike|strong|s|tt|u)(?=[\s/>])", re.ASCII | re.IGNORECASE
)
"""A parser opens these again in each paragraph, as HTML's rules say: 15 kB of them make a million nodes."""
_DATA = re.compile(r"data:[^\s\"'<>]{200,}")
_UNSEEN = frozenset(
    (
        *("head", "style", "script", "title", "template", "datalist"),
        *("audio", "video", "iframe", "svg", "math", "select"),
    )
)
_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "center", "details", "div", "fieldset", "figcaption"),
        *("figure", "footer", "form", "header", "legend", "main", "nav", "pre", "section", "summary"),
        *("caption", "table", "tbody", "tfoot", "thead", "tr", "dd", "dl", "dt", "li", "ol", "ul"),
    )
)
_PARAGRAPHS = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "hr"))
_INDENTED = re.compile(r"border(?:-left)?\s*:\s*(?:none|0)|margin\s*:\s*0(?:px)? 0(?:px)? 0(?:px)? 40px")
"""A blockquote with such a style is only moved to the right."""
_EMOJI = re.compile(r"[^\x00-\u00ff]{1,8}")


@dataclass(frozen=True)
class Shown:
    """What a person sees of an HTML mail."""

    text: str
    hidden: int
    """How many elements with text are hidden."""
    is_cut: bool = False


@dataclass
class _Place:
    """Where the walk is: what is left when the element ends."""

    look: Look
    hides: "_Place | None" = None
    """The element that hides this one; an element that hides itself is told once."""
    is_told: bool = False
    quotes: int = 0
    is_as_typed: bool = False
    is_unseen: bool = False
    item: int | None = None
    """The number of the last item, in a list with numbers."""
    link: str | None = None
    link_start: int = 0


@dataclass
class _Text:
    """The lines so far, and the pieces of the last one."""

    lines: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    quotes: int = 0

    def add(self, text: str) -> None:
        """Adds to the last line; white space is one space, as a browser shows it."""
        words = " ".join(text.split())
        ends = self.pieces[-1][-1:] if self.pieces else " "
        if text[:1].isspace() and ends != " ":
            self.pieces.append(" ")
        if words:
            self.pieces.append(words + (" " if text[-1:].isspace() else ""))

    def break_line(self, keeps_blank: bool = False) -> None:
        """Ends the line. An empty one is kept only if somebody made it."""
        if self.pieces or keeps_blank:
            line = "".join(self.pieces).rstrip()
            self.lines.append(f"{'>' * self.quotes} {line}".rstrip() if self.quotes else line)
            self.pieces = []

    def break_paragraph(self) -> None:
        """Ends the line, and leaves one empty line."""
        self.break_line()
        if self.lines and self.lines[-1].strip("> "):
            self.break_line(keeps_blank=True)


def text_of_html(html: str, most: int) -> Shown:
    """The text of an HTML mail, of which at most so many characters are read."""
    short = _DATA.sub("data:", html)
    tree = LexborHTMLParser(_FORMATTING.sub(r"\1span", short[:most].replace("\0", "")))
    if tree.root is None:
        return Shown("", 0)
    sheet = sheet_of(one.text(deep=True) for one in tree.css("style"))
    text, hidden = _Walk(sheet, Look()).through(tree.root)
    if hidden and is_blank(text):
        text, _ = _Walk(sheet, Look(ignores_colours=True)).through(tree.root)
    return Shown(text, hidden, len(short) > most)


class _Walk:
    """Goes through the nodes without recursion, because a mail may have any number of them inside each other."""

    def __init__(self, sheet: Sheet, look: Look) -> None:
        self._sheet = sheet
        self._places = [_Place(look)]
        self.text = _Text()
        self.hidden = 0

    def through(self, root: LexborNode) -> tuple[str, int]:
        """Reads all nodes from this one on; gives their text, and how many elements with text are hidden."""
        node: LexborNode | None = root
        above: list[LexborNode] = []
        while node is not None:
            child = self._enter(node)
            if child is not None:
                above.append(node)
                node = child
                continue
            self._leave(node)
            while node.next is None and above:
                node = above.pop()
                self._leave(node)
            node = node.next if above else None
        self.text.break_line()
        return "\n".join(self.text.lines).strip("\n"), self.hidden

    def _enter(self, node: LexborNode) -> LexborNode | None:
        """Reads what begins here. Gives its first child, or None if nothing in it is to be read."""
        if node.is_text_node:
            self._read(node.text_content or "")
            return None
        if not node.is_element_node:
            return None
        tag = node.tag or ""
        attributes = node.attributes
        place = self._place(tag, attributes)
        self._places.append(place)
        self._begin(tag, attributes, place)
        return None if place.is_unseen else node.child

    def _place(self, tag: str, attributes: Mapping[str, str | None]) -> _Place:
        above = self._places[-1]
        look = seen(above.look, tag, attributes, self._sheet)
        place = _Place(
            look,
            quotes=min(above.quotes + _is_quote(tag, attributes), MAX_QUOTES),
            is_as_typed=above.is_as_typed or tag in ("pre", "textarea"),
            is_unseen=tag in _UNSEEN,
            item=0 if tag == "ol" else None,
        )
        if look.is_hidden:
            place.hides = above.hides if above.hides is not None else place
        return place

    def _begin(self, tag: str, attributes: Mapping[str, str | None], place: _Place) -> None:
        if tag in _PARAGRAPHS:
            self.text.break_paragraph()
        elif tag in _BLOCKS:
            self.text.break_line()
        self.text.quotes = place.quotes
        if tag == "br" and not place.look.is_hidden:
            self.text.break_line(keeps_blank=True)
        elif tag in ("td", "th"):
            self.text.add(" ")
        elif tag == "li" and not place.look.is_hidden:
            self.text.add(self._mark())
        elif tag == "img" and not place.look.is_hidden and _EMOJI.fullmatch(attributes.get("alt") or ""):
            self.text.add(attributes.get("alt") or "")
        elif tag == "a":
            place.link, place.link_start = attributes.get("href"), len(self.text.pieces)

    def _mark(self) -> str:
        above = self._places[-2]
        if above.item is None:
            return "- "
        above.item += 1
        return f"{above.item}. "

    def _leave(self, node: LexborNode) -> None:
        if not node.is_element_node:
            return
        place = self._places.pop()
        tag = node.tag or ""
        if place.link and not place.look.is_hidden:
            self._end_link(place.link, "".join(self.text.pieces[place.link_start :]))
        if tag in _PARAGRAPHS:
            self.text.break_paragraph()
        elif tag in _BLOCKS:
            self.text.break_line()
        self.text.quotes = self._places[-1].quotes

    def _end_link(self, href: str, shown: str) -> None:
        told = leads_to(href, shown) if not is_blank(shown) else ""
        if told:
            self.text.pieces[-1] = self.text.pieces[-1].rstrip()
            self.text.pieces.append(f" (→ {told})")

    def _read(self, text: str) -> None:
        place = self._places[-1]
        if place.hides is not None:
            if not place.hides.is_told and not is_blank(text):
                place.hides.is_told = True
                self.hidden += 1
        elif place.is_as_typed:
            first, *more = text.replace("\r\n", "\n").split("\n")
            self.text.pieces.append(first)
            for line in more:
                self.text.break_line(keeps_blank=True)
                self.text.pieces.append(line)
        else:
            self.text.add(text)


def _is_quote(tag: str, attributes: Mapping[str, str | None]) -> bool:
    """Whether the element holds what somebody else wrote."""
    if tag == "blockquote":
        return attributes.get("type") == "cite" or not _INDENTED.search((attributes.get("style") or "").lower())
    return tag == "div" and attributes.get("name") == "quote"
