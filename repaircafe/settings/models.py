"""The tables of what the organiser sets: `settings` and `logos`."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from repaircafe.database.tables import Base


class Setting(Base):
    """One setting; `value` is in the canonical form of its key."""

    __tablename__ = "settings"

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(255), unique=True)
    value: Mapped[str] = mapped_column(sa.Text)
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class Logo(Base):
    """The café's logo: at most one row."""

    __tablename__ = "logos"
    __table_args__ = (sa.CheckConstraint("id = 1", name="one"), {"comment": "The café's logo"})

    id: Mapped[int] = mapped_column(
        sa.SmallInteger, primary_key=True, autoincrement=False, comment="1: there is one logo at most"
    )
    media_type: Mapped[str] = mapped_column(sa.String(20), comment="image/png or image/svg+xml")
    content: Mapped[bytes] = mapped_column(sa.LargeBinary, comment="The picture, written anew by the app")
    version: Mapped[str] = mapped_column(sa.String(64), comment="SHA-256 of the content; its ETag")
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it was uploaded")
