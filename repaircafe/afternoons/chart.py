"""The bars of the chart: where each begins and how long it is, in the units of the drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from repaircafe.afternoons.records import Held

MAX_BARS_COUNT = 12
"""Dates in the chart: a year of them for most cafés. The table has all."""
WIDTH, ROW = 360, 24
LABEL, NUMBER = 106, 40
"""Room for the day on the left, and for the number behind a bar."""
GAP = 1.5
"""Between two parts of a bar, so that they differ for somebody who sees no colours."""
KINDS = ("mended", "half_mended", "not_mended")
"""The parts of a bar, from the left; also their classes in the style sheet."""


@dataclass(frozen=True)
class Part:
    """One colour of a bar."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True)
class Bar:
    """The things of one date."""

    day: date
    y: int
    parts: tuple[Part, ...]
    total: int
    number_x: float


@dataclass(frozen=True)
class Chart:
    """A drawing of `width` by `height` units."""

    bars: tuple[Bar, ...]
    width: int = WIDTH
    row: int = ROW

    @property
    def height(self) -> int:
        """As many rows as there are bars."""
        return len(self.bars) * self.row


def chart(dates: Sequence[Held]) -> Chart:
    """The newest dates of which the number of things is known, the newest first."""
    counted = [(one.day, [getattr(one.summary, kind) or 0 for kind in KINDS]) for one in dates]
    shown = [(day, numbers) for day, numbers in counted if any(numbers)][:MAX_BARS_COUNT]
    most = max((sum(numbers) for _day, numbers in shown), default=1)
    scale = (WIDTH - LABEL - NUMBER) / most
    return Chart(tuple(_bar(place * ROW, day, numbers, scale) for place, (day, numbers) in enumerate(shown)))


def _bar(y: int, day: date, numbers: Sequence[int], scale: float) -> Bar:
    parts, x = [], float(LABEL)
    for kind, number in zip(KINDS, numbers, strict=True):
        if number:
            parts.append(Part(kind, round(x, 1), round(max(number * scale - GAP, 1), 1)))
            x += number * scale
    return Bar(day, y, tuple(parts), sum(numbers), round(x + 4, 1))
