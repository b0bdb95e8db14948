"""repaircafe.settings.store: what the other parts of the app know of the settings, whatever the database does."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date

import psycopg
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError
from repaircafe.parts import parts
from repaircafe.settings import store as storing
from repaircafe.settings.definitions import KEYS, Settings
from repaircafe.settings.store import InvalidSettingsError, OutsideError, Store, Stored
from tests.client import HTML, JSON
from tests.conftest import DATABASE_AWAY, MakeApp
from tests.logged import lines_of

EMPTY = dict.fromkeys(KEYS, "")


def of(app: Flask) -> Store:
    return parts(app)[Store]


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Makes every reading of the table fail."""

    def read(_: object) -> dict[str, str]:
        raise error

    monkeypatch.setattr(storing, "read", read)


def test_the_settings_are_known_as_what_they_mean(app: Flask) -> None:
    app.test_client().post("/config", json={"event_date": "2026-12-05", "event_offerings": ["bikes", "clothes"]})
    assert of(app).settings() == Settings(event_date=date(2026, 12, 5), event_offerings=("bikes", "clothes"))


def test_what_was_never_read_is_not_set(make_app: MakeApp) -> None:
    store = of(make_app(database_url=DATABASE_AWAY, started=False))
    assert store.stored() is None
    assert store.settings() == Settings()
    assert store.known() == EMPTY


def test_whoever_needs_the_model_is_told_why_nobody_knows_where_it_is(make_app: MakeApp) -> None:
    with pytest.raises(TemporaryError) as unknown:
        of(make_app(database_url=DATABASE_AWAY, started=False)).with_endpoint()
    app = make_app()
    with pytest.raises(PermanentError) as unset:
        of(app).with_endpoint()
    assert (unknown.value.reason, unset.value.reason) == (Reason.SETTINGS_UNKNOWN, Reason.NOT_SET)
    with app.app_context():
        of(app).save({"llm_endpoint": "http://127.0.0.1:9"})
    assert of(app).with_endpoint() == Settings(llm_endpoint="http://127.0.0.1:9")


def test_whoever_asks_is_told_that_they_were_never_read(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of(app), "stored", lambda: None)
    response = app.test_client().get("/config", headers=JSON)
    assert response.status_code == 503
    assert (response.get_json()["service"], response.get_json()["reason"]) == ("db", "timeout")
    page = app.test_client().get("/config", headers=HTML).text
    assert "The settings cannot be read at the moment." in page


def test_what_a_start_has_learnt_is_known_while_the_database_is_away(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app.test_client().post("/config", json={"event_location": "De Hoek"})
    store = of(app)
    store.learn()
    fail_with(monkeypatch, psycopg.OperationalError("server closed the connection"))
    assert store.stored() == Stored({**EMPTY, "event_location": "De Hoek"}, current=False)
    assert lines_of(caplog, "db_error") == [], "health tells of it"


def test_a_fault_of_ours_is_logged_and_the_last_that_was_known_is_used(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = of(app)
    store.learn()
    fail_with(monkeypatch, RuntimeError("a fault of ours"))
    assert store.stored() == Stored(EMPTY, current=False)
    (line,) = lines_of(caplog, "db_error")
    assert line["message"] == "Settings cannot be read"


def test_two_saves_that_are_right_one_by_one_are_not_both_taken_where_together_they_are_wrong(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        of(app).save({"event_start": "14:00", "event_end": "17:00"})
    both, reading = threading.Barrier(2, timeout=2), storing.read

    def read(session: Session) -> dict[str, str]:
        with suppress(threading.BrokenBarrierError):
            both.wait()
        return reading(session)

    def save(change: dict[str, str]) -> bool:
        with app.app_context(), suppress(InvalidSettingsError):
            of(app).save(change)
            return True
        return False

    monkeypatch.setattr(storing, "read", read)
    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(save, [{"event_start": "16:30"}, {"event_end": "15:00"}]))
    assert sorted(taken) == [False, True]


def test_a_save_is_logged_by_its_keys_and_answers_what_is_stored(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with app.app_context():
        saved = of(app).save({"event_location": "De Hoek", "event_date": "2026-12-05"})
        with pytest.raises(OutsideError):
            of(app).save({"llm_endpoint": "https://8.8.8.8"})
    assert saved == Stored({**EMPTY, "event_location": "De Hoek", "event_date": "2026-12-05"}, current=True)
    (line,) = lines_of(caplog, "config_changed")
    assert line["keys"] == ["event_date", "event_location"]
    assert "De Hoek" not in str(line)
