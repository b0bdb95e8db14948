"""Status: what health saw of each neighbour, in five-minute buckets."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again. The version before does not read the table."""
    op.create_table(
        "status_strips",
        sa.Column("service", sa.String(20), primary_key=True, comment="The neighbour"),
        sa.Column("day", sa.Date, primary_key=True, comment="In UTC"),
        sa.Column(
            "states",
            sa.dialects.postgresql.BIT(1152),
            nullable=False,
            comment="Four bits for each five minutes; the OR of two is the worse state",
        ),
        sa.Column(
            "turn",
            sa.BigInteger,
            sa.Identity(),
            nullable=False,
            comment="Grows with each change: which rows are the oldest, whatever the clock showed",
        ),
        comment="What health saw of each neighbour, for the Status page. The oldest rows go",
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")
