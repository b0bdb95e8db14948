"""The parts that all tables and transactions share: types, the session, and who acts."""

import uuid
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase

from repaircafe.neighbours.report import Reason

ASYNC_COMMIT = sa.text("SET LOCAL synchronous_commit = off")
"""For rows that are stored again within a second: a power cut may lose that second, but the SD card wears less."""


class StoredReason(sa.TypeDecorator[Reason]):
    """A neighbour's reason. A value that this version does not know is read as INTERNAL.

    Such values remain if a newer version wrote them and the organiser then went back to this version.
    """

    impl = sa.String(40)
    cache_ok = True

    def process_bind_param(self, value: Reason | None, _dialect: sa.Dialect) -> str | None:
        """The reason as it is stored."""
        return value.value if value else None

    def process_result_value(self, value: str | None, _dialect: sa.Dialect) -> Reason | None:
        """The stored reason. Never raises, so that a page with an unknown value still opens."""
        if value is None:
            return None
        try:
            return Reason(value)
        except ValueError:
            return Reason.INTERNAL


def without_nul(text: str) -> str:
    """The text as PostgreSQL can store it: without NUL, and with a question mark for each lone surrogate."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def later_than(moment: datetime) -> sa.ColumnElement[datetime]:
    """Now, but at least a microsecond after `moment`, even if the clock was set back."""
    return sa.func.greatest(sa.func.now(), moment + timedelta(microseconds=1))


class Base(DeclarativeBase):
    """The base class of all tables. Constraint names are fixed, so that migrations can use them; times have a zone."""

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
"""Rows keep their values after a commit, so that a request does not read them again in a second transaction."""


@dataclass(frozen=True)
class Identity:
    """Who acts, for row-level security. `user_id` is empty for a visitor, `session_id` outside a conversation."""

    user_id: str = ""
    session_id: str = ""


NOBODY = Identity()
identity: ContextVar[Identity] = ContextVar("identity", default=NOBODY)


def set_conversation(session_id: uuid.UUID) -> None:
    """Sets the conversation of the transactions that begin from now on, for requests whose path does not name it."""
    identity.set(replace(identity.get(), session_id=str(session_id)))
