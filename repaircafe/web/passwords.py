"""What opens the organiser's pages: the password of `.env`, the one chosen in a page, or the code that comes before."""

import threading
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
import structlog
from flask import Flask
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.security import generate_password_hash

from repaircafe.database.tables import Base, db
from repaircafe.environment import Environment
from repaircafe.limits import HASHES_AT_ONCE_COUNT, SIGN_INS_FRESH_S, SIGN_INS_READ_LIMIT_S
from repaircafe.logs import EventType
from repaircafe.neighbours.deadlines import Cached
from repaircafe.parts import parts
from repaircafe.web import throttle
from repaircafe.web.users import OPERATOR, Users

METHOD = "scrypt:32768:8:1"
"""werkzeug's name for scrypt with n = 2**15, r = 8 and p = 1: 32 MB and a third of a second on a Pi."""

log = structlog.get_logger()


class Password(Base):
    """The hash of a password that was chosen in a page. No backup contains the rows of this table."""

    __tablename__ = "passwords"
    __table_args__ = ({"comment": "Passwords chosen in a page; no backup contains these rows"},)

    name: Mapped[str] = mapped_column(sa.String(255), primary_key=True, comment="Whose it is, as in users.name")
    hash: Mapped[str] = mapped_column(sa.Text, comment="By scrypt, with its parameters and its salt")
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When the first was chosen")
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), comment="When this one was chosen")


class Way(StrEnum):
    """The ways into the organiser's pages. At any moment exactly one of them is open."""

    TRIAL = "trial"
    """Nothing is asked for: whoever uses this machine is the organiser."""
    FILE = "file"
    """OPERATOR_PASSWORD of `.env`, which counts before a chosen password: it is the way back in."""
    CHOSEN = "chosen"
    CODE = "code"
    """SETUP_CODE of `.env`, until a password is chosen."""
    UNKNOWN = "unknown"
    """The database has not been read yet, so nobody knows whether a password is chosen."""


@dataclass(frozen=True)
class Secret:
    """What opens the pages now: a password, its hash or the code. Empty where nothing opens them."""

    way: Way
    text: str = field(default="", repr=False)


class Hashing:
    """Limits the memory and the threads that slow hashes use, however many passwords come at once."""

    def __init__(self, threads: int) -> None:
        self._room = threading.BoundedSemaphore(max(1, threads // 2))
        self._turns = threading.BoundedSemaphore(HASHES_AT_ONCE_COUNT)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for one of HASHES_AT_ONCE_COUNT turns. Raises PageError if half of the threads wait already."""
        if not self._room.acquire(blocking=False):
            raise throttle.too_many(1)
        try:
            with self._turns:
                yield
        finally:
            self._room.release()


class Passwords:
    """Knows what opens the pages, also while the database does not answer. One per app."""

    def __init__(self, app: Flask, users: Users) -> None:
        self._environment = parts(app)[Environment]
        self._hashing = parts(app).add(Hashing(self._environment.threads))
        self._app = app
        self._users = users
        self._hash: Cached[str] = Cached("password", SIGN_INS_FRESH_S, SIGN_INS_READ_LIMIT_S)
        parts(app).add(self)

    def secret(self) -> Secret:
        """What opens the pages now."""
        environment = self._environment
        if environment.operator_password is not None:
            return Secret(Way.FILE, environment.operator_password.get_secret_value())
        if environment.setup_code is None:
            return Secret(Way.TRIAL)
        chosen = self._chosen()
        if chosen is None:
            return Secret(Way.UNKNOWN)
        return Secret(Way.CHOSEN, chosen) if chosen else Secret(Way.CODE, environment.setup_code.get_secret_value())

    def is_chosen(self) -> bool:
        """Whether a password was chosen in a page, as far as that is known."""
        return bool(self._chosen())

    def choose(self, session: Session, password: str, keep: uuid.UUID | None = None, *, is_first: bool = False) -> bool:
        """Stores the hash of a new password and ends all sign-ins except `keep`, both or neither.

        `is_first`: changes nothing if there is a password already; returns whether it was stored. Raises AwayError, and
        PageError if too many passwords come at once.
        """
        with self._hashing.turn():
            made = generate_password_hash(normal(password), METHOD)
        upsert = insert(Password).values(name=OPERATOR, hash=made)
        if is_first:
            upsert = upsert.on_conflict_do_nothing()
        else:
            upsert = upsert.on_conflict_do_update(
                index_elements=[Password.name], set_={"hash": made, "updated_at": sa.func.now()}
            )
        if session.scalar(upsert.returning(Password.name)) is None:
            session.rollback()
            self._hash.expire()
            return False
        self._users.end_others(session, keep)
        self._hash.put(made)
        log.info("Password chosen", event_type=EventType.SIGN_IN)
        return True

    def learn(self) -> None:
        """Reads the hash at the start, so that it is known if later reads are too slow. Raises AwayError."""
        with self._app.app_context():
            self._hash.put(_read(db.session()))
        self._hash.expire()

    def _chosen(self) -> str | None:
        """The hash of the chosen password; empty if none is chosen, None if that is not known."""
        return self._users.waited(self._hash, lambda: _read(db.session()))


def _read(session: Session) -> str:
    return session.scalar(sa.select(Password.hash).where(Password.name == OPERATOR)) or ""


def normal(password: str) -> str:
    """The form in which a chosen password is hashed: keyboards differ in how they write an accent (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)


def passwords() -> Passwords:
    """The running app's passwords."""
    return parts()[Passwords]
