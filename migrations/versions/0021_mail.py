"""The mailbox: what was fetched from it, as text, and which addresses are forgotten."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again. The version before does not read these tables."""
    _create("mail_boxes", "The mailboxes that mail was fetched from", *_box())
    _create("mail_fetches", "The fetches that have read everything that they found", *_fetch())
    _create("mail_threads", "Conversations by mail; no backup contains their rows", *_thread())
    _create("mail_messages", "Mails; no backup contains their rows", *_message())
    _create("mail_forgotten", "The addresses whose mail is not fetched; they cannot be read from it", *_forgotten())
    _index("mail_fetches", "box_id", "ended_at")
    _index("mail_threads", "box_id", "last_at")
    _index("mail_threads", "box_id", "state", "last_at")
    _index("mail_threads", "box_id", "counterpart")
    _index("mail_messages", "thread_id", "arrived_at")
    _index("mail_messages", "box_id", "reply_to", "topic")
    _index("mail_messages", "box_id", "from_address")
    for column in ("ids", "searched"):
        _index("mail_messages", column, using="gin")
    op.create_index(
        "uq_mail_threads_remote_id",
        "mail_threads",
        ["box_id", "remote_id"],
        unique=True,
        postgresql_where=sa.text("remote_id <> ''"),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")


def _box() -> tuple[sa.Column[object] | sa.UniqueConstraint, ...]:
    used = "When a fetch opened it last: of two, the newer one is the café's"
    return (
        _id("Told to nobody outside; its threads and messages name it"),
        sa.Column("kind", sa.String(10), nullable=False, comment="gmail or imap"),
        _required("host", sa.Text, "The IMAP server; empty for Gmail"),
        _required("account", sa.Text, "The IMAP user, or Google's address; never logged"),
        _required("address", sa.Text, "The café's own address; never logged"),
        _required("forget_key", sa.LargeBinary, "Random; with it the forgotten addresses are recognised"),
        sa.Column("token_first_used_at", sa.DateTime(timezone=True), comment="When its present token was first used"),
        sa.Column("token_digest", sa.String(16), nullable=False, server_default="", comment="Which token that was"),
        _moment("created_at", "When it was first fetched"),
        _moment("used_at", used),
        sa.UniqueConstraint("kind", "host", "account"),
    )


def _fetch() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("id", sa.Uuid, primary_key=True, comment="The id of its job"),
        _of_box(),
        _required("cursor", sa.Text, "Where the next fetch begins, in the mailbox's own words"),
        _required("new", sa.Integer, "How many messages were stored"),
        _required("has_more", sa.Boolean, "Whether older messages were left out because of the limit"),
        _moment("ended_at", "When it ended"),
    )


def _thread() -> tuple[sa.Column[object], ...]:
    news = "When something that is not ours was stored last, by our clock"
    return (
        _id("In the address of its page"),
        _of_box(),
        _text("remote_id", "The server's name of the thread; empty if it has none"),
        _text("subject", "Of its newest message; never logged"),
        _text("counterpart", "The address to which an answer goes; never logged"),
        _text("counterpart_name", "As they sign; never logged"),
        sa.Column(
            "state", sa.String(10), nullable=False, server_default="open", comment="Whether it waits for the organiser"
        ),
        sa.Column("kind", sa.String(20), nullable=False, comment="Of the newest message that is not ours"),
        sa.Column("opened_at", sa.DateTime(timezone=True), comment="When the organiser opened it last; null: never"),
        _moment("news_at", news, sa.func.clock_timestamp()),
        _required("last_at", sa.DateTime(timezone=True), "When its newest message arrived, by the server's clock"),
        _moment("created_at", "When it was stored first"),
        _moment("updated_at", "When it last changed"),
    )


def _message() -> tuple[sa.Column[object] | sa.UniqueConstraint, ...]:
    thread = sa.ForeignKey("mail_threads.id", ondelete="CASCADE")
    ids = "Its own Message-ID and all that it refers to: they make a thread"
    return (
        _id("Given when it is stored"),
        _of_box(),
        sa.Column("thread_id", sa.Uuid, thread, nullable=False, comment="The thread"),
        _required("remote_id", sa.Text, "The server's name of the message"),
        _text("message_id", "Its Message-ID"),
        sa.Column("ids", postgresql.ARRAY(sa.Text), nullable=False, server_default="{}", comment=ids),
        _required("is_ours", sa.Boolean, "Whether the café wrote it"),
        _text("from_name", "Never logged"),
        _text("from_address", "Never logged"),
        _text("reply_to", "Where a reply goes; never logged"),
        _text("subject", "Never logged"),
        _text("topic", "The subject without Re: and the like, in small letters; never logged"),
        _required("arrived_at", sa.DateTime(timezone=True), "The server's time"),
        _text("said", "What it says anew; never logged"),
        _text("folded", "What it quotes, and signatures; never logged"),
        _list("layout", "Where said and folded lie in it"),
        sa.Column(
            "hidden", sa.Integer, nullable=False, server_default="0", comment="Pieces of text that a mail program hides"
        ),
        sa.Column("language", sa.String(2), nullable=False, server_default="", comment="ISO 639-1; empty if unknown"),
        sa.Column("kind", sa.String(20), nullable=False, comment="Who or what wrote it"),
        _list("attachments", "Names, types and sizes; never logged"),
        _flag("is_cut", "Whether it was longer than what is kept"),
        _flag("is_unreadable", "Whether it cannot be shown here"),
        _moment("created_at", "When it was stored"),
        sa.Column(
            "searched",
            postgresql.TSVECTOR,
            nullable=False,
            server_default="",
            comment="Its words, for the search; never logged",
        ),
        sa.UniqueConstraint("box_id", "remote_id"),
    )


def _forgotten() -> tuple[sa.Column[object], ...]:
    digest = "HMAC-SHA-256 of the address, by its forget_key"
    return (
        sa.Column("box_id", sa.Uuid, sa.ForeignKey("mail_boxes.id"), primary_key=True, comment="The mailbox"),
        sa.Column("digest", sa.LargeBinary, primary_key=True, comment=digest),
        _moment("created_at", "When it was forgotten"),
    )


def _create(name: str, comment: str, *columns: sa.Column[object] | sa.UniqueConstraint) -> None:
    op.create_table(name, *columns, comment=comment, if_not_exists=True)


def _index(table: str, *columns: str, using: str = "btree") -> None:
    name = f"ix_{table}_{'_'.join(columns)}"
    op.create_index(name, table, list(columns), postgresql_using=using, if_not_exists=True)


def _id(comment: str) -> sa.Column[object]:
    return sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()"), comment=comment)


def _of_box() -> sa.Column[object]:
    return sa.Column("box_id", sa.Uuid, sa.ForeignKey("mail_boxes.id"), nullable=False, comment="The mailbox")


def _required(name: str, kind: sa.types.TypeEngine[Any] | type, comment: str) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False, comment=comment)


def _text(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text, nullable=False, server_default="", comment=comment)


def _list(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.JSONB, nullable=False, server_default="[]", comment=comment)


def _flag(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false(), comment=comment)


def _moment(name: str, comment: str, given: sa.Function[object] | None = None) -> sa.Column[object]:
    now = sa.func.now() if given is None else given
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=now, comment=comment)
