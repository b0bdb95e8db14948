"""The `announcements` table. What each column holds, the database tells."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from repaircafe.database.tables import Base


class Announcement(Base):
    """The conversation in which the model has written a text; one for each form and language."""

    __tablename__ = "announcements"
    __table_args__ = ({"comment": "Which texts the model has written; the words are among the messages"},)

    form: Mapped[str] = mapped_column(sa.String(20), primary_key=True, comment="Where the text is to stand")
    language: Mapped[str] = mapped_column(sa.String(2), primary_key=True, comment="ISO 639-1 code of its language")
    session_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("conversations.id", ondelete="CASCADE"),
        index=True,
        comment="The conversation in which it was asked for; the row goes with it",
    )
    created_at: Mapped[datetime] = mapped_column(
        server_default=sa.func.now(), comment="When a text was first asked for"
    )
    updated_at: Mapped[datetime] = mapped_column(
        server_default=sa.func.now(), comment="When the present one was asked for"
    )
