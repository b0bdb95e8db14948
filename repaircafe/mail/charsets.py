"""Bytes of a mail become text. The charset that a mail names is often wrong, and may be none at all."""

import codecs
import re
from functools import lru_cache

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:()-]{0,39}")
_KNOWN = re.compile(
    r"ascii|utf-?(8|16|32)|iso[-_]?8859|iso[-_]?2022|latin|cp\d|windows|koi8|mac|big5|gb|euc|shift|johab|hz|tis|ptcp|kz"
)
"""Python's names. It has codecs that are no charsets as well, and some of them are slow: punycode, unicode_escape."""
_NOT_ASCII = re.compile(r"iso[-_]?2022|hz|utf-?(16|32)")
"""Charsets whose bytes are valid UTF-8 and mean something else. The mail is believed about them."""
_SURROGATES = re.compile("[\ud800-\udfff]")


def decoded(content: bytes, charset: str) -> str:
    """The text: as UTF-8 if it is valid UTF-8, else in the named charset, else in windows-1252. Never raises.

    UTF-8 is first because Gmail gives every text in UTF-8, whatever its header names (gogcli#446). Text in another
    charset is hardly ever valid UTF-8 by chance, except plain ASCII, which is the same in nearly all.
    """
    codec = _codec(charset)
    is_special = _NOT_ASCII.match(codec) is not None
    for name in (codec, "utf-8") if is_special else ("utf-8", codec):
        if name:
            try:
                return _SURROGATES.sub("\ufffd", content.decode(name)).removeprefix("\ufeff")
            except (UnicodeError, LookupError, ValueError):
                continue
    return _mostly_utf_8(content) or content.decode("cp1252", "replace")


def _mostly_utf_8(content: bytes) -> str:
    """The text if most of what is not ASCII is valid UTF-8, as in a mail that was cut within a character; else ""."""
    text = content.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return text if 2 * broken <= len(content) - len(text) else ""


@lru_cache(maxsize=64)
def _codec(charset: str) -> str:
    """Python's name of a charset, or "" if it is none that a mail may use."""
    if not _NAME.fullmatch(charset):
        return ""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError, ImportError):
        return ""
    return name if _KNOWN.match(name) else ""
