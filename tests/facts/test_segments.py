"""repaircafe.facts.segments: the parts of a text are the whole text, and each finding has one of its own."""

from hypothesis import given
from hypothesis import strategies as st

from repaircafe.facts.claims import Kind, Verdict
from repaircafe.facts.segments import segments
from repaircafe.facts.stored import StoredFinding


@given(st.text(max_size=40), st.lists(st.integers(0, 40), max_size=8))
def test_the_parts_are_the_whole_text(text: str, cuts: list[int]) -> None:
    edges = sorted({cut for cut in cuts if cut <= len(text)})
    found = [
        StoredFinding(Kind.NUMBER, Verdict.UNKNOWN, text[start:end], start, end, ())
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    ]
    parts = segments(text, found)
    assert "".join(one.text for one in parts) == text
    assert [one.finding for one in parts if one.finding] == found
