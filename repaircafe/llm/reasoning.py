"""Keeps a model's reasoning out of its answer, whichever tags its family uses and however they fall into chunks.

A server normally takes the reasoning out itself, but only if it knows the model's tags. A model file from elsewhere
often has a template that its server does not understand. Then the reasoning is a part of the text.
"""

import re
from collections.abc import Iterator
from enum import Enum
from string import ascii_uppercase

from repaircafe.characters import from_first_visible
from repaircafe.llm.base import TAKE_BACK, Piece
from repaircafe.llm.repeats import RepeatWatch

_PAIRS = (
    ("<think>", "</think>"),  # DeepSeek-R1, Qwen3, GLM, SmolLM3, Phi-4 and most others
    ("<think >", "</think >"),  # small models that write the tag themselves
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),  # EXAONE Deep, Marco-o1
    ("<thoughts>", "</thoughts>"),
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("[THINK]", "[/THINK]"),  # Magistral
    ("<|channel|>analysis", "<|channel|>final"),  # gpt-oss (OpenAI's 'Harmony response format')
    ("<|channel|>commentary", "<|channel|>final"),
    ("<|channel>thought", "<channel|>"),  # Gemma 4
    ("<unused94>thought", "<unused95>"),  # MedGemma
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThinker, Sky-T1
    ("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    ("◁think▷", "◁/think▷"),  # Kimi-VL
    ("<|think|>", "<|end|>"),  # Solar Open
)
"""Where the reasoning begins and ends, from the chat templates of the families. Capitals do not matter. Any of the ends
closes any of the beginnings. One that is a wrapper as well is an end only after a beginning."""
_WRAPPERS = (
    *("<|start|>assistant", "<|message|>", "<|return|>", "<|end|>"),  # gpt-oss
    *("<|begin|>assistant", "<|content|>"),  # Solar Open
    *("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|begin_of_solution|>", "<|end_of_solution|>"),
    *("<answer>", "</answer>", "<response>", "</response>"),  # Hunyuan, Granite
    *("<output>", "</output>"),  # Marco-o1, Reflection
)
"""What the same families put around the answer; it is left out."""
_FIRST_WORDS = (
    *(f"analysis{letter}" for letter in ascii_uppercase),  # gpt-oss, if a server left out its special tokens
    *("Here's my thought process:", "Here is my thought process:"),  # Granite 3.2
    "Here are my reasoning steps:",  # Apriel
)
"""Words that begin a reasoning only if the reply begins with them."""
_LAST_WORDS = (*("assistantfinal", "Here's my response:", "Here is my response:", "[BEGIN FINAL RESPONSE]"),)
"""Words that end a reasoning only after its beginning."""

_OPENINGS = tuple(opening.lower() for opening, _ in _PAIRS)
_THINKS_ON_DEMAND = re.compile(r"enable_thinking|\.(?:IsThinkSet|Think)\b")
"""How templates ask whether the model shall think: Jinja's (Qwen3 and others), and Ollama's ('Templates')."""
_BEGUN_AT_END = re.compile(
    rf"(?:{'|'.join(map(re.escape, _OPENINGS))})"
    r"(?:\s|\\n|['\"]|-?\}\}|\{\{-?\s*end\s*-?\}\}|\{%-?\s*end\w+\s*-?%\})*"
    r"(?:\{\{-?\s*\.Response\b.*)?\Z",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
"""The end of a template that begins a reasoning: no text follows but the end of a literal or a condition, and, in older
templates of Ollama, the place of the reply."""


def begins_reasoning(prompt: str) -> bool:
    """Whether a prompt begins a reasoning at its end. Then the model's text has only the end of it."""
    return prompt.rstrip().lower().endswith(_OPENINGS)


def template_begins_reasoning(template: str) -> bool:
    """Whether the prompts of a template always begin a reasoning at their end, as far as its text shows it.

    False also for a template that builds its end in another way, and for one that asks whether to think: we say no.
    """
    return _THINKS_ON_DEMAND.search(template) is None and _BEGUN_AT_END.search(template) is not None


class _Kind(Enum):
    OPEN = "open"
    CLOSE = "close"
    WRAPPER = "wrapper"


_KINDS = (
    {mark.lower(): _Kind.OPEN for mark, _ in _PAIRS}
    | {mark.lower(): _Kind.CLOSE for _, mark in _PAIRS}
    | {mark.lower(): _Kind.WRAPPER for mark in _WRAPPERS}
)
_OUTSIDE = tuple(_KINDS)
_INSIDE = tuple(dict.fromkeys(mark.lower() for mark in (*(end for _, end in _PAIRS), *_LAST_WORDS)))

_LONGEST = max(map(len, (*_OUTSIDE, *_INSIDE))) - 1
_BEGINNINGS = frozenset(mark[0] for mark in (*_OUTSIDE, *_INSIDE))


def _pattern(marks: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(mark) for mark in marks), re.IGNORECASE | re.ASCII)


_PATTERNS = {_OUTSIDE: _pattern(_OUTSIDE), _INSIDE: _pattern(_INSIDE)}


class ReasoningFilter:
    """Lets the answer through and drops the reasoning. Its time is linear in the length of the text.

    If only an end comes, what was let through before it was reasoning: a TAKE_BACK follows. With `is_holding`, nothing
    is let through before an end, or before the end of the reply.
    """

    def __init__(self, *, is_holding: bool = False) -> None:
        self.has_text = False
        """Whether a part of the answer has been let through and not taken back."""
        self.was_only_closed = False
        """Whether text was taken back, although no reasoning had been opened."""
        self.was_held_in_vain = False
        """Whether the reply ended without the end that its text was held for."""
        self.repeats_itself = False
        """Whether text that was not let through says the same over and over."""
        self._watch = RepeatWatch()
        self._is_holding = is_holding
        self._held = ""
        self._dropped = 0
        self._rest = ""
        self._is_inside = False
        self._was_opened = False
        self._is_first = True

    @property
    def hidden(self) -> int:
        """Characters that were not let through, or are held."""
        return self._dropped + len(self._held)

    def take(self, text: str) -> Iterator[Piece]:
        """What the answer gains from the next text of the model."""
        self._rest += text
        if self._is_first and not self._is_decided():
            return
        text, at = self._rest, 0
        while (found := _PATTERNS[self._marks].search(text, at)) is not None:
            yield from self._pass(text[at : found.start()])
            yield from self._meet(_Kind.CLOSE if self._is_inside else _KINDS[found[0].lower()])
            at = found.end()
        end = max(at, len(text) - _begun(text[at:], self._marks))
        self._rest = text[end:]
        yield from self._pass(text[at:end])

    def end(self, *, is_complete: bool = True) -> Iterator[Piece]:
        """What the answer gains at the end of the reply. What is held is reasoning if the reply is not complete.

        Without `is_holding`, text that came before a missing end is taken for the answer: nothing in it differs.
        """
        rest, self._rest = self._rest, ""
        yield from self._pass(rest)
        if self._is_holding and is_complete:
            self.was_held_in_vain = True
            yield from self.release()

    def release(self) -> Iterator[Piece]:
        """Holds nothing any more; what the answer gains by that."""
        self._is_holding = False
        held, self._held = self._held, ""
        yield from self._pass(held)

    @property
    def _marks(self) -> tuple[str, ...]:
        return _INSIDE if self._is_inside else _OUTSIDE

    def _is_decided(self) -> bool:
        """Whether the first words of the reply are complete enough to know if they begin a reasoning."""
        self._rest = begun = self._rest.lstrip()
        if any(words.startswith(begun) and words != begun for words in _FIRST_WORDS):  # also an empty text
            return False
        self._is_first = False
        if begun.startswith(_FIRST_WORDS):
            self._is_inside = self._was_opened = True
        return True

    def _meet(self, kind: _Kind) -> Iterator[Piece]:
        if kind is _Kind.OPEN:
            self._is_inside = self._was_opened = True
        elif kind is _Kind.CLOSE:
            if not self._is_inside:
                yield from self._take_back()
            self._is_inside = False
            yield from self.release()

    def _take_back(self) -> Iterator[Piece]:
        self._dropped += len(self._held)
        self._held = ""
        if self.has_text:
            self.has_text = False
            self.was_only_closed = self.was_only_closed or not self._was_opened
            yield TAKE_BACK

    def _pass(self, text: str) -> Iterator[Piece]:
        if self._is_inside:
            self._dropped += len(text)
            self._look(text)
            return
        if not self.has_text and not self._held:
            text = from_first_visible(text)  # without the empty line after the reasoning
        if text and self._is_holding:
            self._held += text
            self._look(text)
        elif text:
            self.has_text = True
            yield text

    def _look(self, text: str) -> None:
        self.repeats_itself = self.repeats_itself or self._watch.take(text) is not None


def _begun(text: str, marks: tuple[str, ...]) -> int:
    """How many characters at the end of the text may be the beginning of a mark."""
    tail = text[-_LONGEST:].lower()
    for at, character in enumerate(tail):
        if character in _BEGINNINGS and any(mark.startswith(tail[at:]) for mark in marks):
            return len(tail) - at
    return 0
