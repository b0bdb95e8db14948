"""The JSON of `/api/events`."""

from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from repaircafe.dates.forms import as_time
from repaircafe.events.models import Event
from repaircafe.limits import MAX_LINE_CHARS
from repaircafe.settings.values import DATE, LINE, TIME

_stripped = BeforeValidator(lambda given: given.strip() if isinstance(given, str) else given)
_Time = Annotated[str, Field(pattern=f"^(?:{TIME})?$"), _stripped]


class NewEvent(BaseModel):
    """A date to plan. Without `start` and `end`, it has the hours of the settings."""

    model_config = ConfigDict(extra="forbid")

    date: Annotated[str, Field(pattern=f"^(?:{DATE})$", examples=["2026-12-05"]), _stripped]
    start: _Time | None = None
    end: _Time | None = None
    note: Annotated[str, Field(max_length=MAX_LINE_CHARS, pattern=f"^{LINE}$"), _stripped] | None = None


class Row(BaseModel):
    """A date of the list. `start` and `end` are null if nobody knows them yet."""

    id: str
    date: str
    start: str | None
    end: str | None
    cancelled: bool
    note: str

    @classmethod
    def of(cls, event: Event) -> Self:
        """The row of a planned date."""
        when = event.occasion
        return cls(
            id=str(event.id),
            date=when.day.isoformat(),
            start=as_time(when.start) or None,
            end=as_time(when.end) or None,
            cancelled=event.cancelled,
            note=when.note,
        )


class Events(BaseModel):
    """All dates in order, with those that are over or cancelled."""

    events: list[Row]
