"""repaircafe.mail.invitations: an event is told in a few lines, and a broken one in none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.mail.invitations import event_of


def _calendar(*lines: str) -> bytes:
    return "\r\n".join(("BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", "")).encode()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("SUMMARY:Overleg\\, kort", "LOCATION:De Klinker"), "Overleg, kort\nDe Klinker"),
        (("DTSTART:20261210T130000Z",), "2026-12-10 13:00 UTC"),
        (("DTSTART;TZID=Europe/Amsterdam:20261210T130000",), "2026-12-10 13:00 CET"),
        (("DTSTART;VALUE=DATE:20261210",), "2026-12-10"),
        (("SUMMARY:a\\nb\u202e",), "a b"),
        (("DTSTART:nonsense",), ""),
        ((), ""),
    ],
)
def test_an_event_is_told_in_lines(lines: tuple[str, ...], told: str) -> None:
    assert event_of(_calendar(*lines)) == told


@pytest.mark.parametrize("content", [b"", b"nonsense", b"BEGIN:VCALENDAR", b"\xff" * 9, _calendar("SUMMARY:x") * 9_000])
def test_a_broken_or_endless_calendar_is_not_told(content: bytes) -> None:
    assert event_of(content) == ""


@given(
    st.lists(
        st.sampled_from(
            ["BEGIN:VEVENT", "END:VEVENT", "DTSTART:x", "RRULE:FREQ=DAILY", "SUMMARY", ";=:", "\t", "X;Y=Z:a"]
        )
    )
)
def test_any_lines_are_told_or_not(lines: list[str]) -> None:
    assert isinstance(event_of(_calendar(*lines)), str)
