"""A reply as the page shows it: a few of Markdown's signs as what they mean, and everything else as it was written.

A model writes Markdown whatever it was told. markdown-it-py renders it, with no rule that could make a link, a picture
or HTML; nh3 is the wall behind it, which lets the tags of TAGS through and nothing else, whatever the renderer does.
"""

import html
import re
from collections.abc import Iterator, Sequence
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

from repaircafe.limits import MAX_MARKDOWN_CHARS

DEEPEST = 20
"""Levels of lists and emphasis in one another: beyond, markdown-it leaves text out and browsers flatten elements."""
TAGS = frozenset({"p", "br", "em", "strong", "ul", "ol", "li", "code", "pre", "hr"})
ATTRIBUTES = {"li": {"value"}, "*": set[str]()}  # without "*", nh3 would let `lang` and `title` through
RULES = ("list", "fence", "code", "hr", "heading", "newline", "escape", "backticks", "emphasis")
"""Besides paragraphs and text. Not among them are those that leave text out: `reference` and the ones for HTML."""
NUMBER_OR_BULLET = re.compile(r"(0|[1-9][0-9]{0,2})?")
"""What stands before an item of a list, without a bullet."""
WALL = nh3.Cleaner(tags=TAGS, attributes=ATTRIBUTES, url_schemes=set())
"""Whatever passes it is harmless in any of our pages."""


def as_html(text: str) -> Markup:
    """The text as safe HTML. Every letter and digit of it is there to be seen, in its order.

    Where Markdown would lose some, or the text is longer than MAX_CHARS, it is shown as it was written.
    """
    text = text.strip()
    tokens = _PARSER.parse(text) if len(text) <= MAX_MARKDOWN_CHARS else None
    if tokens is None or any(_is_lossy(token) for token in _all(tokens)):
        return escape(text).replace("\n", Markup("<br>\n"))
    return Markup(WALL.clean(_PARSER.renderer.render(tokens, _PARSER.options, {})))  # noqa: S704  by the wall  # nosec B704


def as_speech(text: str) -> str:
    """The text without Markdown's signs, in one line, to be read out. Numbers of a list are said."""
    numbered = re.sub(r'<li value="(\d+)">', r"\1. ", str(as_html(text)))
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", numbered)).split())


def _is_lossy(token: Token) -> bool:
    """Whether something may be missing: what is nested too deep, or a number that a list would not show as it stands.

    A year at the beginning of a line is no number of a list, and would not fit beside it.
    """
    if token.level >= DEEPEST - 1:
        return True
    return token.type == "list_item_open" and NUMBER_OR_BULLET.fullmatch(token.info) is None


def _all(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()


def _heading_open(_: RendererHTML, *__: Any) -> str:
    """A heading in a reply would be one of the page's, and break its outline."""
    return "<p><strong>"


def _heading_close(_: RendererHTML, *__: Any) -> str:
    return "</strong></p>\n"


def _list_item_open(_: RendererHTML, tokens: Sequence[Token], at: int, *__: Any) -> str:
    """With its own number: Markdown counts on from the first, and would make two days in a row of any two dates."""
    return f'<li value="{tokens[at].info}">' if tokens[at].info else "<li>"


def _fence(_: RendererHTML, tokens: Sequence[Token], at: int, *__: Any) -> str:
    """What stands behind the opening fence is a language by custom alone, and is not left out."""
    label = tokens[at].info.strip()
    return f"{f'<p>{escape(label)}</p>' if label else ''}\n<pre><code>{escape(tokens[at].content)}</code></pre>\n"


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("zero", {"breaks": True, "maxNesting": DEEPEST}).enable(RULES)
    for rule in (_heading_open, _heading_close, _list_item_open, _fence):
        parser.add_render_rule(rule.__name__[1:], rule)
    parser.parse("*")  # its rules are put together at the first use, which two threads must not do at a time
    return parser


_PARSER = _make_parser()
