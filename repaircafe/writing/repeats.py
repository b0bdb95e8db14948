"""Ends a reply in which the model says the same over and over: a sentence, a line or a group of words.

Small models do that, and would go on until the longest length: minutes on a Pi, while others wait.
"""

import re
from collections.abc import Iterator

from repaircafe.database.tables import without_nul
from repaircafe.llm.base import Piece, TakeBack
from repaircafe.llm.repeats import RepeatWatch
from repaircafe.neighbours.report import PermanentError, Reason

_SENTENCE_END = re.compile(r"[.!?…。！？]+[\"'”’»)]*|\n")


def growing(pieces: Iterator[Piece]) -> Iterator[str]:
    """Yields the whole reply so far after each piece, as the database can store it.

    If a part repeats, the last text has it only once, and then PermanentError(repeats) is raised.
    """
    text, watch = "", RepeatWatch()
    for piece in pieces:
        if isinstance(piece, TakeBack):
            text, watch = "", RepeatWatch()
            yield text
            continue
        said = without_nul(piece)
        text += said
        if (repeated := watch.take(said)) is not None:
            yield _whole(text, *repeated)
            raise PermanentError(Reason.REPEATS)
        yield text


def _whole(text: str, start: int, end: int) -> str:
    """The text up to `end`, or up to the end of the sentence or the word there.

    The text before the repeated part may end as that part does: "I can do it. You can do it. You can do it." Then the
    part found begins and ends in the middle of a sentence.
    """
    said = text[:end]
    if re.search(rf"(?:{_SENTENCE_END.pattern})\s*$", said):
        return said.rstrip()
    if (found := _SENTENCE_END.search(text, end, 2 * end - start)) is not None:
        return text[: found.end()].rstrip()
    if (found := re.compile(r"(?<=\S)\S*(?=\s)").match(text, end, 2 * end - start)) is not None:
        return text[: found.end()]
    return said.rstrip()
