"""What the home page says of the time until the next repair café, at every hour of the days around it."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from repaircafe.home.countdown import Countdown, countdown
from repaircafe.settings.definitions import Settings

DAY = date(2026, 12, 12)
AFTERNOON = Settings(event_date=DAY, event_start=time(14), event_end=time(17))


def at(text: str, settings: Settings = AFTERNOON) -> Countdown:
    """What the page says at that time at the café."""
    now = datetime.fromisoformat(text).replace(tzinfo=settings.event_zone)
    return countdown(settings, DAY, now)


@pytest.fixture(autouse=True)
def _in_english(app: Flask) -> object:
    with app.test_request_context():
        yield


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-11-29T12:00", "in 13 days"),
        ("2026-12-10T23:59", "in 2 days"),
        ("2026-12-11T00:00", "Tomorrow"),
        ("2026-12-11T23:59", "Tomorrow"),
    ],
)
def test_days_are_counted_by_the_calendar(now: str, words: str) -> None:
    assert at(now) == Countdown(words, is_today=False)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-12-12T00:00", "Today"),
        ("2026-12-12T13:59", "Today"),
        ("2026-12-12T14:00", "Open now until 17:00"),
        ("2026-12-12T16:59:59", "Open now until 17:00"),
    ],
)
def test_on_the_day_it_says_whether_it_is_open(now: str, words: str) -> None:
    assert at(now) == Countdown(words, is_today=True)


def test_without_an_end_or_a_start_it_promises_no_more_than_is_known() -> None:
    no_end = Settings(event_date=DAY, event_start=time(14))
    assert at("2026-12-12T14:00", no_end).words == "Open now"
    assert at("2026-12-12T14:00", Settings(event_date=DAY)).words == "Today"


def test_the_day_is_that_of_the_cafe_and_not_of_the_server() -> None:
    """Eleven at night in UTC is the next day in Amsterdam, and six in the evening in New York."""
    moment = datetime(2026, 12, 11, 23, tzinfo=ZoneInfo("UTC"))
    for zone, words in (("Europe/Amsterdam", "Today"), ("America/New_York", "Tomorrow")):
        assert countdown(AFTERNOON, DAY, moment.astimezone(ZoneInfo(zone))).words == words
