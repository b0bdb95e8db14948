"""The `downloads` table. What each column holds, the database tells."""

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from repaircafe.database.tables import Base
from repaircafe.neighbours.report import Reason


class State(StrEnum):
    """How a download is. `broken`: the process that it was in is gone."""

    UNDER_WAY = "under_way"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    BROKEN = "broken"


class Download(Base):
    """A model that was asked for. Any process may read it; its owner alone writes it, but for `cancel_asked`."""

    __tablename__ = "downloads"

    id: Mapped[uuid.UUID] = mapped_column(
        sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()"), comment="Given by the database"
    )
    model: Mapped[str] = mapped_column(sa.String(200), comment="The model's name, as it was asked for")
    state: Mapped[State] = mapped_column(
        sa.Enum(State, native_enum=False, length=20, values_callable=lambda states: [one.value for one in states]),
        server_default=State.UNDER_WAY,
        comment="How it is",
    )
    status: Mapped[str] = mapped_column(sa.String(200), server_default="", comment="What the server says that it does")
    done: Mapped[int] = mapped_column(sa.BigInteger, server_default="0", comment="Bytes that the server has")
    total: Mapped[int] = mapped_column(
        sa.BigInteger, server_default="0", comment="Bytes in all, as far as they are known; 0 where they are not"
    )
    speed: Mapped[int] = mapped_column(
        sa.BigInteger,
        server_default="0",
        comment="Bytes a second, over the last few seconds; 0 where nothing comes or it is not known",
    )
    free: Mapped[int | None] = mapped_column(
        sa.BigInteger, comment="Bytes free on the disk when they were too few; null otherwise"
    )
    reason: Mapped[Reason | None] = mapped_column(comment="Why it ended as it did: a neighbour's reason")
    cancel_asked: Mapped[bool] = mapped_column(server_default=sa.false(), comment="Somebody pressed Cancel")
    owner: Mapped[int] = mapped_column(sa.BigInteger, comment="Key of the advisory lock of the process that downloads")
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it was asked for")
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When the row was last changed")

    __table_args__ = (
        sa.CheckConstraint(f"state IN {tuple(state.value for state in State)}", name="state"),
        sa.Index("uq_downloads_under_way", "state", unique=True, postgresql_where=sa.text("state = 'under_way'")),
        {"comment": "The models that were downloaded, or are being downloaded"},
    )
