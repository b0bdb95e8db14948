"""The Status page: what works and since when, the strips of the last 24 hours, the first words, the last backup."""

import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.health import status
from repaircafe.health.history import History
from repaircafe.health.monitor import Monitor
from repaircafe.health.status import Board, Past
from repaircafe.neighbours.checks import report_of
from repaircafe.neighbours.report import Neighbour, Reason, Report
from repaircafe.parts import parts
from repaircafe.runtime.lifecycle import Lifecycle
from tests.conftest import MakeApp
from tests.fakes.gmail import Gmail
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import GMAIL, Ollama
from tests.harness.client import AUTH, HTML, HTMX, PASSWORD, health_becomes
from tests.harness.conditions import until
from tests.harness.database import DATABASE_AWAY
from tests.health.scene import card, configure, services, shown

MODEL = "gemma"


@pytest.fixture(autouse=True)
def _fast_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not decide what a test sees."""
    monkeypatch.setattr("repaircafe.database.check.SLOW_MS", float("inf"))
    monkeypatch.setattr(status, "STATUS_READ_LIMIT_S", 10.0)


def saw(app: Flask, neighbour: Neighbour, reason: Reason | None, at: datetime) -> None:
    """Lets the app remember what a check found at that moment."""
    steps = report_of(neighbour, reason).steps if reason else ()
    parts(app)[History].note(Report(neighbour, steps, 1.0, at))


def end(app: Flask) -> None:
    """Ends the worker."""
    for call in parts(app)[Lifecycle].when_worker_ends:
        call()


def hours_ago(hours: float) -> datetime:
    """A moment in the past."""
    return datetime.now(UTC) - timedelta(hours=hours)


def test_what_was_never_set_up_is_neither_well_nor_an_alarm(client: FlaskClient) -> None:
    page = shown(client)
    assert "Everything that is set up works, since " in page
    for name in ("Language model", "Mail"):
        found = card(page, name)
        assert '<span class="pill unconfigured">not set up</span>' in found
        assert "works" not in found
        assert "Checked" not in found
        assert not re.search(r"\d ms", found)
        assert 'class="seen unconfigured"' in found
    assert 'class="banner' not in page


def test_everything_works_only_if_everything_is_set_up(make_app: MakeApp) -> None:
    with Ollama(f"{MODEL}:latest") as ollama, Gmail() as gmail:
        client = make_app(**gmail.variables).test_client()
        configure(client, llm_endpoint=ollama.url, llm_model=MODEL)
        assert client.post("/config/test/mail", json={}).status_code == 200
        assert health_becomes(client, "healthy")
        page = shown(client)
        assert "Everything works, since " in page
        assert "Test mail in the settings" in card(page, "Mail")


def test_what_does_not_work_comes_first_with_what_still_works_and_what_to_do(client: FlaskClient) -> None:
    configure(client, llm_endpoint="http://127.0.0.1:9", llm_model=MODEL)
    assert until(lambda: services(client)["llm"]["reason"] == "refused")
    page = shown(client)
    alarm = page.partition('class="banner unreachable"')[2].partition("</div>")[0]
    assert "The language model is not running." in alarm
    assert re.search(r"Since \d\d:\d\d\. Everything else works", alarm)
    assert 'id="cure-llm"' in alarm
    assert page.index("not running") < page.index("cards")
    assert "works, since" not in page


def test_a_restart_shows_yesterdays_strip(make_app: MakeApp) -> None:
    first = make_app()
    for number in range(3):
        saw(first, Neighbour.LLM, Reason.REFUSED, hours_ago(20) + timedelta(minutes=5 * number))
    saw(first, Neighbour.DB, None, hours_ago(19.0))
    end(first)
    found = card(shown(make_app().test_client()), "Language model")
    assert 'class="seen unreachable"' in found
    assert re.search(r"not reachable 15 minutes \(\d\d:\d\d–\d\d:\d\d\)", found)
    assert re.search(r"not known 2[34] hours", found), "nobody looked"


@pytest.mark.parametrize("language", ["en", "nl", "de", "fr"])
def test_the_parts_of_the_last_24_hours_are_24_hours(app: Flask, client: FlaskClient, language: str) -> None:
    """23 h 35 min and 25 min were "24 hours" and "25 minutes"."""
    for number, reason in enumerate((Reason.REFUSED, Reason.LOADING, *(None,) * 140)):
        saw(app, Neighbour.DB, reason, hours_ago(23) + timedelta(minutes=5 * number))
    page = client.get("/health", headers={**HTML, "Accept-Language": language}).text
    captions = re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", page, re.DOTALL)
    assert len(captions) == 3
    for caption in captions:
        parts_told = re.sub(r"\([^)]*\)", "", caption.partition(":")[2])
        hours = sum(int(one) for one in re.findall(r"(\d+)\s(?:hour|uur|Stunde|heure)", parts_told))
        minutes = sum(int(one) for one in re.findall(r"(\d+)\s(?:minut|minuut|Minut)", parts_told))
        assert 60 * hours + minutes == 24 * 60, caption


def test_two_processes_show_what_both_saw(make_app: MakeApp) -> None:
    one, other = make_app(), make_app()
    saw(one, Neighbour.LLM, Reason.REFUSED, hours_ago(6))
    saw(other, Neighbour.LLM, Reason.LOADING, hours_ago(5))
    for app in (one, other):
        app.test_client().get("/health")
        end(app)
    found = card(shown(make_app().test_client()), "Language model")
    assert 'class="seen unreachable"' in found
    assert 'class="seen degraded"' in found


def test_without_the_database_the_page_shows_what_memory_has(proxied: MakeApp, proxy: Proxy) -> None:
    app = proxied()
    client = app.test_client()
    saw(app, Neighbour.LLM, Reason.LOADING, hours_ago(3))
    assert 'class="seen degraded"' in shown(client)
    proxy.break_with("refuse")
    assert until(lambda: services(client)["db"]["status"] == "unreachable")
    parts(app)[Board]._past.forget()
    page = client.get("/health", headers=HTML)
    assert page.status_code == 503
    assert "The database is not running." in page.text
    assert 'class="seen degraded"' in page.text
    assert card(page.text, "Database").count('class="seen unreachable"') == 1


def test_the_page_never_waits_for_what_it_reads(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "STATUS_READ_LIMIT_S", 0.05)
    gate = threading.Event()

    def hang() -> Past:
        gate.wait(30)
        return Past({})

    monkeypatch.setattr(parts(app)[Board], "_read", hang)
    monkeypatch.setattr(parts(app)[Board], "_last_backup", hang)
    page = shown(client)
    gate.set()
    assert "works, since" in page
    assert "<h2>Backup" not in page


def test_before_the_start_is_complete_the_page_says_so(make_app: MakeApp) -> None:
    page = make_app(database_url=DATABASE_AWAY, started=False).test_client().get("/health", headers=HTML)
    assert page.status_code == 503
    assert "The assistant is starting." in page.text
    assert "works, since" not in page.text


def test_what_is_not_known_is_never_called_well(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        parts(app)[Monitor], "_last_test", lambda neighbour: report_of(neighbour, Reason.SETTINGS_UNKNOWN)
    )
    page = shown(client)
    assert "Not everything has been checked yet." in page
    assert "works, since" not in page


@pytest.mark.parametrize(
    ("days", "said"), [(0, r"since \d\d:\d\d"), (3, r"since \w+day \d\d:\d\d"), (12, r"since \d+ \w+ \d{4}")]
)
def test_since_when_is_said_as_people_say_it(
    client: FlaskClient, raw: psycopg.Connection, days: int, said: str
) -> None:
    today = datetime.now(UTC).date()
    for back in range(days, -1, -1) if days else ():
        raw.execute(
            "INSERT INTO status_strips (service, day, states) VALUES ('db', %s, repeat('0011', 288)::bit(1152))",
            (today - timedelta(days=back),),
        )
    assert re.search(rf"Everything that is set up works, {said}\.", shown(client))


def test_a_change_that_this_process_saw_is_known_to_the_minute(app: Flask, client: FlaskClient) -> None:
    now = datetime.now(UTC)
    saw(app, Neighbour.DB, Reason.REFUSED, now)
    saw(app, Neighbour.DB, None, now)
    shown(client)
    with app.test_request_context(headers=HTML):
        page = parts(app)[Board].page()
    assert page.since is not None
    assert page.since >= now.replace(microsecond=0)


def test_visitors_get_a_page_without_what_only_the_organiser_can_mend(make_app: MakeApp, tmp_path: Path) -> None:
    client = make_app(operator_password=PASSWORD, backup_folder=str(tmp_path), **GMAIL).test_client()
    configure_as_organiser(client)
    visitor, organiser = shown(client), shown(client, auth=AUTH)
    assert "Please tell a volunteer." in visitor
    assert "Please tell a volunteer." not in organiser
    for found in ("<h2>Mail", "<h2>Backup", 'id="cure-llm"'):
        assert found not in visitor
        assert found in organiser


def configure_as_organiser(client: FlaskClient) -> None:
    """Names a model that does not run."""
    assert client.post("/config", json={"llm_endpoint": "http://127.0.0.1:9"}, auth=AUTH).status_code == 200
    assert until(lambda: services(client)["llm"]["reason"] == "refused")


def test_only_the_organisers_menu_leads_to_the_page(make_app: MakeApp) -> None:
    client = make_app(operator_password=PASSWORD).test_client()
    visitor, organiser = client.get("/", headers=HTML).text, client.get("/", headers=HTML, auth=AUTH).text
    assert 'href="/health"' not in visitor.partition("<main")[0]
    assert '<a href="/health">Status</a>' in organiser


def test_the_page_refreshes_without_closing_what_the_technician_opened(client: FlaskClient) -> None:
    page = shown(client)
    health, _, technician = page.partition("<details>")
    assert 'hx-select-oob="#technician"' in health
    assert '<div id="technician">' in technician
    assert "database connections in use" in technician
    refreshed = client.get("/health", headers=HTMX).text
    assert 'id="health"' in refreshed
    assert 'id="technician"' in refreshed


SECONDS = (4.0, 2.5, 300.0, 2.64, 3.21)


def test_the_first_words_are_told_as_a_median(make_app: MakeApp, raw: psycopg.Connection) -> None:
    with Ollama(f"{MODEL}:latest") as ollama:
        client = make_app().test_client()
        configure(client, llm_endpoint=ollama.url, llm_model=MODEL)
        assert until(lambda: services(client)["llm"]["status"] == "ok")
        add_reply(raw, -1.0)  # the clock was set back in between
        add_reply(raw, 0.1, from_facts=True)
        add_reply(raw, None)
        assert "replies" not in card(shown(client), "Language model")
        add_reply(raw, SECONDS[0])
        assert until(lambda: "The last reply began after 4 s." in shown_anew(client))
        for seconds in SECONDS[1:]:
            add_reply(raw, seconds)
        assert "Of the last 5 replies, half began within 3.2 s." in shown_anew(client)
        for _ in range(20):
            add_reply(raw, 7.0)
        assert "Of the last 20 replies, half began within 7 s." in shown_anew(client)


def shown_anew(client: FlaskClient) -> str:
    """The page after what it read a moment ago is no longer fresh."""
    parts(client.application)[Board]._past.expire()
    return shown(client)


def add_reply(raw: psycopg.Connection, seconds: float | None, *, from_facts: bool = False) -> None:
    """Stores a reply whose first word came after so many seconds."""
    raw.execute(
        "INSERT INTO jobs (kind, owner, state, began_at, first_word_at, from_facts)"
        " VALUES ('reply', 1, 'done', now(), now() + make_interval(secs => %s), %s)",
        (seconds, from_facts),
    )


def test_the_median_of_nothing_is_not_known() -> None:
    assert Past({}).first_word_s is None


def test_a_poll_of_a_program_reads_nothing_for_the_page(app: Flask, client: FlaskClient) -> None:
    for _ in range(3):
        client.get("/health")
    assert parts(app)[Board]._past.last is None
    assert parts(app)[Board]._backup.last is None
