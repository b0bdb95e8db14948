"""Things: the preset that was tapped, and a random number in an export. Dates: which one the settings left behind."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again. The version before does not read the columns; their defaults fill them."""
    op.execute(
        "CREATE OR REPLACE FUNCTION new_export_number() RETURNS bigint LANGUAGE sql VOLATILE AS"
        " $$SELECT ('x' || right(replace(gen_random_uuid()::text, '-', ''), 15))::bit(60)::bigint$$"
    )
    preset = "The preset of the settings that was tapped; empty for own words"
    op.add_column(
        "things",
        sa.Column("preset", sa.String(20), nullable=False, server_default="", comment=preset),
        if_not_exists=True,
    )
    number = "Its number in an export: random, so that it is never given twice, even after a restored backup"
    op.add_column("things", sa.Column("export_number", sa.BigInteger, comment=number), if_not_exists=True)
    op.execute("UPDATE things SET export_number = number WHERE export_number IS NULL")  # as it was published
    op.alter_column("things", "export_number", nullable=False, server_default=sa.text("new_export_number()"))
    op.create_index("ix_things_export_number", "things", ["export_number"], unique=True, if_not_exists=True)
    op.alter_column("things", "number", comment="The order in which they were recorded")
    left = "Whether the settings named another date while it lasted; its records keep it on its day"
    op.add_column(
        "events",
        sa.Column("left_behind", sa.Boolean, nullable=False, server_default=sa.false(), comment=left),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")
