"""Events: what visitors' calendars know each repair café by, so that a change replaces what they have."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again."""
    op.create_table(
        "events",
        sa.Column(
            "id",
            sa.Uuid,
            primary_key=True,
            server_default=sa.text("new_uuid()"),
            comment="The UID of the calendar entry",
        ),
        sa.Column("day", sa.Date, nullable=False, unique=True, comment="When it is, as far as is known"),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of what calendars were told last"),
        sa.Column("sequence", sa.Integer, nullable=False, server_default="0", comment="How often that has changed"),
        _now("created_at", "When it was first asked for"),
        _now("updated_at", "When what is told last changed"),
        comment="What visitors' calendars know each repair café by",
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")


def _now(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), comment=comment)
