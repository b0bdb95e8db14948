"""A number of bytes in words."""

from flask_babel import format_decimal
from flask_babel import gettext as _

from repaircafe.llm.disk import GIGABYTE
from repaircafe.neighbours.report import Text

MEGABYTE = 1_000_000


def size(count: int) -> Text:
    """A number of bytes for people, in the units that Ollama uses for a model's size."""
    if count < GIGABYTE:
        return _("%(count)s MB", count=format_decimal(count / MEGABYTE, "0"))
    return _("%(count)s GB", count=format_decimal(count / GIGABYTE, "0.0"))
