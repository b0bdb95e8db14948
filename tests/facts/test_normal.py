"""repaircafe.facts.normal gives one spelling to each character, and keeps where it came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.facts.normal import folded, normal


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("St Mary’s", "St Mary's"), ("14‑16", "14-16"), ("14−17", "14-17"), ("14–17", "14-17"), ("a\u00a0b", "a b"),
        ("Buurt\u00adhuis\u200b", "Buurthuis"), ("e\u0301", "é"), ("1３", "13"), ("٣", "3"), ("12²", "12^2"),
        ("1½", "1½"), ("ﬁ", "fi"), ("a\u2028b", "a\nb"),
    ],
)  # fmt: skip
def test_two_spellings_become_one(text: str, same: str) -> None:
    assert normal(text).text == same


@pytest.mark.parametrize(
    ("word", "key"), [("STRAẞE", "strasse"), ("Église", "eglise"), ("İ", "i"), ("ı", "i"), ("ſ", "s")]
)  # fmt: skip
def test_a_word_is_compared_without_capitals_and_accents(word: str, key: str) -> None:
    assert folded(word) == key


@given(st.text(max_size=200))
def test_each_character_knows_where_it_came_from(text: str) -> None:
    found = normal(text)
    assert len(found.text) == len(found.starts) == len(found.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(found.starts, found.ends, strict=True))
    assert list(found.starts) == sorted(found.starts)
