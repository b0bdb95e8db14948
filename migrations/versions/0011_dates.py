"""Events: every date of the café, no longer only those that a calendar has asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

HELD_ON = "ALTER TABLE events ADD COLUMN IF NOT EXISTS held_on date CONSTRAINT uq_events_held_on UNIQUE"
PASSED = "UPDATE events SET held_on = day WHERE held_on IS NULL AND day < current_date"
"""What has passed is kept. The next date is taken from the settings when the app starts: calendars may not have asked
for it yet, and may know an earlier day."""


def upgrade() -> None:
    """Goes forward only; safe to run again.

    The version before writes rows with `day` alone, and reads only the `day` of the next date: later ones have none.
    """
    op.execute(HELD_ON)
    op.alter_column("events", "held_on", comment="When it is; null if only the version before knows it")
    for column in _added():
        op.add_column("events", column, if_not_exists=True)
    op.alter_column(
        "events",
        "day",
        nullable=True,
        existing_comment="When it is, as far as is known",
        comment="For the version before: the same day, but null while an earlier date is the next one",
    )
    op.alter_column(
        "events",
        "digest",
        server_default="",
        existing_comment="SHA-256 of what calendars were told last",
        comment="SHA-256 of what calendars were told last; empty before",
    )
    op.alter_column(
        "events", "created_at", existing_comment="When it was first asked for", comment="When it was planned"
    )
    op.create_table_comment(
        "events",
        "Every date of the café, and what visitors' calendars know it by",
        existing_comment="What visitors' calendars know each repair café by",
    )
    op.execute(PASSED)


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")


def _added() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("starts_at", sa.Time, comment="On the café's clock; null if nobody knows yet"),
        sa.Column("ends_at", sa.Time, comment="On the café's clock; null if nobody knows yet"),
        sa.Column(
            "cancelled", sa.Boolean, nullable=False, server_default=sa.false(), comment="Whether it does not take place"
        ),
        sa.Column("note", sa.Text, nullable=False, server_default="", comment="The organiser's words about this date"),
    )
