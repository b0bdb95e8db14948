"""The size of a text follows from its length and its box."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.paper.fitting import LEADING, STEPS, Box, Paragraphs, fitted, line_count
from repaircafe.paper.tiles import GAP, PADDING, arranged
from repaircafe.settings.offerings import PRESETS, offerings

BOX = Box(40, 10)
WORDS = st.lists(st.text("abcdefghijkl", min_size=1, max_size=12), min_size=1, max_size=30).map(" ".join)


def test_a_short_text_is_as_large_as_it_may_be_and_a_long_one_is_smaller() -> None:
    short, longer, longest = (fitted(["Repair Café" * times], BOX, 8).step for times in (1, 6, 30))
    assert STEPS[short] <= 8
    assert short > longer > longest


def test_a_word_is_broken_only_if_the_letters_become_much_larger() -> None:
    assert line_count("a" * 50, 20, may_break=False) == float("inf")
    name = fitted(["Donaudampfschifffahrtsgesellschaft"], BOX, 14)
    assert line_count(name.texts[0], BOX.width / STEPS[name.step], may_break=False) == 1
    address = fitted(["x" * 300], BOX, 14)
    assert line_count(address.texts[0], BOX.width / STEPS[address.step]) > 1


def test_a_line_never_ends_at_a_no_break_space() -> None:
    assert line_count("14 h à 17 h", 4) > 1
    assert line_count("14\N{NO-BREAK SPACE}h", 1.2, may_break=False) == float("inf")


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_what_fits_is_not_higher_than_its_box(texts: list[str]) -> None:
    box, form = Box(60, 30), Paragraphs(indent=1.9, gap=0.5)
    found = fitted(texts, box, 6, form)
    size = STEPS[found.step]
    lines = sum(line_count(text, box.width / size - form.indent) for text in texts)
    assert (lines * LEADING + form.gap * (len(texts) - 1)) * size <= box.height or found.step == 0


def test_tiles_fill_their_place_with_as_few_empty_corners_as_possible() -> None:
    for count, columns in ((4, {2, 4}), (6, {2, 3, 6}), (16, {4})):
        found = arranged(offerings([*PRESETS][:count]), Box(90, 36))
        assert found
        assert found.columns in columns
        rows = -(-count // found.columns)
        height = (36 - GAP * (rows - 1)) / rows - 2 * PADDING
        icon = STEPS[found.icon_step] if found.is_above else 0
        assert icon + LEADING * STEPS[found.step] <= height


def test_too_many_words_for_tiles_are_a_list() -> None:
    words = [f"very special coffee machines of the old kind number {one}" for one in range(40)]
    assert arranged(offerings(words), Box(90, 36)) is None


@pytest.mark.parametrize("width_em", [-3.0, 0.0, 0.4, 1.0, 1.9])
def test_a_line_that_is_shorter_than_a_letter_has_an_end(width_em: float) -> None:
    """A narrow tile would have had more and more lines, and the page would never have been shown."""
    assert line_count("Donaudampfschiff", width_em) == float("inf")
