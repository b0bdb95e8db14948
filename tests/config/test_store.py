"""repaircafe.config.store: what the other parts of the app know of the settings."""

from datetime import date

from flask import Flask

from repaircafe.config.keys import Settings
from repaircafe.config.store import Store
from tests.conftest import DATABASE_AWAY, MakeApp


def of(app: Flask) -> Store:
    found: Store = app.extensions["settings"]
    return found


def test_the_settings_are_known_as_what_they_mean(app: Flask) -> None:
    app.test_client().post("/config", json={"event_date": "2026-12-05", "event_offerings": ["bikes", "clothes"]})
    assert of(app).settings() == Settings(event_date=date(2026, 12, 5), event_offerings=("bikes", "clothes"))


def test_what_was_never_read_is_not_set(make_app: MakeApp) -> None:
    store = of(make_app(database_url=DATABASE_AWAY, started=False))
    assert store.settings() == Settings()
    assert set(store.known().values()) == {""}
