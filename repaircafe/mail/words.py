"""The words of a mail, for the search, and its topic: what two mails without ids have in common.

The words are made here and not by PostgreSQL, whose parser takes `kettle/toaster` for a file and knows accents only if
the database has the right locale. A search for `cafe` finds `Café`.
"""

import re
import unicodedata

MAX_WORD_CHARS = 60
"""A longer word counts by its beginning."""
MAX_TOPIC_CHARS = 200
"""PostgreSQL's index takes about 2,700 bytes a row."""

_WORD = re.compile(r"[^\W_]+")
_PREFIX = re.compile(
    r"\s*(?:\[[^\[\]]*\]\s*)*(?:re|aw|antw|antwoord|betr|sv|vs|rép|rep|réf|tr|wg|doorst|fw|fwd)\s*"
    r"(?:\[\d+\]\s*|\(\d+\)\s*)?:"
)
"""What mail programs in four languages write before the subject of an answer or a forwarded mail (RFC 5256, 2.1)."""


def words(text: str) -> list[str]:
    """The words of a text in their order, in small letters and without accents."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return [found[:MAX_WORD_CHARS] for found in _WORD.findall(plain.casefold())]


def lexemes(*texts: str) -> str:
    """All words of the texts, as the text form of a tsvector."""
    return " ".join(sorted({word for text in texts for word in words(text)}))


def query(typed: str) -> str:
    """What somebody typed into the search, as the text form of a tsquery; empty if it has no word.

    Every word must be there. The last one may go on, because the person may still be typing.
    """
    asked = words(typed)
    return " & ".join([*asked[:-1], *(f"{last}:*" for last in asked[-1:])])


def topic(subject: str) -> str:
    """The subject without Re: and the like, in small letters and with single spaces."""
    found = " ".join(unicodedata.normalize("NFKC", subject).casefold().split())
    while prefix := _PREFIX.match(found):
        found = found[prefix.end() :].lstrip()
    return found[:MAX_TOPIC_CHARS].rstrip()
