"""What the monitor makes of checks that hang, fail or come too early."""

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask

from repaircafe.database.migrations import MigrationState, head_revision
from repaircafe.database.tables import db
from repaircafe.health import checks, models, monitor
from repaircafe.health.checks import Check, Work
from repaircafe.health.monitor import Health, Monitor, State
from repaircafe.health.views import _ago, banner_version
from repaircafe.neighbours.report import Reason, Report, Service, Step, StepName, TemporaryError
from repaircafe.parts import parts
from repaircafe.runtime.startup import Startup
from tests.conditions import until
from tests.conftest import DATABASE_AWAY, GMAIL, MakeApp
from tests.fakes.scripted import Google
from tests.logged import lines_of


def of_app(app: Flask) -> Monitor:
    """Its monitor."""
    return parts(app)[Monitor]


def threads() -> set[str]:
    """What runs now, by the names that a technician finds in a dump."""
    return {one.name for one in threading.enumerate()}


def healthy(**changed: Any) -> Health:
    """All is well, but for what is given."""
    whole: dict[str, Any] = {
        "state": State.HEALTHY,
        "reports": (Report(Service.DB, (), 0.0),),
        "migrations": MigrationState(None, "1"),
        "pool": {},
        "errors": {},
        "uptime_s": 12.345,
        "timestamp": datetime.now(UTC),
    }
    return Health(**{**whole, **changed})


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opened at the end of the test, whatever came of it."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch, gate: threading.Event, raw: psycopg.Connection) -> None:
    """A language model is set up, and every check of it hangs in its first step."""
    raw.execute("INSERT INTO settings (key, value) VALUES ('llm_endpoint', 'http://127.0.0.1:9')")

    def llm(*_arguments: Any, **_options: Any) -> Work:
        def work(check: Check) -> None:
            with check.step(StepName.ADDRESS):
                gate.wait(30)

        return work

    monkeypatch.setattr(checks, "llm", llm)


@pytest.mark.usefixtures("hanging")
def test_a_check_that_is_late_tells_in_which_step(app: Flask) -> None:
    report = of_app(app).health().reports[1]
    assert report.steps == (Step(StepName.ADDRESS, "", Reason.TIMEOUT),)
    assert report.latency_ms > 1_000, "since the check began"


@pytest.mark.usefixtures("hanging")
def test_a_check_that_hangs_is_told_as_late(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "HEALTH_LIMIT_S", 0.1)
    client = make_app().test_client()
    found = client.get("/health").get_json()["services"]
    assert [(one["service"], one["reason"]) for one in found if one["service"] == "llm"] == [("llm", "timeout")]


@pytest.mark.usefixtures("hanging")
def test_a_page_does_not_wait_for_a_check_and_has_what_was_known(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "HEALTH_LIMIT_S", 8.0)
    ours = of_app(make_app())
    began = time.monotonic()
    unknown = ours.glance().report(Service.LLM)
    assert time.monotonic() - began < 4.0
    assert (unknown.service, unknown.reason) == (Service.LLM, Reason.NOT_CHECKED)
    assert "health-llm" in threads()
    known = Report(Service.LLM, (), 1.0)
    ours._caches[Service.LLM].put(known)
    ours._caches[Service.LLM].expire()
    assert ours.glance().report(Service.LLM) is known
    ours.forget(Service.LLM)
    assert ours.glance().report(Service.LLM).reason is Reason.NOT_CHECKED, "what was known is another server's"


def test_a_glance_that_knows_nothing_of_the_database_yet_is_no_news(
    app: Flask, monkeypatch: pytest.MonkeyPatch, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(monitor, "HEALTH_LIMIT_S", 8.0)
    monkeypatch.setattr(checks, "database_health", lambda *_: lambda _check: gate.wait(30))
    ours = of_app(app)
    glanced = ours.glance()
    assert glanced.report(Service.DB).reason is Reason.NOT_CHECKED
    assert glanced.migrations == MigrationState(None, head_revision())
    gate.set()
    assert until(lambda: ours.health().report(Service.DB).reason is None)
    assert [line["resource_id"] for line in lines_of(caplog, "health_transition")] == [None], "of the whole alone"


def test_a_database_that_is_away_makes_the_whole_unhealthy(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_arguments: Any) -> Work:
        def work(check: Check) -> None:
            with check.step(StepName.CONNECTION):
                raise TemporaryError(Reason.REFUSED)

        return work

    ours = of_app(make_app())
    assert ours.health().state is State.HEALTHY
    monkeypatch.setattr(checks, "database_health", away)
    ours.forget(Service.DB)
    assert ours.health().state is State.UNHEALTHY


def test_the_uptime_is_that_of_the_app(make_app: MakeApp) -> None:
    began = time.monotonic()
    assert 0 <= of_app(make_app()).health().uptime_s <= time.monotonic() - began


def test_mail_that_was_never_tested_lacks_the_proof_of_its_token(make_app: MakeApp) -> None:
    mail = of_app(make_app(**GMAIL)).health().report(Service.MAIL)
    assert mail.steps == (Step(StepName.TOKEN, "", Reason.NOT_TESTED),)


def test_a_mail_test_that_takes_long_to_read_is_the_databases_fault(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    monkeypatch.setattr(monitor, "HEALTH_LIMIT_S", 0.1)
    monkeypatch.setattr(models, "remembered", lambda *_: gate.wait(30))
    mail = of_app(make_app(**GMAIL)).health().report(Service.MAIL)
    assert (mail.service, mail.reason) == (Service.MAIL, Reason.SETTINGS_UNKNOWN)


@pytest.mark.usefixtures("hanging")
def test_a_test_that_hangs_is_told_as_late_and_then_as_busy(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(monitor, "TEST_LIMIT_S", 0.1)
    late = of_app(app).test(Service.LLM, "http://pi.example", "gemma")
    assert (late.service, late.steps) == (Service.LLM, (Step(StepName.ADDRESS, "", Reason.TIMEOUT),))
    assert "test-llm" in threads()
    busy = of_app(app).test(Service.LLM, "http://pi.example", "gemma")
    assert (busy.service, busy.reason) == (Service.LLM, Reason.BUSY)
    (line,) = lines_of(caplog, "connection_test")
    assert line["message"] == "Connection tested"
    assert (line["resource_id"], line["status"], line["reason"]) == ("llm", "unreachable", "timeout")


def test_a_result_that_cannot_be_remembered_in_time_is_told_all_the_same(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    monkeypatch.setattr(monitor, "SETTINGS_READ_LIMIT_S", 0.1)
    monkeypatch.setattr(models, "remember", lambda *_: gate.wait(30))
    with Google() as google:
        app = make_app(gmail_token_uri=google.token_uri, **GMAIL)
        assert of_app(app).test(Service.MAIL, "", "").reason is None
    assert "test-remember" in threads()


@pytest.fixture
def mailing(make_app: MakeApp) -> Flask:
    """An app with credentials for mail."""
    return make_app(**GMAIL)


def test_a_result_that_cannot_be_remembered_is_a_line_for_technicians(
    mailing: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_arguments: Any) -> None:
        raise RuntimeError("No room")

    monkeypatch.setattr(models, "remember", refuse)
    monkeypatch.setattr(checks, "mail", lambda _credentials: lambda _check: None)
    caplog.set_level(logging.DEBUG)
    assert of_app(mailing).test(Service.MAIL, "", "").reason is None
    (line,) = [line for line in lines_of(caplog, "db_error") if line["message"] == "Test not remembered"]
    assert "No room" in line["exception"]


def test_before_the_doors_are_open_nothing_is_said_of_what_the_settings_say(make_app: MakeApp) -> None:
    app = make_app(started=False, **GMAIL)
    health = of_app(app).health()
    assert {one.service: one.reason for one in health.reports} == {
        Service.DB: None,
        Service.LLM: Reason.SETTINGS_UNKNOWN,
        Service.MAIL: Reason.SETTINGS_UNKNOWN,
    }
    found = app.test_client().get("/health").get_json()
    assert (found["status"], found["database"], found["error"]) == ("starting", "connected", "The app is starting.")


def test_without_a_database_it_is_called_disconnected(make_app: MakeApp) -> None:
    found = make_app(database_url=DATABASE_AWAY, started=False).test_client().get("/health").get_json()
    assert (found["status"], found["database"]) == ("starting", "disconnected")
    assert found["error"] == "db: The database is not running."


def test_mail_that_is_not_set_up_lacks_its_credentials(app: Flask) -> None:
    assert of_app(app).health().report(Service.MAIL).steps == (Step(StepName.CREDENTIALS, "", Reason.NOT_SET),)


@pytest.mark.parametrize("breaks", ["the doors", "the reading"])
def test_a_mail_test_that_cannot_be_read_again_is_told_as_it_was(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    with Google() as google:
        app = make_app(gmail_token_uri=google.token_uri, **GMAIL)
        break_reading(app, monkeypatch, breaks)
        assert of_app(app).health().report(Service.MAIL).reason is Reason.SETTINGS_UNKNOWN, "there was none yet"
        tested = of_app(app).test(Service.MAIL, "", "")
    of_app(app)._caches[Service.MAIL].expire()
    assert of_app(app).health().report(Service.MAIL) is tested


def break_reading(app: Flask, monkeypatch: pytest.MonkeyPatch, breaks: str) -> None:
    """So that the monitor cannot read what is remembered."""

    def refuse(*_arguments: Any) -> None:
        raise RuntimeError("Away")

    monkeypatch.setattr(models, "remembered", refuse)
    parts(app)[Startup].ready = breaks != "the doors"


def test_what_is_remembered_is_the_last_step(app: Flask) -> None:
    step = Step(StepName.TOKEN, "Google says no", Reason.AUTH_REFUSED)
    with app.app_context():
        models.remember(db.session(), Report(Service.MAIL, (step,), 12.5), "one")
        found = models.remembered(db.session(), Service.MAIL, "one")
    assert found
    assert (found.service, found.steps, found.latency_ms) == (Service.MAIL, (step,), 12.5)


def test_what_is_remembered_of_other_credentials_is_nothing(app: Flask, raw: psycopg.Connection) -> None:
    with app.app_context():
        models.remember(db.session(), Report(Service.MAIL, (Step(StepName.TOKEN),), 12.5), "one")
        assert models.remembered(db.session(), Service.MAIL, "another") is None
        raw.execute("UPDATE service_tests SET digest = NULL")  # by a version that did not say
        db.session.expire_all()
        assert models.remembered(db.session(), Service.MAIL, "another")


def test_a_step_that_said_nothing_is_remembered_as_that(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "de"}):  # a catalogue's entry for nothing is its head
        models.remember(db.session(), Report(Service.MAIL, (Step(StepName.TOKEN, "", Reason.TIMEOUT),), 12.5), "one")
        found = models.remembered(db.session(), Service.MAIL, "one")
        assert found
        assert found.detail == ""


def test_what_is_remembered_is_read_in_the_language_of_whoever_looks(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "de"}):
        models.remember(db.session(), Report(Service.MAIL, (Step(StepName.TOKEN, "Google accepts it"),), 12.5), "one")
        found = models.remembered(db.session(), Service.MAIL, "one")
        assert found
        assert found.detail == "Google nimmt es an"


def test_the_time_that_it_runs_is_told_in_tenths_of_a_second() -> None:
    assert healthy().as_dict()["uptime_s"] == 12.3


def test_the_banner_is_another_one_when_it_says_something_else(app: Flask) -> None:
    away = Report(Service.LLM, (Step(StepName.ADDRESS, "", Reason.REFUSED),), 0.0)
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
def test_what_is_known_was_never_learnt_in_the_future(app: Flask, since: timedelta, said: str) -> None:
    with app.test_request_context():
        assert _ago(datetime.now(UTC) - since) == said


@pytest.mark.usefixtures("hanging")
def test_tests_of_two_neighbours_do_not_wait_for_each_other(app: Flask, gate: threading.Event) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(of_app(app).test, Service.LLM, "http://pi.example", "gemma")
        assert of_app(app).test(Service.DB, "", "").reason is None
        assert not running.done()
        gate.set()
        assert until(running.done)
