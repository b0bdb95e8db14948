"""The `settings` table."""

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
