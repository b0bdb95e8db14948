"""Tables as files for spreadsheets: UTF-8 without a byte order mark, commas, and LF at the end of a line."""

import csv
import io
from collections.abc import Iterable, Sequence

from repaircafe.afternoons.records import Held

SIGNS = ("=", "+", "-", "@")
"""A spreadsheet takes a cell that begins with one of these for a formula (OWASP, 'CSV Injection')."""
SO_FAR = ("date", "visitors", "mended", "half_mended", "not_mended", "things_in_the_list", "sentence")
"""The names are the same in every language, so that a sheet made once reads every later file."""


def harmless(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet could take it for a formula."""
    return f"'{text}" if text.startswith(SIGNS) else text


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The table with its header. None is an empty cell."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([harmless("" if cell is None else str(cell)) for cell in row] for row in rows)
    return file.getvalue()


def so_far(dates: Iterable[Held]) -> str:
    """Every date that something is known about, the oldest first."""
    known = sorted((one for one in dates if not one.summary.is_empty), key=lambda one: one.day)
    return as_csv(SO_FAR, ((one.day.isoformat(), *_cells(one)) for one in known))


def _cells(one: Held) -> tuple[object, ...]:
    numbers = one.summary
    counted = numbers.visitors, numbers.mended, numbers.half_mended, numbers.not_mended
    return *counted, numbers.things, numbers.typed.sentence
