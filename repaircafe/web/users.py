"""The operator's row and the sign-ins that hold, known without waiting for a database that does not answer."""

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

from repaircafe.database.errors import is_told_by_health, tolerating_outage
from repaircafe.database.tables import Base, db
from repaircafe.limits import MAX_SIGN_IN, SIGN_INS_FRESH_S, SIGN_INS_READ_LIMIT_S
from repaircafe.logs import EventType
from repaircafe.neighbours.deadlines import Cached, DeadlineError
from repaircafe.parts import parts

OPERATOR = "operator"
"""The one who can sign in: the name in the table and in HTTP Basic."""


Result = TypeVar("Result")
log = structlog.get_logger()


class User(Base):
    """Somebody who can sign in. The password is in .env."""

    __tablename__ = "users"
    __table_args__ = ({"comment": "Who can sign in. Passwords are in .env alone"},)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True, comment="Given by the database")
    name: Mapped[str] = mapped_column(sa.String(255), unique=True, comment="What the person signs in with")
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When the user was added")
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When the row was last changed")


class SignIn(Base):
    """One browser in which somebody is signed in. A signed cookie alone could not be taken back."""

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
    """A sign-in as it was read."""

    user_id: int
    ends_at: datetime


class Users:
    """Who the operator is, and who is signed in. One per app; all processes share what the database says."""

    def __init__(self, app: Flask, is_open: Callable[[], bool]) -> None:
        self._app = app
        self._is_open = is_open
        self._sign_ins: Cached[dict[uuid.UUID, Known]] = Cached("sign-ins", SIGN_INS_FRESH_S, SIGN_INS_READ_LIMIT_S)
        self._operator: Cached[int] = Cached("operator", float("inf"), SIGN_INS_READ_LIMIT_S)
        self._ended: set[uuid.UUID] = set()
        parts(app).add(self)

    def operator_id(self) -> int | None:
        """The id of the operator's row, which is made where it is missing; None while the database is away."""
        return self._waited(self._operator, lambda: operator(db.session()))

    def begin(self, session: Session) -> SignIn:
        """A new sign-in of the operator's, stored. Raises the database's errors."""
        now = datetime.now(UTC)
        session.execute(sa.delete(SignIn).where(SignIn.ends_at <= now))
        begun = SignIn(user_id=operator(session), ends_at=now + MAX_SIGN_IN)
        session.add(begun)
        session.commit()
        known = Known(begun.user_id, begun.ends_at)
        self._sign_ins.put({**(self._sign_ins.last or {}), begun.id: known})  # holds however slow the next read is
        self._sign_ins.expire()
        return begun

    def end(self, session: Session, sign_in: uuid.UUID) -> None:
        """Ends a sign-in: here at once, elsewhere within a second; while the database is away, when it is back."""
        self._ended.add(sign_in)
        with tolerating_outage("Sign-in not removed"):
            self._forget_ended(session)
        self._sign_ins.expire()

    def find(self, sign_in: uuid.UUID) -> Known | None:
        """The sign-in where it holds; while the database is away, as it was known last."""
        if sign_in not in (self._sign_ins.last or {}):
            self._sign_ins.expire()  # another process may have begun it just now; the cookie is signed, so it is ours
        known = (self._waited(self._sign_ins, lambda: self._read(db.session())) or {}).get(sign_in)
        if known is None or sign_in in self._ended or known.ends_at <= datetime.now(UTC):
            return None
        return known

    def learn(self) -> None:
        """Reads what is known until the first reading that is quick enough. Raises the database's errors."""
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

    def _waited(self, cached: Cached[Result], work: Callable[[], Result]) -> Result | None:
        def run() -> Result:
            with self._app.app_context():
                return work()

        if not self._is_open():  # nothing touches the database before the doors are open
            return cached.last
        try:
            return cached.get(run)
        except Exception as error:
            if not isinstance(error, DeadlineError) and not is_told_by_health(error):
                log.exception("Sign-ins cannot be read", event_type=EventType.DB_ERROR)
            return cached.last


def operator(session: Session) -> int:
    """The id of the operator's row, which is made where it is missing. Commits. Raises the database's errors."""
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
