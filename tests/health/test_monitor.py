"""repaircafe.health.monitor: checks that hang, fail or come too early."""

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask

from repaircafe.database.migrations import MigrationState, head_revision
from repaircafe.database.tables import db
from repaircafe.health import models, monitor
from repaircafe.health.banner import banner_version
from repaircafe.health.monitor import Health, Monitor, State
from repaircafe.health.schemas import HealthReport
from repaircafe.health.views import _ago
from repaircafe.health.window import ErrorCounts
from repaircafe.llm import check as llm_check
from repaircafe.mail import check as mail_check
from repaircafe.neighbours.checks import Check, Work
from repaircafe.neighbours.report import Neighbour, Reason, Report, Step, StepName, TemporaryError
from repaircafe.parts import parts
from repaircafe.runtime.startup import Startup
from tests.conftest import MakeApp
from tests.fakes.gmail import Gmail
from tests.fakes.scripted import GMAIL
from tests.harness.conditions import until
from tests.harness.database import DATABASE_AWAY
from tests.harness.logged import lines_of


def of_app(app: Flask) -> Monitor:
    """The app's monitor."""
    return parts(app)[Monitor]


def threads() -> set[str]:
    """The names of the running threads, as a technician finds them in a dump."""
    return {one.name for one in threading.enumerate()}


def healthy(**changed: Any) -> Health:
    """A healthy state, except for the fields given."""
    whole: dict[str, Any] = {
        "state": State.HEALTHY,
        "reports": (Report(Neighbour.DB, (), 0.0),),
        "migrations": MigrationState(None, "1"),
        "pool": {"size": 1, "in_use": 0, "max": 2},
        "errors": ErrorCounts(300, 0, 0),
        "uptime_s": 12.345,
        "timestamp": datetime.now(UTC),
    }
    return Health(**{**whole, **changed})


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """A gate that opens at the end of the test, whether it passed or failed."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch, gate: threading.Event, raw: psycopg.Connection) -> None:
    """A language model is set up, and every check of it hangs in the first step."""
    raw.execute("INSERT INTO settings (key, value) VALUES ('llm_endpoint', 'http://127.0.0.1:9')")

    def llm(*_arguments: Any, **_options: Any) -> Work:
        def work(check: Check) -> None:
            with check.step(StepName.ADDRESS):
                gate.wait(30)

        return work

    monkeypatch.setattr(llm_check, "steps", llm)


@pytest.mark.usefixtures("hanging")
def test_a_late_check_reports_its_current_step(app: Flask) -> None:
    report = of_app(app).health().reports[1]
    assert report.steps == (Step(StepName.ADDRESS, "", Reason.TIMEOUT),)
    assert report.latency_ms > 1_000, "it counts from the start of the check"


@pytest.mark.usefixtures("hanging")
def test_a_hanging_check_is_reported_as_a_timeout(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "HEALTH_LIMIT_S", 0.1)
    client = make_app().test_client()
    found = client.get("/health").get_json()["services"]
    assert [(one["service"], one["reason"]) for one in found if one["service"] == "llm"] == [("llm", "timeout")]


@pytest.mark.usefixtures("hanging")
def test_a_page_does_not_wait_for_a_check_and_gets_the_last_result(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "HEALTH_LIMIT_S", 8.0)
    ours = of_app(make_app())
    began = time.monotonic()
    unknown = ours.glance().report(Neighbour.LLM)
    assert time.monotonic() - began < 4.0
    assert (unknown.neighbour, unknown.reason) == (Neighbour.LLM, Reason.NOT_CHECKED)
    assert "health-llm" in threads()
    known = Report(Neighbour.LLM, (), 1.0)
    ours._caches[Neighbour.LLM].put(known)
    ours._caches[Neighbour.LLM].expire()
    assert ours.glance().report(Neighbour.LLM) is known
    ours.forget(Neighbour.LLM)
    assert ours.glance().report(Neighbour.LLM).reason is Reason.NOT_CHECKED, "the last result was another server's"


def test_a_glance_before_the_first_database_check_logs_no_change(
    app: Flask, monkeypatch: pytest.MonkeyPatch, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(monitor, "HEALTH_LIMIT_S", 8.0)
    ours = of_app(app)
    whole = ours._checks[Neighbour.DB]
    monkeypatch.setitem(ours._checks, Neighbour.DB, replace(whole, poll=lambda _check: gate.wait(30)))  # type: ignore[arg-type]
    glanced = ours.glance()
    assert glanced.report(Neighbour.DB).reason is Reason.NOT_CHECKED
    assert glanced.migrations == MigrationState(None, head_revision())
    gate.set()
    assert until(lambda: ours.health().report(Neighbour.DB).reason is None)
    assert [line["resource_id"] for line in lines_of(caplog, "health_transition")] == [None], (
        "only the whole has changed"
    )


def test_an_unreachable_database_makes_the_whole_unhealthy(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(check: Check) -> None:
        with check.step(StepName.CONNECTION):
            raise TemporaryError(Reason.REFUSED)

    ours = of_app(make_app())
    assert ours.health().state is State.HEALTHY
    monkeypatch.setitem(ours._checks, Neighbour.DB, replace(ours._checks[Neighbour.DB], poll=away))
    ours.forget(Neighbour.DB)
    assert ours.health().state is State.UNHEALTHY


def test_the_uptime_counts_from_the_start_of_the_app(make_app: MakeApp) -> None:
    began = time.monotonic()
    assert 0 <= of_app(make_app()).health().uptime_s <= time.monotonic() - began


def test_mail_that_was_never_tested_is_reported_at_its_token_step(make_app: MakeApp) -> None:
    mail = of_app(make_app(**GMAIL)).health().report(Neighbour.MAIL)
    assert mail.steps == (Step(StepName.CREDENTIALS, "", Reason.NOT_TESTED),)


def test_a_mail_test_that_is_read_too_slowly_is_reported_as_unknown_settings(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    monkeypatch.setattr(monitor, "HEALTH_LIMIT_S", 0.1)
    monkeypatch.setattr(models, "remembered", lambda *_: gate.wait(30))
    mail = of_app(make_app(**GMAIL)).health().report(Neighbour.MAIL)
    assert (mail.neighbour, mail.reason) == (Neighbour.MAIL, Reason.SETTINGS_UNKNOWN)


@pytest.mark.usefixtures("hanging")
def test_a_hanging_test_is_reported_as_a_timeout_and_then_as_busy(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(monitor, "TEST_LIMIT_S", 0.1)
    late = of_app(app).test(Neighbour.LLM, "http://pi.example", "gemma")
    assert (late.neighbour, late.steps) == (Neighbour.LLM, (Step(StepName.ADDRESS, "", Reason.TIMEOUT),))
    assert "test-llm" in threads()
    busy = of_app(app).test(Neighbour.LLM, "http://pi.example", "gemma")
    assert (busy.neighbour, busy.reason) == (Neighbour.LLM, Reason.BUSY)
    (line,) = lines_of(caplog, "connection_test")
    assert line["message"] == "Connection tested"
    assert (line["resource_id"], line["status"], line["reason"]) == ("llm", "unreachable", "timeout")


def test_a_result_that_cannot_be_stored_in_time_is_reported_anyway(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    monkeypatch.setattr(monitor, "SETTINGS_READ_LIMIT_S", 0.1)
    monkeypatch.setattr(models, "remember", lambda *_: gate.wait(30))
    with Gmail() as gmail:
        app = make_app(**gmail.variables)
        assert of_app(app).test(Neighbour.MAIL, "", "").reason is None
    assert "test-remember" in threads()


@pytest.fixture
def mailing(make_app: MakeApp) -> Flask:
    """An app with credentials for mail."""
    return make_app(**GMAIL)


def test_a_result_that_cannot_be_stored_is_logged(
    mailing: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_arguments: Any) -> None:
        raise RuntimeError("No room")

    monkeypatch.setattr(models, "remember", refuse)
    monkeypatch.setattr(mail_check, "steps", lambda *_: lambda _check: None)
    caplog.set_level(logging.DEBUG)
    assert of_app(mailing).test(Neighbour.MAIL, "", "").reason is None
    (line,) = [line for line in lines_of(caplog, "db_error") if line["message"] == "Test result not stored"]
    assert "No room" in line["exception"]


def test_before_the_start_is_complete_the_settings_are_unknown(make_app: MakeApp) -> None:
    app = make_app(started=False, **GMAIL)
    health = of_app(app).health()
    assert {one.neighbour: one.reason for one in health.reports} == {
        Neighbour.DB: None,
        Neighbour.LLM: Reason.SETTINGS_UNKNOWN,
        Neighbour.MAIL: Reason.SETTINGS_UNKNOWN,
    }
    found = app.test_client().get("/health").get_json()
    assert (found["status"], found["database"], found["error"]) == ("starting", "connected", "The app is starting.")


def test_an_unreachable_database_is_called_disconnected(make_app: MakeApp) -> None:
    found = make_app(database_url=DATABASE_AWAY, started=False).test_client().get("/health").get_json()
    assert (found["status"], found["database"]) == ("starting", "disconnected")
    assert found["error"] == "db: The database is not running."


def test_mail_that_is_not_set_up_is_reported_at_its_credentials_step(app: Flask) -> None:
    assert of_app(app).health().report(Neighbour.MAIL).steps == (Step(StepName.CREDENTIALS, "", Reason.NOT_SET),)


@pytest.mark.parametrize("breaks", ["the doors", "the reading"])
def test_a_mail_test_that_cannot_be_read_again_keeps_its_last_result(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    with Gmail() as gmail:
        app = make_app(**gmail.variables)
        break_reading(app, monkeypatch, breaks)
        assert of_app(app).health().report(Neighbour.MAIL).reason is Reason.SETTINGS_UNKNOWN, "there was no test yet"
        tested = of_app(app).test(Neighbour.MAIL, "", "")
    of_app(app)._caches[Neighbour.MAIL].expire()
    assert of_app(app).health().report(Neighbour.MAIL) is tested


def break_reading(app: Flask, monkeypatch: pytest.MonkeyPatch, breaks: str) -> None:
    """Makes the monitor fail to read the stored test."""

    def refuse(*_arguments: Any) -> None:
        raise RuntimeError("Away")

    monkeypatch.setattr(models, "remembered", refuse)
    parts(app)[Startup].ready = breaks != "the doors"


def test_the_last_step_of_a_test_is_stored(app: Flask) -> None:
    step = Step(StepName.CREDENTIALS, "Google says no", Reason.AUTH_REFUSED)
    with app.app_context():
        models.remember(db.session(), Report(Neighbour.MAIL, (step,), 12.5), "one")
        found = models.remembered(db.session(), Neighbour.MAIL, "one")
    assert found
    assert (found.neighbour, found.steps, found.latency_ms) == (Neighbour.MAIL, (step,), 12.5)


def test_a_stored_test_of_other_credentials_is_ignored(app: Flask, raw: psycopg.Connection) -> None:
    with app.app_context():
        models.remember(db.session(), Report(Neighbour.MAIL, (Step(StepName.CREDENTIALS),), 12.5), "one")
        assert models.remembered(db.session(), Neighbour.MAIL, "another") is None
        raw.execute("UPDATE service_tests SET digest = NULL")  # as a version without digests left it
        db.session.expire_all()
        assert models.remembered(db.session(), Neighbour.MAIL, "another")


def test_an_empty_detail_is_stored_as_empty(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "de"}):  # a catalogue translates "" into its header
        step = Step(StepName.CREDENTIALS, "", Reason.TIMEOUT)
        models.remember(db.session(), Report(Neighbour.MAIL, (step,), 12.5), "one")
        found = models.remembered(db.session(), Neighbour.MAIL, "one")
        assert found
        assert found.detail == ""


def test_a_stored_detail_is_shown_in_the_readers_language(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "de"}):
        step = Step(StepName.CREDENTIALS, "Google accepts it")
        models.remember(db.session(), Report(Neighbour.MAIL, (step,), 12.5), "one")
        found = models.remembered(db.session(), Neighbour.MAIL, "one")
        assert found
        assert found.detail == "Google nimmt es an"


def test_the_uptime_is_rounded_to_tenths_of_a_second() -> None:
    assert HealthReport.of(healthy()).uptime_s == 12.3


def test_the_banners_version_changes_with_its_text(app: Flask) -> None:
    away = Report(Neighbour.LLM, (Step(StepName.ADDRESS, "", Reason.REFUSED),), 0.0)
    told = [healthy(), healthy(state=State.STARTING), healthy(reports=(healthy().reports[0], away))]
    with app.test_request_context():
        versions = [banner_version(one) for one in told]
        assert versions == [banner_version(one) for one in told]
    assert len(set(versions)) == 3


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (timedelta(minutes=3), "3 minutes ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(0), "1 second ago"),
        (timedelta(hours=-1), "1 second ago"),
    ],
)
def test_the_age_of_a_result_is_never_negative(app: Flask, since: timedelta, said: str) -> None:
    with app.test_request_context():
        assert _ago(datetime.now(UTC) - since) == said


@pytest.mark.usefixtures("hanging")
def test_tests_of_two_neighbours_do_not_wait_for_each_other(app: Flask, gate: threading.Event) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(of_app(app).test, Neighbour.LLM, "http://pi.example", "gemma")
        assert of_app(app).test(Neighbour.DB, "", "").reason is None
        assert not running.done()
        gate.set()
        assert until(running.done)
