"""What each date has brought: its numbers, the list of things, and what an export says about the café."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BY_LIST = "As typed; null where the list of things counts"


def upgrade() -> None:
    """Goes forward only; safe to run again. The version before does not read these tables.

    It removes only events that it has made itself and that have no numbers, so the foreign keys do not stop it.
    """
    op.create_table(
        "afternoons",
        sa.Column("event_id", sa.Uuid, sa.ForeignKey("events.id"), primary_key=True, comment="The date"),
        sa.Column("visitors", sa.Integer, comment="How many came; null if nobody has typed it"),
        *(sa.Column(name, sa.Integer, comment=BY_LIST) for name in ("mended", "half_mended", "not_mended")),
        _text("sentence", "The organiser's own words; never logged"),
        _moment("updated_at", "When it was last typed"),
        comment="What the organiser says about a date that has been",
        if_not_exists=True,
    )
    op.create_table(
        "things", *_thing(), comment="Every thing that was brought along; never who brought it", if_not_exists=True
    )
    op.create_index("ix_things_event_id_number", "things", ["event_id", "number"], if_not_exists=True)
    op.create_table(
        "hand_ins",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False, comment="1: there is one row at most"),
        sa.Column("prefix", sa.String(40), nullable=False, comment="What the id of each row begins with"),
        sa.Column("country", sa.String(3), nullable=False, comment="ISO 3166-1, three letters"),
        sa.Column("group_identifier", sa.Text, nullable=False, comment="The café's name or code"),
        _text("data_provider", "The network; empty if that fills it in"),
        sa.CheckConstraint("id = 1", name="one"),
        comment="What an export says about the café",
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")


def _thing() -> tuple[sa.Column[object] | sa.UniqueConstraint, ...]:
    once = "Given with the form, so that a form that is sent twice makes one thing"
    kind = "A category's number, or the word of an unpowered kind; or empty"
    date, own = "The date on which it was brought", "What it is, in the café's own words; never logged"
    return (
        sa.Column("id", sa.Uuid, primary_key=True, comment=once),
        sa.Column(
            "number",
            sa.BigInteger,
            sa.Identity(),
            nullable=False,
            comment="Its number in an export; never given twice",
        ),
        sa.Column("event_id", sa.Uuid, sa.ForeignKey("events.id"), nullable=False, comment=date),
        sa.Column("what", sa.Text, nullable=False, comment=own),
        sa.Column("kind", sa.String(20), nullable=False, server_default="", comment=kind),
        sa.Column("result", sa.String(20), nullable=False, comment="How the repair ended"),
        _text("brand", "Empty if unknown"),
        sa.Column("made_in", sa.SmallInteger, comment="Its year; null if unknown"),
        sa.Column("age", sa.Numeric(4, 1), comment="Its age in years; null if unknown"),
        sa.Column("barrier", sa.String(20), comment="Why it cannot be mended; null if unsaid"),
        _text("problem", "What was wrong with it; never logged"),
        _moment("created_at", "When it was recorded"),
        sa.UniqueConstraint("number"),
    )


def _text(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text, nullable=False, server_default="", comment=comment)


def _moment(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), comment=comment)
