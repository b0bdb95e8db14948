"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")
