"""What the tests of the facts share: the day on which they read, and a text's claims in its order."""

from datetime import date
from pathlib import Path

from repaircafe.facts.check import claims
from repaircafe.facts.claims import Claim, Kind

WEDNESDAY = date(2026, 11, 25)


def found(text: str, language: str = "") -> list[Claim]:
    """The claims, counts and durations in the order of the text."""
    return list(claims(text, WEDNESDAY, language))


def texts(text: str, kind: Kind, language: str = "") -> list[str]:
    """The parts of the text that are of that kind."""
    return [one.text for one in found(text, language) if one.kind is kind]


def rows(name: str) -> list[list[str]]:
    """The rows of a table beside this file, in columns."""
    lines = (Path(__file__).parent / name).read_text().splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]
