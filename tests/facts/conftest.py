"""The facts that the tables of this folder assume."""

from datetime import date

import pytest

from repaircafe.facts.check import known
from repaircafe.facts.claims import Facts
from repaircafe.settings.definitions import Settings

TODAY = date(2026, 11, 23)


@pytest.fixture
def facts() -> Facts:
    """The facts that the tables (*.tsv) assume."""
    return known(
        Settings.of(
            {
                "event_date": "2026-12-05",
                "event_start": "14:00",
                "event_end": "17:00",
                "event_location": "Buurthuis De Hoek, Dorpsstraat 1, 3512 AB Utrecht",
                "organiser_notes": "A repair is free; coffee costs € 1,50. Mail: info@dehoek.example",
            }
        ),
        TODAY,
    )
