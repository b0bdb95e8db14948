"""Tables as files: for spreadsheets, and for whoever collects repairs. Both are UTF-8 with LF at the end of a line."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from repaircafe.afternoons.records import Held

_FORMULA = re.compile(r"""((?:^|[;,\t"])[\s"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])""")
"""A spreadsheet takes a cell that begins with one of these signs for a formula (OWASP, 'CSV Injection'). A cell may
also begin in the middle of a text: where another separator is usual, the spreadsheet cuts there."""
_COMMA_LANGUAGES = frozenset({"en"})
BYTE_ORDER_MARK = "\ufeff"
SO_FAR = ("date", "visitors", "mended", "half_mended", "not_mended", "things_in_the_list", "sentence")
"""The names are the same in every language, so that a sheet made once reads every later file."""


def harmless(text: str) -> str:
    """The text, with an apostrophe wherever a spreadsheet could see the beginning of a formula."""
    return _FORMULA.sub(r"\1'", text)


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The table with its header, with commas. None is an empty cell."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([harmless("" if cell is None else str(cell)) for cell in row] for row in rows)
    return file.getvalue()


def so_far(dates: Iterable[Held], language: str) -> str:
    """Every date that something is known about, the oldest first, as a spreadsheet opens it in that language.

    A text is always in quotation marks, because LibreOffice cuts at commas and at semicolons.
    """
    known = sorted((one for one in dates if not one.summary.is_empty), key=lambda one: one.day)
    file = io.StringIO(BYTE_ORDER_MARK)
    file.seek(0, io.SEEK_END)
    separator = "," if language in _COMMA_LANGUAGES else ";"
    writer = csv.writer(file, delimiter=separator, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(SO_FAR)
    writer.writerows((one.day.isoformat(), *_cells(one)) for one in known)
    return file.getvalue()


def _cells(one: Held) -> tuple[object, ...]:
    numbers = one.summary
    counted = numbers.visitors, numbers.mended, numbers.half_mended, numbers.not_mended
    return *counted, numbers.things, harmless(numbers.typed.sentence)
