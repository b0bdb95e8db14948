"""repaircafe.writing.repeats: a model that says the same over and over is stopped, and its text is kept once."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.llm.base import TAKE_BACK, Piece
from repaircafe.neighbours.report import PermanentError, Reason
from repaircafe.writing.repeats import growing

SENTENCE = "You can bring your toaster on Saturday."
LISTED = "\n".join(
    f"- On {day} we open at {hour}:00." for day in ("Monday", "Tuesday", "Friday") for hour in range(9, 18)
)
DATED = "\n".join(f"- {day} May: repair café in the library" for day in (2, 9, 16, 23, 30))
BLANK = "\n".join(f"{number}. ____________" for number in range(1, 12))
RULE = "| a | b |\n|" + "-" * 40 + "|"


def said(*pieces: Piece) -> tuple[str, Reason | None]:
    """The last text, and the reason if the reply was stopped."""
    text = ""
    try:
        for text in growing(iter(pieces)):  # noqa: B007  the last one counts
            pass
    except PermanentError as error:
        return text, error.reason
    return text, None


@pytest.mark.parametrize(
    ("before", "part", "kept"),
    [
        ("", SENTENCE + " ", SENTENCE),
        ("Hello! ", SENTENCE + " ", f"Hello! {SENTENCE}"),
        ("Hello! ", SENTENCE + "\n\n", f"Hello! {SENTENCE}"),
        ("I can do it. ", "You can do it. ", "I can do it. You can do it."),
        ("Then: ", "- bring it along\n", "Then: - bring it along"),
        ("", "to the organiser of ", "to the organiser of"),
        ("The cat. ", "First look. Then ask a volunteer! ", "The cat. First look. Then ask a volunteer!"),
        ("你好。", "请带上您的烤面包机和说明书。", "你好。请带上您的烤面包机和说明书。"),
        ("It is ", "very ", "It is very"),
        ("", "ha", "ha"),
        ("So: ", "A long paragraph. " + " ".join(str(n) for n in range(200)) + ". ", None),
    ],
)
def test_a_repeated_part_is_kept_once(before: str, part: str, kept: str | None) -> None:
    text, reason = said(before, *[part] * 60)
    assert reason is Reason.REPEATS
    assert text == (kept if kept is not None else (before + part).rstrip())


@pytest.mark.parametrize(
    ("before", "line", "between", "kept"),
    [
        ("", "{}. Please bring your toaster.", "\n", "1. Please bring your toaster."),
        ("", "**{}.** Please bring it.", "\n\n", "**1.** Please bring it."),
        ("Do this:\n\n", " {}) Please bring it.", "\n", "Do this:\n\n 1) Please bring it."),
        (
            "",
            "{}. **Look**\n   Please look at it.",
            "\n",
            "1. **Look**\n   Please look at it.",
        ),
    ],
)
def test_a_repeat_with_a_running_number_is_kept_once(before: str, line: str, between: str, kept: str) -> None:
    whole = before + between.join(line.format(number) for number in range(1, 120))
    for pieces in (whole, [whole]):
        assert said(*pieces) == (kept, Reason.REPEATS)
    beyond = before + between.join(line.format(number) for number in range(1, 7))
    assert said(*beyond)[1] is Reason.REPEATS, "it is stopped at the beginning of the sixth"


def test_the_places_of_a_repeat_are_those_of_the_text_however_long_its_numbers_are() -> None:
    """The numbers from 95 on become longer, and the part before has some of its own."""
    before = "12 34\n1. One\n2. Two\n95 and more:\n"
    lines = [f"{number}. You can bring your toaster.\n" for number in range(96, 120)]
    text, reason = said(*(before + "".join(lines)))
    assert (text, reason) == (before + lines[0].rstrip(), Reason.REPEATS)


def test_it_is_stopped_after_the_fourth_repeat() -> None:
    assert said(*[SENTENCE + " "] * 4) == ((SENTENCE + " ") * 4, None)
    assert said(*[SENTENCE + " "] * 5)[1] is Reason.REPEATS


@pytest.mark.parametrize(
    "text", [LISTED, RULE, DATED, BLANK, "ha ha ha ha ha ha!", "No. " * 8, "1, 2, 3, 4, 5", SENTENCE * 3]
)
def test_what_people_write_goes_through(text: str) -> None:
    assert said(*text) == (text, None)


def test_what_was_taken_back_is_not_counted() -> None:
    pieces = [piece for _ in range(6) for piece in (SENTENCE, TAKE_BACK)]
    assert said(*pieces, SENTENCE) == (SENTENCE, None)


@given(
    part=st.text(alphabet="abc .\n", min_size=20, max_size=60).filter(lambda text: len(set(text)) > 3),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=8),
)
def test_any_repeated_part_is_found_however_it_is_split(part: str, sizes: list[int]) -> None:
    whole = "Hello, this is new: " + part * 12
    pieces: list[str] = []
    at = 0
    while at < len(whole):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(whole[at : at + size])
        at += size
    text, reason = said(*pieces)
    assert reason is Reason.REPEATS
    assert whole.startswith(text)
    assert len(text) <= len("Hello, this is new: ") + 2 * len(part)


def test_its_time_is_linear_in_the_length_of_the_text() -> None:
    words = random.Random(1).choices([SENTENCE, "Why not?", "It is broken.", "Ask!", *"abcdefghij"], k=20_000)
    spent = []
    for count in (5_000, 20_000):
        text = " ".join(words[:count])
        began = time.process_time()
        said(*[text[at : at + 1_000] for at in range(0, len(text), 1_000)])
        spent.append(time.process_time() - began)
    assert spent[1] < spent[0] * 12


@pytest.mark.parametrize(
    "signs", ["Name: " + "_" * 80, "=" * 90, "| | | |\n" * 12, "- [ ]\n" * 14, "\n" * 70], ids=lambda one: one[:8]
)
def test_a_line_to_fill_in_or_an_empty_table_is_no_repeat(signs: str) -> None:
    pieces = ["Fill this in:\n", *signs, "\nThen bring it along."]
    assert list(growing(iter(pieces)))[-1] == "".join(pieces)
