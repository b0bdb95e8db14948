"""The words of the pages for results, reasons and numbers, and what the forms offer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType

from flask_babel import lazy_gettext as _l

from repaircafe.afternoons.models import Barrier, Result
from repaircafe.afternoons.records import Held, Summary
from repaircafe.neighbours.report import Text
from repaircafe.settings.definitions import Settings
from repaircafe.settings.offerings import ONE_OF, PRESETS, Offering, offerings

RESULTS: Mapping[Result, Text] = MappingProxyType(
    {
        Result.MENDED: _l("Mended"),
        Result.HALF: _l("Half mended"),
        Result.NOT: _l("Not mended"),
        Result.UNSEEN: _l("Not looked at"),
    }
)
ANSWERS: Mapping[Result, Text] = MappingProxyType(
    {Result.MENDED: _l("yes"), Result.HALF: _l("half"), Result.NOT: _l("no"), Result.UNSEEN: _l("not looked at")}
)
"""What RepairMonitor asks: was it mended? It has no word for the last one."""
PILLS: Mapping[Result, str] = MappingProxyType(
    {Result.MENDED: "ok", Result.HALF: "degraded", Result.NOT: "unreachable", Result.UNSEEN: "unconfigured"}
)
BARRIERS: Mapping[Barrier, Text] = MappingProxyType(
    {
        Barrier.NO_PARTS: _l("No spare part to be had"),
        Barrier.DEAR_PARTS: _l("Spare part too expensive"),
        Barrier.CLOSED: _l("It cannot be opened"),
        Barrier.NO_INFORMATION: _l("Nobody knows how"),
        Barrier.NO_TOOL: _l("The right tool is missing"),
        Barrier.WORN_OUT: _l("Too worn out"),
    }
)
NUMBERS: Mapping[str, Text] = MappingProxyType(
    {
        "visitors": _l("Visitors"),
        "mended": RESULTS[Result.MENDED],
        "half_mended": RESULTS[Result.HALF],
        "not_mended": RESULTS[Result.NOT],
    }
)


@dataclass(frozen=True)
class Year:
    """The sums of a year, over the dates of which each number is known."""

    year: int
    dates: int
    known: int
    """How many of the dates have any numbers."""
    totals: Mapping[str, int | None]
    """By the names of NUMBERS; None if no date has that number."""


def years(dates: Sequence[Held]) -> list[Year]:
    """The sums of each year, the newest first. The dates must be in that order, too."""
    return [_year(year, [one.summary for one in those]) for year, those in groupby(dates, lambda one: one.day.year)]


def quick_choices(settings: Settings) -> tuple[Offering, ...]:
    """What the café repairs, as the settings say; every preset if they say nothing. Each by its singular."""
    offered = settings.offerings or offerings(PRESETS)
    return tuple(replace(one, label=ONE_OF.get(one.key, one.label)) for one in offered)


def _year(year: int, found: Sequence[Summary]) -> Year:
    return Year(year, len(found), sum(not one.is_empty for one in found), {name: _sum(name, found) for name in NUMBERS})


def _sum(name: str, found: Sequence[Summary]) -> int | None:
    known = [number for one in found if (number := getattr(one, name)) is not None]
    return sum(known) if known else None
