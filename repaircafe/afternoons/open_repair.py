"""An export in the columns of the Open Repair Data Standard 0.3, as its published files spell them.

Its files hold powered things alone. Unpowered ones are counted, as in its summary of them. A thing whose kind nobody
has chosen may be either, so it stays out until somebody chooses.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType

from flask_babel import force_locale

from repaircafe.afternoons.kinds import POWERED, UNPOWERED, names_in
from repaircafe.afternoons.models import Barrier, HandIn, Result, Thing
from repaircafe.afternoons.sheets import as_csv

COLUMNS = (
    *("id", "data_provider", "country", "partner_product_category", "product_category", "product_category_id"),
    *("brand", "year_of_manufacture", "product_age", "repair_status", "repair_barrier_if_end_of_life"),
    *("group_identifier", "event_date", "problem"),
)
UNKNOWN_BRAND = "Unknown"
STATUSES: Mapping[Result, str] = MappingProxyType(
    {
        Result.MENDED: "Fixed",
        Result.HALF: "Repairable",
        Result.NOT: "End of life",
        Result.UNSEEN: "Unknown",
    }
)
BARRIERS: Mapping[Barrier, str] = MappingProxyType(
    {
        Barrier.NO_PARTS: "Spare parts not available",
        Barrier.DEAR_PARTS: "Spare parts too expensive",
        Barrier.CLOSED: "No way to open product",
        Barrier.NO_INFORMATION: "Repair information not available",
        Barrier.NO_TOOL: "Lack of equipment",
        Barrier.WORN_OUT: "Item too worn out",
    }
)
"""The phrases of the data. The text of the standard spells two of them in another way."""

Brought = Iterable[tuple[Thing, date]]


def exported(brought: Brought, cafe: HandIn) -> str:
    """The file."""
    names = names_in("en")
    with force_locale("en"):  # what was tapped has one name in the file, whoever reads the page
        rows = [_row(one, day, cafe, names[one.kind]) for one, day in brought if one.kind in POWERED]
    return as_csv(COLUMNS, rows)


def unpowered(brought: Brought) -> dict[tuple[str, Result], int]:
    """How many unpowered things of each kind had each result."""
    counted = Counter((one.kind, one.result) for one, _day in brought if one.kind in UNPOWERED)
    return {(kind, result): counted[kind, result] for kind in UNPOWERED for result in Result if counted[kind, result]}


def texts(one: Thing) -> tuple[str, str, str]:
    """What the file says in the café's own words."""
    return str(one.name), one.brand, one.problem


def _row(one: Thing, day: date, cafe: HandIn, category: str) -> tuple[object, ...]:
    barrier = BARRIERS[one.barrier] if one.barrier and one.result is Result.NOT else ""
    age = "" if one.age is None else f"{one.age.normalize():f}"
    made = one.brand or UNKNOWN_BRAND, one.made_in, age
    begin = f"{cafe.prefix}_{one.export_number}", cafe.data_provider, cafe.country
    end = STATUSES[one.result], barrier, cafe.group_identifier, day.isoformat(), one.problem
    return *begin, str(one.name), category, one.kind, *made, *end
