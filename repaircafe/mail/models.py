"""The tables of the mailbox. No backup contains what strangers wrote: the rows of mail_threads and mail_messages."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from repaircafe.database.tables import Base
from repaircafe.work.models import Job


class ThreadState(StrEnum):
    """Whether a thread waits for the organiser."""

    OPEN = "open"
    DONE = "done"


class Fetch(Job):
    """A fetch of the mailbox, as a job. Its progress: threads or messages `done` of `total`, and `new` messages."""

    __mapper_args__ = {"polymorphic_identity": "fetch"}  # noqa: RUF012  SQLAlchemy asks for a dict

    reached: ClassVar["EndedFetch | None"] = None
    """What is stored with its end, if it has read everything."""

    @property
    def done(self) -> int:
        """How many messages or threads have been stored or left out."""
        return int(self.progress.get("done", 0))

    @property
    def total(self) -> int:
        """How many messages or threads there are to look at; 0 while that is not known."""
        return int(self.progress.get("total", 0))

    @property
    def new(self) -> int:
        """How many messages have been stored."""
        return int(self.progress.get("new", 0))


class Box(Base):
    """A mailbox that mail was fetched from."""

    __tablename__ = "mail_boxes"

    id: Mapped[uuid.UUID] = mapped_column(
        sa.Uuid,
        primary_key=True,
        server_default=sa.text("new_uuid()"),
        comment="Told to nobody outside; its threads and messages name it",
    )
    kind: Mapped[str] = mapped_column(sa.String(10), comment="gmail or imap")
    host: Mapped[str] = mapped_column(sa.Text, comment="The IMAP server; empty for Gmail")
    account: Mapped[str] = mapped_column(sa.Text, comment="The IMAP user, or Google's address; never logged")
    address: Mapped[str] = mapped_column(sa.Text, comment="The café's own address; never logged")
    forget_key: Mapped[bytes] = mapped_column(comment="Random; with it the forgotten addresses are recognised")
    token_first_used_at: Mapped[datetime | None] = mapped_column(comment="When its present token was first used")
    token_digest: Mapped[str] = mapped_column(sa.String(16), server_default="", comment="Which token that was")
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it was first fetched")
    used_at: Mapped[datetime] = mapped_column(
        server_default=sa.func.now(), comment="When a fetch opened it last: of two, the newer one is the café's"
    )

    __table_args__ = (
        sa.UniqueConstraint("kind", "host", "account"),
        {"comment": "The mailboxes that mail was fetched from"},
    )


class EndedFetch(Base):
    """A fetch that has read everything that it found. The newest one of a mailbox says where the next begins."""

    __tablename__ = "mail_fetches"

    id: Mapped[uuid.UUID] = mapped_column(sa.Uuid, primary_key=True, comment="The id of its job")
    box_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("mail_boxes.id"), comment="The mailbox")
    cursor: Mapped[str] = mapped_column(sa.Text, comment="Where the next fetch begins, in the mailbox's own words")
    new: Mapped[int] = mapped_column(comment="How many messages were stored")
    has_more: Mapped[bool] = mapped_column(comment="Whether older messages were left out because of the limit")
    ended_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it ended")

    __table_args__ = (
        sa.Index(None, "box_id", "ended_at"),
        {"comment": "The fetches that have read everything that they found"},
    )


class Thread(Base):
    """A conversation by mail."""

    __tablename__ = "mail_threads"

    id: Mapped[uuid.UUID] = mapped_column(
        sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()"), comment="In the address of its page"
    )
    box_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("mail_boxes.id"), comment="The mailbox")
    remote_id: Mapped[str] = mapped_column(
        sa.Text, server_default="", comment="The server's name of the thread; empty if it has none"
    )
    subject: Mapped[str] = mapped_column(sa.Text, server_default="", comment="Of its newest message; never logged")
    counterpart: Mapped[str] = mapped_column(
        sa.Text, server_default="", comment="The address to which an answer goes; never logged"
    )
    counterpart_name: Mapped[str] = mapped_column(sa.Text, server_default="", comment="As they sign; never logged")
    state: Mapped[ThreadState] = mapped_column(
        sa.Enum(
            ThreadState, native_enum=False, length=10, values_callable=lambda states: [one.value for one in states]
        ),
        server_default=ThreadState.OPEN,
        comment="Whether it waits for the organiser",
    )
    kind: Mapped[str] = mapped_column(sa.String(20), comment="Of the newest message that is not ours")
    opened_at: Mapped[datetime | None] = mapped_column(comment="When the organiser opened it last; null: never")
    news_at: Mapped[datetime] = mapped_column(
        server_default=sa.func.clock_timestamp(),
        comment="When something that is not ours was stored last, by our clock",
    )
    last_at: Mapped[datetime] = mapped_column(comment="When its newest message arrived, by the server's clock")
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it was stored first")
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it last changed")

    messages: Mapped[list["Message"]] = relationship(
        order_by="Message.arrived_at, Message.id", passive_deletes=True, back_populates="thread", lazy="raise"
    )

    __table_args__ = (
        sa.Index(
            "uq_mail_threads_remote_id", "box_id", "remote_id", unique=True, postgresql_where=sa.text("remote_id <> ''")
        ),
        sa.Index(None, "box_id", "last_at"),
        sa.Index(None, "box_id", "state", "last_at"),
        sa.Index(None, "box_id", "counterpart"),
        {"comment": "Conversations by mail; no backup contains their rows"},
    )

    @property
    def is_unread(self) -> bool:
        """Whether something has come since the organiser opened it, and she has not answered it elsewhere."""
        return self.state is ThreadState.OPEN and (self.opened_at is None or self.opened_at < self.news_at)


class Message(Base):
    """A mail, as text that a person can work with."""

    __tablename__ = "mail_messages"

    id: Mapped[uuid.UUID] = mapped_column(
        sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()"), comment="Given when it is stored"
    )
    box_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("mail_boxes.id"), comment="The mailbox")
    thread_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("mail_threads.id", ondelete="CASCADE"), comment="The thread"
    )
    remote_id: Mapped[str] = mapped_column(sa.Text, comment="The server's name of the message")
    message_id: Mapped[str] = mapped_column(sa.Text, server_default="", comment="Its Message-ID")
    ids: Mapped[list[str]] = mapped_column(
        ARRAY(sa.Text), server_default="{}", comment="Its own Message-ID and all that it refers to: they make a thread"
    )
    is_ours: Mapped[bool] = mapped_column(comment="Whether the café wrote it")
    from_name: Mapped[str] = mapped_column(sa.Text, server_default="", comment="Never logged")
    from_address: Mapped[str] = mapped_column(sa.Text, server_default="", comment="Never logged")
    reply_to: Mapped[str] = mapped_column(sa.Text, server_default="", comment="Where a reply goes; never logged")
    subject: Mapped[str] = mapped_column(sa.Text, server_default="", comment="Never logged")
    topic: Mapped[str] = mapped_column(
        sa.Text, server_default="", comment="The subject without Re: and the like, in small letters; never logged"
    )
    arrived_at: Mapped[datetime] = mapped_column(comment="The server's time")
    said: Mapped[str] = mapped_column(sa.Text, server_default="", comment="What it says anew; never logged")
    folded: Mapped[str] = mapped_column(
        sa.Text, server_default="", comment="What it quotes, and signatures; never logged"
    )
    layout: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]", comment="Where said and folded lie in it")
    hidden: Mapped[int] = mapped_column(server_default="0", comment="Pieces of text that a mail program hides")
    language: Mapped[str] = mapped_column(sa.String(2), server_default="", comment="ISO 639-1; empty if unknown")
    kind: Mapped[str] = mapped_column(sa.String(20), comment="Who or what wrote it")
    attachments: Mapped[list[Any]] = mapped_column(
        JSONB, server_default="[]", comment="Names, types and sizes; never logged"
    )
    is_cut: Mapped[bool] = mapped_column(server_default=sa.false(), comment="Whether it was longer than what is kept")
    is_unreadable: Mapped[bool] = mapped_column(server_default=sa.false(), comment="Whether it cannot be shown here")
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it was stored")
    searched: Mapped[str] = mapped_column(
        TSVECTOR, server_default="", deferred=True, comment="Its words, for the search; never logged"
    )

    thread: Mapped[Thread] = relationship(back_populates="messages", lazy="raise")

    __table_args__ = (
        sa.UniqueConstraint("box_id", "remote_id"),
        sa.Index(None, "thread_id", "arrived_at"),
        sa.Index(None, "box_id", "reply_to", "topic"),
        sa.Index(None, "box_id", "from_address"),
        sa.Index("ix_mail_messages_ids", "ids", postgresql_using="gin"),
        sa.Index("ix_mail_messages_searched", "searched", postgresql_using="gin"),
        {"comment": "Mails; no backup contains their rows"},
    )


class Forgotten(Base):
    """An address whose mail is not to be fetched again."""

    __tablename__ = "mail_forgotten"

    box_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("mail_boxes.id"), primary_key=True, comment="The mailbox")
    digest: Mapped[bytes] = mapped_column(primary_key=True, comment="HMAC-SHA-256 of the address, by its forget_key")
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When it was forgotten")

    __table_args__ = ({"comment": "The addresses whose mail is not fetched; they cannot be read from it"},)
