"""Characters that nobody sees: which ones are dropped from what people type and paste, and which ones must stay.

Text is cleaned at the border, once: forms and queries in web/application.py, JSON in web/schemas.py, settings of any
origin in settings/definitions.py, `.env` in environment/variables.py. The names are Unicode's.
"""

import re

_DROPPED = (
    "\u00ad"  # soft hyphen: comes along when a hyphenated word is copied
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks of direction: every bidirectional text is shown without them
    "\u180e\u200b\u2060-\u2065\ufeff"  # spaces and operators without width, and the byte order mark
    "\u206a-\u206f\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0001"  # deprecated, annotations, and marks of music
)
"""Ranges for a regular expression. They mean nothing in any text: they come from web pages, from editors and from
messengers, make two equal names different, and can hide one text in another (Unicode's technical report 36)."""

_JOINING = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u200c\u200d\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0020-\U000e007f\U000e0100-\U000e01ef"
)
"""These are not seen either, but a text may need them: Persian needs U+200C inside words, Indic scripts and emoji of
several people need U+200D, emoji and ideographs need variation selectors, flags such as Scotland's need tags, and
braille has a blank cell. A text keeps them; in an address, a name or a date they are dropped as well."""

VISIBLE = rf"[^\s\x00-\x1f\x7f-\x9f{_DROPPED}{_JOINING}]"
"""A regular expression for one character that somebody sees. The same in Python, Rust and ECMA-262, since the API
publishes it; so the characters stand in it as they are."""

_IN_TEXT = re.compile(rf"(\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f)|[{_DROPPED}\U000e0020-\U000e007f]")
"""Tags outside a flag are dropped: they can write whole sentences that only a language model reads."""
_IN_NAME = re.compile(f"[{_DROPPED}{_JOINING}]")
_VISIBLE = re.compile(VISIBLE)


def clean_text(text: str) -> str:
    """The text as people see it; every word and every emoji stays as it is."""
    return text if text.isascii() else _IN_TEXT.sub(lambda found: found[1] or "", text)


def clean_name(text: str) -> str:
    """An address, the name of something or a number, without any character that nobody sees."""
    return text if text.isascii() else _IN_NAME.sub("", text)


def from_first_visible(text: str) -> str:
    """The text without what nobody sees at its beginning."""
    found = _VISIBLE.search(text)
    return text[found.start() :] if found else ""


def is_blank(text: str) -> bool:
    """Whether nobody would see anything of the text."""
    return _VISIBLE.search(text) is None
