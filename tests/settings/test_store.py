"""repaircafe.settings.store: the settings that the app knows, whether the database answers or not."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.database.errors import AwayError
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError
from repaircafe.parts import parts
from repaircafe.settings import store as storing
from repaircafe.settings.definitions import Settings
from repaircafe.settings.keys import KEYS
from repaircafe.settings.store import InvalidSettingsError, OutsideError, Store, Stored
from tests.conftest import MakeApp
from tests.harness.client import HTML, JSON
from tests.harness.database import DATABASE_AWAY
from tests.harness.logged import lines_of

EMPTY = dict.fromkeys(KEYS, "")


def of(app: Flask) -> Store:
    return parts(app)[Store]


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Makes every read of the table raise `error`."""

    def read(_: object) -> dict[str, str]:
        raise error

    monkeypatch.setattr(storing, "read", read)


def test_the_settings_have_types(app: Flask) -> None:
    app.test_client().post("/config", json={"event_date": "2026-12-05", "event_offerings": ["bikes", "clothes"]})
    assert of(app).settings() == Settings(event_date=date(2026, 12, 5), event_offerings=("bikes", "clothes"))


def test_settings_that_were_never_read_count_as_not_set(make_app: MakeApp) -> None:
    store = of(make_app(database_url=DATABASE_AWAY, started=False))
    assert store.stored() is None
    assert store.settings() == Settings()
    assert store.known() == EMPTY


def test_the_error_says_why_the_models_address_is_unknown(make_app: MakeApp) -> None:
    with pytest.raises(TemporaryError) as unknown:
        of(make_app(database_url=DATABASE_AWAY, started=False)).with_endpoint()
    app = make_app()
    with pytest.raises(PermanentError) as unset:
        of(app).with_endpoint()
    assert (unknown.value.reason, unset.value.reason) == (Reason.SETTINGS_UNKNOWN, Reason.NOT_SET)
    with app.app_context():
        of(app).save({"llm_endpoint": "http://127.0.0.1:9"})
    assert of(app).with_endpoint() == Settings(llm_endpoint="http://127.0.0.1:9")


def test_the_page_and_the_api_say_that_the_settings_were_never_read(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of(app), "stored", lambda: None)
    response = app.test_client().get("/config", headers=JSON)
    assert response.status_code == 503
    assert (response.get_json()["service"], response.get_json()["reason"]) == ("db", "timeout")
    page = app.test_client().get("/config", headers=HTML).text
    assert "The settings cannot be read at the moment." in page


def test_settings_read_at_the_start_are_known_while_the_database_is_unavailable(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app.test_client().post("/config", json={"event_location": "De Hoek"})
    store = of(app)
    store.learn()
    fail_with(monkeypatch, AwayError(Reason.RESET))
    assert store.stored() == Stored({**EMPTY, "event_location": "De Hoek"}, current=False)
    assert lines_of(caplog, "db_error") == [], "only /health reports it"


def test_after_a_fault_of_ours_the_last_known_settings_are_used_and_the_fault_is_logged(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = of(app)
    store.learn()
    fail_with(monkeypatch, RuntimeError("a fault of ours"))
    assert store.stored() == Stored(EMPTY, current=False)
    (line,) = lines_of(caplog, "db_error")
    assert line["message"] == "Settings could not be read"


def test_of_two_saves_at_the_same_time_one_is_refused_if_they_are_invalid_together(
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


def test_a_save_logs_its_keys_and_returns_what_is_stored(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with app.app_context():
        saved = of(app).save({"event_location": "De Hoek", "event_date": "2026-12-05"})
        with pytest.raises(OutsideError):
            of(app).save({"llm_endpoint": "https://8.8.8.8"})
    assert saved == Stored({**EMPTY, "event_location": "De Hoek", "event_date": "2026-12-05"}, current=True)
    (line,) = lines_of(caplog, "config_changed")
    assert line["keys"] == ["event_date", "event_location"]
    assert "De Hoek" not in str(line)
