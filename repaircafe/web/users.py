"""The organiser's row and the valid sign-ins, known without waiting for a database that does not answer."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import sqlalchemy as sa
import structlog
from flask import Flask
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from repaircafe.database.errors import reason_in_health, tolerating_outage
from repaircafe.database.tables import Base, db
from repaircafe.limits import MAX_SIGN_IN, SIGN_INS_FRESH_S, SIGN_INS_READ_LIMIT_S
from repaircafe.logs import EventType
from repaircafe.neighbours.deadlines import Cached, DeadlineError
from repaircafe.parts import parts

OPERATOR = "operator"
"""The organiser's name, in the table and in HTTP Basic."""


Result = TypeVar("Result")
log = structlog.get_logger()


class User(Base):
    """Somebody who can sign in."""

    __tablename__ = "users"
    __table_args__ = ({"comment": "Who can sign in"},)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True, comment="Given by the database")
    name: Mapped[str] = mapped_column(sa.String(255), unique=True, comment="What the person signs in with")
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When the user was added")
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When the row was last changed")


class SignIn(Base):
    """One browser in which somebody is signed in. A row can be removed; a signed cookie alone would stay valid."""

    __tablename__ = "sign_ins"
    __table_args__ = ({"comment": "The browsers in which somebody is signed in; the row goes when that ends"},)

    id: Mapped[uuid.UUID] = mapped_column(
        sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()"), comment="What the browser's cookie holds"
    )
    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("users.id", ondelete="CASCADE"), index=True, comment="Who is signed in"
    )
    ends_at: Mapped[datetime] = mapped_column(comment="When it ends by itself")
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When the password was given")
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When the row was last changed")


@dataclass(frozen=True)
class Known:
    """A sign-in, as it was last read from the database."""

    user_id: int
    ends_at: datetime


class Users:
    """The organiser's id, and who is signed in. One per app; all processes share one database."""

    def __init__(self, app: Flask, is_open: Callable[[], bool]) -> None:
        self._app = app
        self._is_open = is_open
        self._sign_ins: Cached[dict[uuid.UUID, Known]] = Cached("sign-ins", SIGN_INS_FRESH_S, SIGN_INS_READ_LIMIT_S)
        self._operator: Cached[int] = Cached("operator", float("inf"), SIGN_INS_READ_LIMIT_S)
        self._ended: set[uuid.UUID] = set()
        parts(app).add(self)

    def operator_id(self) -> int | None:
        """The id of the organiser's row, which is created if it is missing.

        While the database is unavailable, the last known id, or None.
        """
        return self.waited(self._operator, lambda: operator(db.session()))

    def begin(self, session: Session) -> SignIn:
        """Stores a new sign-in of the organiser and returns it. Raises AwayError."""
        now = datetime.now(UTC)
        session.execute(sa.delete(SignIn).where(SignIn.ends_at <= now))
        begun = SignIn(user_id=operator(session), ends_at=now + MAX_SIGN_IN)
        session.add(begun)
        session.commit()
        known = Known(begun.user_id, begun.ends_at)
        self._sign_ins.put({**(self._sign_ins.last or {}), begun.id: known})  # valid even if the next read is slow
        self._sign_ins.expire()
        return begun

    def end(self, session: Session, sign_in: uuid.UUID) -> None:
        """Ends a sign-in: in this process immediately, in others within a second.

        If the database is unavailable, it ends in the others when the database is back.
        """
        self._ended.add(sign_in)
        with tolerating_outage("Sign-in not removed"):
            self._forget_ended(session)
        self._sign_ins.expire()

    def end_others(self, session: Session, keep: uuid.UUID | None) -> None:
        """Ends every sign-in except `keep`, and commits: in this process at once, in others within a second.

        Raises AwayError.
        """
        session.execute(sa.delete(SignIn).where(SignIn.id != keep) if keep else sa.delete(SignIn))
        session.commit()
        self._sign_ins.put({one: known for one, known in (self._sign_ins.last or {}).items() if one == keep})
        self._sign_ins.expire()

    def find(self, sign_in: uuid.UUID) -> Known | None:
        """The sign-in, if it is valid; while the database is unavailable, as it was last known."""
        if sign_in not in (self._sign_ins.last or {}):
            self._sign_ins.expire()  # another process may have just stored it; the cookie is signed, so it is ours
        known = (self.waited(self._sign_ins, lambda: self._read(db.session())) or {}).get(sign_in)
        if known is None or sign_in in self._ended or known.ends_at <= datetime.now(UTC):
            return None
        return known

    def learn(self) -> None:
        """Reads the sign-ins at the start, however slow that is, so that they are known if later reads are too slow.

        Raises AwayError.
        """
        with self._app.app_context():
            self._sign_ins.put(self._read(db.session()))
        self._sign_ins.expire()

    def _read(self, session: Session) -> dict[uuid.UUID, Known]:
        if self._ended:
            self._forget_ended(session)
        return {row.id: Known(row.user_id, row.ends_at) for row in session.scalars(sa.select(SignIn))}

    def _forget_ended(self, session: Session) -> None:
        ended = frozenset(self._ended)
        session.execute(sa.delete(SignIn).where(SignIn.id.in_(ended)))
        session.commit()
        self._ended -= ended

    def waited(self, cached: Cached[Result], work: Callable[[], Result]) -> Result | None:
        """What `work` reads from the database; while that is unavailable, the last known value, or None."""

        def run() -> Result:
            with self._app.app_context():
                return work()

        if not self._is_open():  # nothing may use the database before the app has started
            return cached.last
        try:
            return cached.get(run)
        except Exception as error:
            if not isinstance(error, DeadlineError) and reason_in_health(error) is None:
                log.exception("Sign-ins could not be read", event_type=EventType.DB_ERROR)
            return cached.last


def operator(session: Session) -> int:
    """The id of the organiser's row, which is created if it is missing. Commits. Raises AwayError."""
    found = session.scalar(sa.select(User.id).where(User.name == OPERATOR))
    if found is None:
        upsert = insert(User).values(name=OPERATOR)
        upsert = upsert.on_conflict_do_update(index_elements=[User.name], set_={"updated_at": sa.func.now()})
        found = session.scalars(upsert.returning(User.id)).one()
        session.commit()
    return found


def users() -> Users:
    """The running app's users."""
    return parts()[Users]
