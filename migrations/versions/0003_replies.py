"""Conversations and replies: whose a conversation is, and what becomes of each question."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATES = "('queued', 'loading', 'reading', 'writing', 'done', 'stopped', 'failed', 'broken')"
UNDER_WAY = "state IN ('queued', 'loading', 'reading', 'writing')"


def upgrade() -> None:
    """Goes forward only; safe to run again."""
    op.create_table(
        "conversations",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()"), comment="The session_id"),
        sa.Column("browser_id", sa.Uuid, comment="The browser that it was begun in; null for a program's"),
        _now("created_at", "When it was begun"),
        _now("updated_at", "When the last question was asked"),
        comment="Whose each conversation is. What was said is in chat_messages, and goes before the row here does",
        if_not_exists=True,
    )
    op.create_index(
        "ix_conversations_browser_id_updated_at", "conversations", ["browser_id", "updated_at"], if_not_exists=True
    )
    op.create_table(
        "replies",
        sa.Column(
            "id",
            sa.Uuid,
            primary_key=True,
            server_default=sa.text("new_uuid()"),
            comment="Given with the question, so that a question that is sent twice is asked once",
        ),
        sa.Column(
            "session_id",
            sa.Uuid,
            sa.ForeignKey("conversations.id", ondelete="CASCADE"),
            nullable=False,
            comment="The conversation",
        ),
        sa.Column(
            "question_id",
            sa.Integer,
            sa.ForeignKey("chat_messages.id", ondelete="CASCADE"),
            nullable=False,
            comment="The message that is answered",
        ),
        sa.Column(
            "message_id",
            sa.Integer,
            sa.ForeignKey("chat_messages.id", ondelete="CASCADE"),
            comment="What was said in the end, among the messages; null until then, and where there is nothing whole",
        ),
        sa.Column("state", sa.String(20), nullable=False, server_default="queued", comment="How far it is"),
        sa.Column(
            "content",
            sa.Text,
            nullable=False,
            server_default="",
            comment="What has been said so far; empty once it is a message; never logged",
        ),
        sa.Column("reason", sa.String(40), comment="Why it ended as it did: a neighbour's reason"),
        sa.Column("stop_asked", sa.Boolean, nullable=False, server_default=sa.false(), comment="Somebody pressed Stop"),
        sa.Column(
            "owner", sa.BigInteger, nullable=False, comment="Key of the advisory lock of the process that makes it"
        ),
        _now("created_at", "When it was asked for; the queue's order"),
        _now("updated_at", "When the row was last changed"),
        sa.Column("began_at", sa.DateTime(timezone=True), comment="When its turn came"),
        sa.Column("first_word_at", sa.DateTime(timezone=True), comment="When the first word was said"),
        sa.CheckConstraint(f"state IN {STATES}", name="state"),
        comment="What becomes of each question, while it is answered and afterwards",
        if_not_exists=True,
    )
    for column in ("session_id", "question_id", "message_id"):
        op.create_index(f"ix_replies_{column}", "replies", [column], if_not_exists=True)
    # Every page that waits asks for the few that are under way; of all the others this index knows nothing.
    op.create_index(
        "ix_replies_under_way", "replies", ["created_at"], postgresql_where=sa.text(UNDER_WAY), if_not_exists=True
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")


def _now(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), comment=comment)
