"""The logo in the database, and in the memory of this process."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from repaircafe.database.tables import db
from repaircafe.logo.pictures import Picture
from repaircafe.settings.models import Logo
from repaircafe.settings.store import Store


class Shown:
    """The picture that this process has read last: pages show it also while the database is unavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: Picture | None = None

    def current(self) -> Picture | None:
        """The café's logo; None if it has none. Raises AwayError if this process has not read it yet."""
        version = self._store.logo_version()
        if not version:
            return None
        if self._last is None or self._last.version != version:
            row = db.session().execute(sa.select(Logo.media_type, Logo.content)).one_or_none()
            self._last = Picture(row.media_type, row.content) if row else None
        return self._last


def replace(session: Session, picture: Picture | None) -> None:
    """Stores the picture instead of the one before, in the caller's transaction; None removes it."""
    session.execute(sa.delete(Logo))
    if picture:
        session.add(Logo(id=1, media_type=picture.media_type, content=picture.content, version=picture.version))
        session.flush()
