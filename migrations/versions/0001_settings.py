"""Settings, the last connection tests, the history of migrations, and new_uuid()."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Time-ordered keys where PostgreSQL can make them; the function is the one place that knows.
NEW_UUID = """
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        CREATE OR REPLACE FUNCTION new_uuid() RETURNS uuid LANGUAGE sql VOLATILE AS 'SELECT uuidv7()';
    ELSE
        CREATE OR REPLACE FUNCTION new_uuid() RETURNS uuid LANGUAGE sql VOLATILE AS 'SELECT gen_random_uuid()';
    END IF;
END
$$
"""


def upgrade() -> None:
    """Goes forward only; safe to run again."""
    op.execute(NEW_UUID)
    op.create_table(
        "migration_history",
        sa.Column("revision", sa.String(255), primary_key=True),
        sa.Column("checksum", sa.String(64), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        if_not_exists=True,
    )
    op.create_table(
        "settings",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("key", sa.String(255), nullable=False, unique=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        if_not_exists=True,
    )
    op.create_table(
        "service_tests",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()")),
        sa.Column("service", sa.String(20), nullable=False, unique=True),
        sa.Column("reason", sa.String(40)),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("latency_ms", sa.Double, nullable=False),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")
