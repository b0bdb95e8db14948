"""Checks a file of the Open Repair Data Standard: `python -m tests.tools.open_repair FILE`.

It knows the standard as its published files really are, and shares no code with the export that it checks. The Table
Schema of the standard would not do: its enumerations are single strings, its pattern of the id wants a hyphen that no
published row has, and it spells a reason otherwise.
"""

import csv
import io
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from babel.core import get_global

HEADER = (
    "id,data_provider,country,partner_product_category,product_category,product_category_id,brand,year_of_manufacture,"
    "product_age,repair_status,repair_barrier_if_end_of_life,group_identifier,event_date,problem"
)
CATEGORIES = (
    "Aircon/dehumidifier",
    "Battery/charger/adapter",
    "Decorative or safety lights",
    "Desktop computer",
    "Digital compact camera",
    "DSLR/video camera",
    "Fan",
    "Flat screen",
    "Hair & beauty item",
    "Handheld entertainment device",
    "Headphones",
    "Hi-Fi integrated",
    "Hi-Fi separates",
    "Kettle",
    "Lamp",
    "Laptop",
    "Large home electrical",
    "Misc",
    "Mobile",
    "Musical instrument",
    "Paper shredder",
    "PC accessory",
    "Portable radio",
    "Power tool",
    "Printer/scanner",
    "Projector",
    "Sewing machine",
    "Small home electrical",
    "Small kitchen item",
    "Tablet",
    "Toaster",
    "Toy",
    "TV and gaming-related accessories",
    "Vacuum",
    "Watch/clock",
    "Coffee maker",
    "Food processor",
    "Games console",
    "Hair dryer",
    "Iron",
)
STATUSES = ("Fixed", "Repairable", "End of life", "Unknown")
BARRIERS = (
    "Spare parts not available",
    "Spare parts too expensive",
    "No way to open product",
    "Repair information not available",
    "Lack of equipment",
    "Item too worn out",
)
SHAPES = {
    "id": (r"[a-z]+_[0-9]+", "is not a prefix, an underscore and a number"),
    "country": (r"[A-Z]{3}", "is not three capital letters"),
    "partner_product_category": (r".+", "is empty"),
    "brand": (r".+", "is empty; unknown is written Unknown"),
    "year_of_manufacture": (r"([0-9]{4})?", "is not a year of four digits"),
    "product_age": (r"([0-9]+(\.[0-9])?)?", "is not a number with at most one decimal"),
    "group_identifier": (r".+", "is empty"),
    "event_date": (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "is not YYYY-MM-DD"),
}
PERSONAL = (
    ("a mail address", re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")),
    ("a telephone number", re.compile(r"(?<![\w.,])(?:\+[0-9]|0[1-9])(?:[ ()/-]{0,2}[0-9]){7,12}(?![\w.])")),
)
Row = Mapping[str, str]


def faults(content: bytes) -> list[str]:
    """Everything that is wrong with the file, each with its row."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return ["file: is not UTF-8"]
    return [*_of_file(text), *_of_rows(text)]


def _of_file(text: str) -> Iterator[str]:
    if text.startswith("\ufeff"):
        yield "file: begins with a byte order mark"
    if "\r" in text:
        yield "file: has a carriage return"
    if not text.endswith("\n"):
        yield "file: its last line does not end"
    header = text.removeprefix("\ufeff").partition("\n")[0].rstrip("\r")
    if header != HEADER:
        yield f"header: {header}"


def _of_rows(text: str) -> Iterator[str]:
    names, seen = HEADER.split(","), set()
    for number, cells in enumerate(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")), 1):
        if number == 1:
            continue
        if len(cells) != len(names):
            yield f"row {number}: has {len(cells)} cells"
            continue
        row = dict(zip(names, cells, strict=True))
        yield from (f"row {number}: {fault}" for fault in _of_row(row))
        if row["id"] in seen:
            yield f"row {number}: id {row['id']} is there twice"
        seen.add(row["id"])


def _of_row(row: Row) -> Iterator[str]:
    for name, (shape, fault) in SHAPES.items():
        if not re.fullmatch(shape, row[name], re.DOTALL):
            yield f"{name} {row[name]!r} {fault}"
    if not _is_country(row["country"]):
        yield f"country {row['country']!r} is no country"
    yield from _of_category(row)
    yield from _of_result(row)
    yield from _of_day(row)
    yield from _of_texts(row)


def _is_country(code: str) -> bool:
    names = get_global("territory_aliases").get(code, ())
    return len(names) == 1 and names[0] in get_global("territory_currencies")


def _of_category(row: Row) -> Iterator[str]:
    name, number = row["product_category"], row["product_category_id"]
    if (name, number) == ("", ""):
        return
    if name not in CATEGORIES:
        yield f"product_category {name!r} is not one of the 40; unpowered things have no place here"
    elif number != str(CATEGORIES.index(name) + 1):
        yield f"product_category_id {number!r} is not that of {name}"


def _of_result(row: Row) -> Iterator[str]:
    status, barrier = row["repair_status"], row["repair_barrier_if_end_of_life"]
    if status not in STATUSES:
        yield f"repair_status {status!r} is not one of {', '.join(STATUSES)}"
    if barrier and barrier not in BARRIERS:
        yield f"repair_barrier_if_end_of_life {barrier!r} is not spelled as in the data"
    if barrier and status != "End of life":
        yield f"repair_barrier_if_end_of_life {barrier!r} stands beside {status}"


def _of_day(row: Row) -> Iterator[str]:
    try:
        date.fromisoformat(row["event_date"])
    except ValueError:
        yield f"event_date {row['event_date']!r} is no day"


def _of_texts(row: Row) -> Iterator[str]:
    for name, cell in row.items():
        if "\n" in cell or "\x00" in cell:
            yield f"{name} has a line break or a NUL"
        if cell != cell.strip():
            yield f"{name} {cell!r} has blanks around it"
        if cell.startswith(("=", "+", "@", "\t")):
            yield f"{name} {cell!r} would be a formula in a spreadsheet"
    for name in ("partner_product_category", "brand", "problem"):
        yield from (f"{name} has {what}" for what, pattern in PERSONAL if pattern.search(row[name]))


if __name__ == "__main__":
    found = faults(Path(sys.argv[1]).read_bytes())
    print("\n".join(found) or "No fault.")
    sys.exit(bool(found))
