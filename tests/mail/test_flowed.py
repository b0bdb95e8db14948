"""repaircafe.mail.flowed: paragraphs that were wrapped are one line again (RFC 3676)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.mail.flowed import unwrapped


@pytest.mark.parametrize(
    ("text", "drops_space", "expected"),
    [
        ("one \ntwo\nthree", False, "one two\nthree"),
        ("one \ntwo\nthree", True, "onetwo\nthree"),
        ("one  \ntwo", True, "one two"),
        ("> a \n> b\n>> c \n>> d\ne", False, "> a b\n>> c d\ne"),
        ("> a \nb", False, "> a \nb"),
        ("text \n-- \nJo \nBakker", False, "text \n-- \nJo Bakker"),
        (" > said\n From here", False, " > said\nFrom here"),
        ("one \r\ntwo\r\n", False, "one two\n"),
        ("end ", False, "end "),
        ("", False, ""),
    ],
)
def test_lines_are_put_together(text: str, drops_space: bool, expected: str) -> None:
    assert unwrapped(text, drops_space) == expected


@given(st.text("a >-\n", max_size=60))
def test_no_letter_is_lost(text: str) -> None:
    assert unwrapped(text, drops_space=False).count("a") == text.count("a")
    assert unwrapped(text, drops_space=True).count("a") == text.count("a")
