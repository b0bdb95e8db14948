"""Announcement texts: the organiser's line for the month as a text has it, so that a new line can replace it."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again. The version before does not read the column."""
    op.add_column(
        "announcement_texts",
        sa.Column(
            "line", sa.Text, comment="The organiser's line for the month as the text has it; null if it is unknown"
        ),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")
