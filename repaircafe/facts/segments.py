"""A text in parts, for a page that marks some of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from repaircafe.facts.stored import StoredFinding


@dataclass(frozen=True)
class Segment:
    """A part of a text, with the finding that is about it, if there is one."""

    text: str
    finding: StoredFinding | None = None


def segments(text: str, findings: Iterable[StoredFinding]) -> list[Segment]:
    """The text in parts; each finding has a part of its own. `findings` are in the order of the text."""
    parts, at = list[Segment](), 0
    for one in findings:
        parts += [Segment(text[at : one.start]), Segment(one.text, one)]
        at = one.end
    return [one for one in (*parts, Segment(text[at:])) if one.text]
