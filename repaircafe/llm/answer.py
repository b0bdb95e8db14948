"""Makes the answer of a reply from what a server streams: its text without the reasoning, or why there is none."""

from collections.abc import Iterator
from dataclasses import dataclass

from repaircafe.limits import MAX_REASONING_CHARS
from repaircafe.llm import errors
from repaircafe.llm.base import TAKE_BACK, Piece, StillThinkingError, TooLongError
from repaircafe.llm.quirks import Quirks
from repaircafe.llm.reasoning import ReasoningFilter
from repaircafe.llm.repeats import RepeatWatch
from repaircafe.llm.too_long import too_long
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError

_REASONING_PARTS = ("thinking", "reasoning")


@dataclass(frozen=True)
class Delta:
    """What one line of a stream adds: to the text, and to the reasoning if the server has a field for it."""

    text: str = ""
    reasoning: str = ""

    def __bool__(self) -> bool:
        return bool(self.text or self.reasoning)


def delta(content: object, reasoning: object) -> Delta:
    """The Delta of the two fields of a message. `content` may also be a list of parts, as in OpenAI's API."""
    thought = reasoning if isinstance(reasoning, str) else ""
    if isinstance(content, str):
        return Delta(content, thought)
    if not isinstance(content, list):
        return Delta("", thought)
    parts = [{"text": part} if isinstance(part, str) else part for part in content]
    texts = [part for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return Delta("".join(part["text"] for part in texts if part.get("type") not in _REASONING_PARTS), thought)


def answer(deltas: Iterator[Delta], quirks: Quirks, *, may_be_reasoning: bool = False) -> Iterator[Piece]:
    """Yields the pieces of the answer, and raises what base.Server.chat promises.

    `deltas` ends if the reply is complete; otherwise it raises the reason. `may_be_reasoning`: servers such as
    KoboldCpp put the whole answer into the field for the reasoning if the model's template begins with a tag. So if the
    text stays empty to a normal end, that field is the answer, unless an earlier reply of this model had both.
    """
    visible = ReasoningFilter(is_holding=quirks.holds)
    reasoning: list[str] = []
    try:
        yield from _filtered(deltas, visible, quirks, reasoning, may_be_reasoning=may_be_reasoning)
    except NeighbourError as error:
        yield from visible.end(is_complete=False)
        if isinstance(error, TooLongError) and visible.has_text:
            yield TAKE_BACK  # it was made without the facts
        if not visible.has_text:
            raise _without_text(error, has_thought=any(reasoning) or visible.hidden > 0) from None
        raise
    yield from visible.end()
    quirks.note_end(was_held_in_vain=visible.was_held_in_vain)
    quirks.separates = quirks.separates or (visible.has_text and any(reasoning))
    if not visible.has_text and may_be_reasoning and not quirks.separates and not visible.hidden:
        visible = ReasoningFilter()
        yield from visible.take("".join(reasoning))
        yield from visible.end()
    if not visible.has_text:
        raise PermanentError(Reason.NO_TEXT)


def _filtered(
    deltas: Iterator[Delta], visible: ReasoningFilter, quirks: Quirks, reasoning: list[str], *, may_be_reasoning: bool
) -> Iterator[Piece]:
    """Passes the texts through the filter, and adds the reasoning of the server's own field to `reasoning`.

    Ends a reasoning that is too long, and one that repeats itself: it would only end at the longest length. What may
    still turn out to be the answer is not watched.
    """
    watch, size = RepeatWatch(), 0
    for one in deltas:
        if one.reasoning and quirks.holds and not visible.hidden:
            quirks.holds = False  # the server takes the reasoning out itself
            yield from visible.release()
        yield from visible.take(one.text)
        if visible.was_only_closed:
            quirks.note_end_alone()
        reasoning.append(one.reasoning)
        size += len(one.reasoning)
        is_thought = quirks.separates or not may_be_reasoning
        repeats = visible.repeats_itself or (is_thought and watch.take(one.reasoning) is not None)
        if repeats or size + visible.hidden > MAX_REASONING_CHARS:
            raise PermanentError(Reason.THINKS_TOO_LONG)


def _without_text(error: NeighbourError, *, has_thought: bool) -> NeighbourError:
    """What an error means if it came before the first word of the answer."""
    if error.reason is Reason.LENGTH:
        return PermanentError(Reason.THINKS_TOO_LONG)
    return StillThinkingError() if error.reason is Reason.TIMEOUT and has_thought else error


def stream_error(found: object, *, has_text: bool) -> NeighbourError:
    """The error for what a server says in the middle of a stream. `has_text`: whether a part of the reply has come.

    The text of that error is never logged, because it may quote what a visitor wrote. The server's own log has it.
    """
    if (error := too_long(found)) is not None:
        return error
    return errors.in_stream(found, TemporaryError(Reason.CUT_OFF if has_text else Reason.HTTP_ERROR))
