"""A reply as the page shows it: a small part of Markdown is formatted, everything else stays as it was written.

A model writes Markdown even if the prompt forbids it. markdown-it-py renders it, without any rule that could make a
link, a picture or HTML. Then nh3 removes every tag that is not in TAGS, whatever the renderer does.
"""

import html
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

from repaircafe.limits import MAX_MARKDOWN_CHARS

DEEPEST = 20
"""Nesting levels of lists and emphasis. Above this, markdown-it leaves text out and browsers flatten elements."""
TAGS = frozenset({"p", "br", "em", "strong", "ul", "ol", "li", "code", "pre", "hr"})
ATTRIBUTES = {"li": {"value"}, "*": set[str]()}  # without "*", nh3 would let `lang` and `title` through
RULES = ("list", "fence", "code", "hr", "heading", "newline", "escape", "backticks", "emphasis")
"""The rules besides paragraphs and text. `reference` and the HTML rules are left out, because they hide text."""
NUMBER_OR_BULLET = re.compile(r"(0|[1-9][0-9]{0,2})?")
"""What markdown-it gives as a list item's number: up to three digits, or nothing for a bullet."""
WALL = nh3.Cleaner(tags=TAGS, attributes=ATTRIBUTES, url_schemes=set())
"""Its output is harmless in all our pages."""


def as_html(text: str) -> Markup:
    """The text as safe HTML, which shows every letter and digit of the text in the same order.

    If Markdown would lose some, or if the text is longer than MAX_MARKDOWN_CHARS, the text stays as it was written.
    """
    text = text.strip()
    tokens = _parser().parse(text) if len(text) <= MAX_MARKDOWN_CHARS else None
    if tokens is None or any(_is_lossy(token) for token in _all(tokens)):
        return escape(text).replace("\n", Markup("<br>\n"))
    return Markup(WALL.clean(_parser().renderer.render(tokens, _parser().options, {})))  # noqa: S704  by WALL  # nosec B704


def as_speech(text: str) -> str:
    """The text in one line without Markdown's signs, for a screen reader. Keeps the numbers of a list."""
    numbered = re.sub(r'<li value="(\d+)">', r"\1. ", str(as_html(text)))
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", numbered)).split())


def _is_lossy(token: Token) -> bool:
    """Whether rendering may lose something: the token is nested too deep, or a list would change its number.

    A year at the beginning of a line is not the number of a list item, and is too wide for the margin of a list.
    """
    if token.level >= DEEPEST - 1:
        return True
    return token.type == "list_item_open" and NUMBER_OR_BULLET.fullmatch(token.info) is None


def _all(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()


def _heading_open(_: RendererHTML, *__: Any) -> str:
    """Bold text instead of a heading, which would disturb the page's outline."""
    return "<p><strong>"


def _heading_close(_: RendererHTML, *__: Any) -> str:
    return "</strong></p>\n"


def _list_item_open(_: RendererHTML, tokens: Sequence[Token], at: int, *__: Any) -> str:
    """The item with its own number. Markdown counts up from the first item, and would change dates in a list."""
    return f'<li value="{tokens[at].info}">' if tokens[at].info else "<li>"


def _fence(_: RendererHTML, tokens: Sequence[Token], at: int, *__: Any) -> str:
    """The code with its label. The label is usually the language, but it can be any text, so the page shows it."""
    label = tokens[at].info.strip()
    return f"{f'<p>{escape(label)}</p>' if label else ''}\n<pre><code>{escape(tokens[at].content)}</code></pre>\n"


@cache
def _parser() -> MarkdownIt:
    """Made at the first reply, because it needs 200 kB. Two threads may make one each."""
    parser = MarkdownIt("zero", {"breaks": True, "maxNesting": DEEPEST}).enable(RULES)
    for rule in (_heading_open, _heading_close, _list_item_open, _fence):
        parser.add_render_rule(rule.__name__[1:], rule)
    parser.parse("*")  # the first use compiles the rules; two threads must not do that at the same time
    return parser
