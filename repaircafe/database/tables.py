"""What every table and every transaction has: types, the session, and who acts."""

import uuid
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase

from repaircafe.neighbours.report import Reason

ASYNC_COMMIT = sa.text("SET LOCAL synchronous_commit = off")
"""For what is stored again within a second: a power cut may take that second, and the SD card is spared."""


class StoredReason(sa.TypeDecorator[Reason]):
    """A neighbour's reason. A word that this version does not know is an error of ours.

    An upgrade that went back leaves what the newer version wrote.
    """

    impl = sa.String(40)
    cache_ok = True

    def process_bind_param(self, value: Reason | None, _dialect: sa.Dialect) -> str | None:
        """As its value."""
        return value.value if value else None

    def process_result_value(self, value: str | None, _dialect: sa.Dialect) -> Reason | None:
        """Never an error, so that a page with such a row can be opened."""
        if value is None:
            return None
        try:
            return Reason(value)
        except ValueError:
            return Reason.INTERNAL


def without_nul(text: str) -> str:
    """The text as PostgreSQL can hold it: without NUL, and with a question mark for half a surrogate pair."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def later_than(moment: datetime) -> sa.ColumnElement[datetime]:
    """Now, or just after `moment` where that is not past: the clock may have been set back."""
    return sa.func.greatest(sa.func.now(), moment + timedelta(microseconds=1))


class Base(DeclarativeBase):
    """What every table inherits. Constraint names are fixed, so that migrations can name them; a time has its zone."""

    registry = sa.orm.registry(
        metadata=sa.MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: sa.DateTime(timezone=True), Reason: StoredReason},
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
"""What a request has stored it knows, and does not read again in a second transaction."""


@dataclass(frozen=True)
class Identity:
    """Who acts: what row-level security will ask for. Empty strings where nobody is signed in."""

    user_id: str = ""
    session_id: str = ""


identity: ContextVar[Identity] = ContextVar("identity", default=Identity())  # noqa: B039  Identity is frozen


def set_conversation(session_id: uuid.UUID) -> None:
    """Has the transactions that begin from now on carry the conversation, where the address does not name it."""
    identity.set(replace(identity.get(), session_id=str(session_id)))
