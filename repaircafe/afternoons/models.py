"""The tables of what an afternoon has brought. None has a column for a visitor's name. They are kept for ever."""

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from repaircafe.database.tables import Base
from repaircafe.neighbours.report import Text
from repaircafe.settings.offerings import ONE_OF


class Result(StrEnum):
    """How the repair of a thing ended. `half`: it can still be mended, but not today."""

    MENDED = "mended"
    HALF = "half"
    NOT = "not"
    UNSEEN = "unseen"


class Barrier(StrEnum):
    """Why a thing cannot be mended."""

    NO_PARTS = "no_parts"
    DEAR_PARTS = "dear_parts"
    CLOSED = "closed"
    NO_INFORMATION = "no_information"
    NO_TOOL = "no_tool"
    WORN_OUT = "worn_out"


def _stored(words: type[StrEnum]) -> sa.Enum:
    return sa.Enum(words, native_enum=False, length=20, values_callable=lambda values: [one.value for one in values])


class Afternoon(Base):
    """The numbers that the organiser has typed for a date. Where a number is null, the list of things counts."""

    __tablename__ = "afternoons"
    __table_args__ = ({"comment": "What the organiser says about a date that has been"},)

    event_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("events.id"), primary_key=True, comment="The date")
    visitors: Mapped[int | None] = mapped_column(sa.Integer, comment="How many came; null if nobody has typed it")
    mended: Mapped[int | None] = mapped_column(sa.Integer, comment="As typed; null where the list of things counts")
    half_mended: Mapped[int | None] = mapped_column(
        sa.Integer, comment="As typed; null where the list of things counts"
    )
    not_mended: Mapped[int | None] = mapped_column(sa.Integer, comment="As typed; null where the list of things counts")
    sentence: Mapped[str] = mapped_column(sa.Text, server_default="", comment="The organiser's own words; never logged")
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it was last typed")


class Thing(Base):
    """One thing that somebody brought along, and how its repair ended."""

    __tablename__ = "things"
    __table_args__ = (
        sa.Index(None, "event_id", "number"),
        sa.Index(None, "export_number", unique=True),
        {"comment": "Every thing that was brought along; never who brought it"},
    )

    id: Mapped[uuid.UUID] = mapped_column(
        sa.Uuid, primary_key=True, comment="Given with the form, so that a form that is sent twice makes one thing"
    )
    number: Mapped[int] = mapped_column(
        sa.BigInteger, sa.Identity(), unique=True, comment="The order in which they were recorded"
    )
    export_number: Mapped[int] = mapped_column(
        sa.BigInteger,
        server_default=sa.text("new_export_number()"),
        comment="Its number in an export: random, so that it is never given twice, even after a restored backup",
    )
    event_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("events.id"), comment="The date on which it was brought")
    what: Mapped[str] = mapped_column(sa.Text, comment="What it is, in the café's own words; never logged")
    preset: Mapped[str] = mapped_column(
        sa.String(20), server_default="", comment="The preset of the settings that was tapped; empty for own words"
    )
    kind: Mapped[str] = mapped_column(
        sa.String(20),
        server_default="",
        comment="A category's number, or the word of an unpowered kind; or empty",
    )
    result: Mapped[Result] = mapped_column(_stored(Result), comment="How the repair ended")
    brand: Mapped[str] = mapped_column(sa.Text, server_default="", comment="Empty if unknown")
    made_in: Mapped[int | None] = mapped_column(sa.SmallInteger, comment="Its year; null if unknown")
    age: Mapped[Decimal | None] = mapped_column(sa.Numeric(4, 1), comment="Its age in years; null if unknown")
    barrier: Mapped[Barrier | None] = mapped_column(_stored(Barrier), comment="Why it cannot be mended; null if unsaid")
    problem: Mapped[str] = mapped_column(sa.Text, server_default="", comment="What was wrong with it; never logged")
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it was recorded")

    @property
    def name(self) -> Text:
        """What it is: what was tapped in the language of the reader, or the café's own words."""
        return ONE_OF.get(self.preset) or self.what

    def values(self) -> dict[str, Any]:
        """What can be corrected, by the name of its column."""
        return {name: getattr(self, name) for name in CORRECTABLE}


CORRECTABLE = ("what", "preset", "kind", "result", "brand", "made_in", "age", "barrier", "problem")


class HandIn(Base):
    """What an export says about the café: at most one row."""

    __tablename__ = "hand_ins"
    __table_args__ = (sa.CheckConstraint("id = 1", name="one"), {"comment": "What an export says about the café"})

    id: Mapped[int] = mapped_column(
        sa.SmallInteger, primary_key=True, autoincrement=False, comment="1: there is one row at most"
    )
    prefix: Mapped[str] = mapped_column(sa.String(40), comment="What the id of each row begins with")
    country: Mapped[str] = mapped_column(sa.String(3), comment="ISO 3166-1, three letters")
    group_identifier: Mapped[str] = mapped_column(sa.Text, comment="The café's name or code")
    data_provider: Mapped[str] = mapped_column(
        sa.Text, server_default="", comment="The network; empty if that fills it in"
    )
