"""Announcements: in which conversations the model has written texts to announce the next repair café."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again."""
    op.create_table(
        "announcements",
        sa.Column("form", sa.String(20), primary_key=True, comment="Where the text is to stand"),
        sa.Column("language", sa.String(2), primary_key=True, comment="ISO 639-1 code of its language"),
        sa.Column(
            "session_id",
            sa.Uuid,
            sa.ForeignKey("conversations.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
            comment="The conversation in which it was asked for; the row goes with it",
        ),
        _now("created_at", "When a text was first asked for"),
        _now("updated_at", "When the present one was asked for"),
        comment="Which texts the model has written; the words are among the messages",
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")


def _now(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), comment=comment)
