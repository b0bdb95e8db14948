"""A finding's facts, as the page says them in the reader's language."""

from datetime import date, time
from decimal import Decimal

from babel.dates import get_day_names
from flask_babel import format_decimal, get_locale

from repaircafe.facts.claims import Finding, Kind, Value
from repaircafe.web.languages import in_words


def facts_of(finding: Finding) -> list[str]:
    """What is known of that kind, in its order; empty where nothing is."""
    in_order = sorted(finding.known)  # type: ignore[type-var]  # all are of one type, and each type has an order
    return [_said(finding.claim.kind, value) for value in in_order if value != ""]


def _said(kind: Kind, value: Value) -> str:
    if kind is Kind.WEEKDAY and isinstance(value, int):
        return str(get_day_names("wide", locale=get_locale())[value])
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, Decimal):
        return f"€ {format_decimal(value, '0.00')}"
    return in_words(value, "full") if isinstance(value, date) else str(value)
