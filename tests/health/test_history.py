"""repaircafe.health.history: when what health saw is stored, and that processes do not overwrite each other."""

import os
import re
import signal
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psycopg
import pytest
import requests
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.health import history, models
from repaircafe.health.history import History
from repaircafe.health.strips import DAY, KEPT_DAYS, Days, Seen, begin_of, bucket_of, merged, only, written
from repaircafe.limits import STRIPS_STORE_S
from repaircafe.neighbours.checks import report_of
from repaircafe.neighbours.report import Neighbour, Reason, Report
from repaircafe.parts import parts
from repaircafe.runtime.lifecycle import Lifecycle
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.harness.checking import Clock
from tests.harness.client import HTML
from tests.harness.conditions import until
from tests.harness.database import DATABASE_AWAY, make_read_only
from tests.harness.logged import lines_of
from tests.harness.server import Server

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
LAST = bucket_of(NOON)
SIZE = "SELECT pg_total_relation_size('status_strips') + pg_total_relation_size('status_strips_turn_seq')"
"""With its index, all that PostgreSQL keeps beside it, and the counter of `turn`."""


def works(at: datetime = NOON, neighbour: Neighbour = Neighbour.DB) -> Report:
    """A report of something that works."""
    return Report(neighbour, (), 1.0, at)


def refused(at: datetime = NOON, neighbour: Neighbour = Neighbour.LLM) -> Report:
    """A report of something that does not run."""
    return Report(neighbour, report_of(neighbour, Reason.REFUSED).steps, 0.0, at)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The monotonic clock by which strips are stored."""
    clock = Clock()
    monkeypatch.setattr(history, "time", SimpleNamespace(monotonic=clock))
    return clock


def rows(raw: psycopg.Connection) -> int:
    """How many strips are stored."""
    found = raw.execute("SELECT count(*) FROM status_strips").fetchone()
    return int(found[0]) if found else 0


def stored(session: Session, neighbour: Neighbour = Neighbour.DB) -> Days:
    """The stored strip."""
    session.rollback()
    return models.kept(session)[neighbour]


def test_strips_are_stored_once_an_hour(app: Flask, clock: Clock, raw: psycopg.Connection) -> None:
    ours = History(app)
    ours.note(works())
    clock.now += STRIPS_STORE_S - 1
    ours.note(works())
    assert rows(raw) == 0
    clock.now += 1
    ours.note(works())
    assert until(lambda: rows(raw) == 1)
    assert until(lambda: ours._due.value == clock.now + STRIPS_STORE_S)


def test_a_store_that_fails_is_tried_again_five_minutes_later(
    app: Flask, clock: Clock, raw: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    ours = History(app)
    make_read_only(app, "on")
    clock.now += STRIPS_STORE_S
    ours.note(works())
    assert until(lambda: ours._store._running is not None and ours._store._running.done)
    make_read_only(app, "off")
    ours.note(works())
    assert rows(raw) == 0
    clock.now += 300
    ours.note(works())
    assert until(lambda: rows(raw) == 1)
    assert lines_of(caplog, "db_error") == [], "/health reports it"


def test_the_end_of_a_worker_stores_what_was_seen(make_app: MakeApp, raw: psycopg.Connection) -> None:
    app = make_app()
    app.test_client().get("/health")
    assert rows(raw) == 0
    for end in parts(app)[Lifecycle].when_worker_ends:
        end()
    assert rows(raw) == 3


def test_the_end_of_a_worker_that_has_seen_no_database_waits_for_none(
    make_app: MakeApp, proxied: MakeApp, proxy: Proxy
) -> None:
    never = make_app(database_url=DATABASE_AWAY, started=False)
    parts(never)[History].close()
    app = proxied()
    parts(app)[History].note(works())
    proxy.break_with("silent")
    parts(app)[History].note(refused(neighbour=Neighbour.DB))
    parts(app)[History].close()
    assert parts(app)[History]._store._running is None


def test_a_process_that_loses_the_database_at_its_end_waits_a_limited_time(
    proxied: MakeApp, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "STRIPS_CLOSE_LIMIT_S", 0.1)
    app = proxied()
    parts(app)[History].note(works())
    proxy.break_with("silent")
    parts(app)[History].close()
    assert parts(app)[History]._store._is_busy()


def test_two_processes_merge_their_strips(app: Flask, session: Session) -> None:
    one, other = History(app), History(app)
    earlier = NOON - timedelta(minutes=5)
    one.note(works(earlier))
    one.note(works())
    other.note(works())
    other.note(refused(neighbour=Neighbour.DB))
    other.note(works(NOON + timedelta(minutes=5)))
    for ours in (one, other, one):
        ours._keep(ours.strips())
    assert written(stored(session), LAST + 1, 4) == "03f3"


def test_a_strip_that_says_the_same_is_not_written_again(app: Flask, raw: psycopg.Connection) -> None:
    ours = History(app)
    ours.note(works())
    versions = []
    for _ in range(2):
        ours._keep(ours.strips())
        versions.append(raw.execute("SELECT xmin::text, turn FROM status_strips").fetchall())
    assert versions[0] == versions[1]


def test_a_test_counts_when_it_was_made(app: Flask) -> None:
    """Mail is never asked by a health check, which repeats the last test."""
    ours, tested = History(app), NOON - timedelta(hours=2)
    ours.note(works(tested, Neighbour.MAIL))
    ours.note(works(tested, Neighbour.MAIL))
    assert written(ours.strips()[Neighbour.MAIL], LAST, DAY).strip("0") == "3"


def test_what_is_not_known_is_not_noted(app: Flask) -> None:
    ours = History(app)
    for reason in (Reason.SETTINGS_UNKNOWN, Reason.NOT_TESTED):
        ours.note(report_of(Neighbour.MAIL, reason))
    assert ours.strips()[Neighbour.MAIL] == {}


def test_a_change_is_known_exactly(app: Flask) -> None:
    ours = History(app)
    assert ours.changed_at(Neighbour.LLM) is None
    moments = [NOON + timedelta(seconds=10 * number) for number in range(4)]
    ours.note(works(moments[0], Neighbour.LLM))
    ours.note(refused(moments[1]))
    ours.note(refused(moments[2]))
    assert ours.changed_at(Neighbour.LLM) == moments[1]


CHANGING = f"{Seen.WORKS:x}{Seen.NOT_REACHABLE:x}{Seen.LIMITED:x}{Seen.NOT_SET_UP:x}" * (DAY // 4)


def seen_by(hour: int) -> int:
    """The digits of a day of which so many hours have passed, and in which every five minutes saw something else."""
    return int(CHANGING[: 12 * hour].ljust(DAY, "0"), 16)


def test_a_month_takes_less_than_100_kb(session: Session, raw: psycopg.Connection) -> None:
    """As it grows, in a process that runs day and night for more than a month and stores today and yesterday hourly."""
    today = LAST // DAY
    for day in range(today - KEPT_DAYS - 2, today):
        for hour in range(1, 25):
            models.keep(session, {one: {day - 1: seen_by(24), day: seen_by(hour)} for one in Neighbour})
    sizes = []
    for statement in ("SELECT", "VACUUM status_strips"):
        raw.execute(statement.encode())
        row = raw.execute(SIZE).fetchone()
        sizes.append(int(row[0]) if row else 0)
    assert 20_000 < max(sizes) < 100_000, sizes
    assert rows(raw) == KEPT_DAYS * len(Neighbour)
    days = stored(session)
    assert min(days) == today - KEPT_DAYS
    assert "0" not in written(days, today * DAY - 1, KEPT_DAYS * DAY)


@pytest.mark.parametrize("wrong", [-20_000, -40, 1, 30_000])
def test_the_days_of_a_wrong_clock_push_out_no_others_and_go_in_the_end(session: Session, wrong: int) -> None:
    today = LAST // DAY
    for day in (*range(today - 20, today), today + wrong, *range(today, today + 15)):
        for neighbour in Neighbour:
            models.keep(session, {neighbour: only(day * DAY, Seen.WORKS)})
    assert set(range(today - 14, today + 15)) <= stored(session).keys()
    for day in range(today + 15, today + 50):
        models.keep(session, {neighbour: only(day * DAY, Seen.WORKS) for neighbour in Neighbour})
    assert today + wrong not in stored(session) or wrong == 1, "the day that was wrong has come"


def test_a_neighbour_of_another_version_is_left_out(session: Session, raw: psycopg.Connection) -> None:
    models.keep(session, {Neighbour.DB: only(LAST, Seen.WORKS)})
    raw.execute("UPDATE status_strips SET service = 'heating'")
    assert merged(*models.kept(session).values()) == {}


def test_a_clock_that_is_set_back_breaks_nothing(app: Flask, session: Session) -> None:
    ours = History(app)
    ours.note(works())
    ours.note(works(NOON - timedelta(hours=1)))
    ours._keep(ours.strips())
    assert written(stored(session), LAST, 13) == "3" + "0" * 12
    assert begin_of(LAST) == NOON


def test_a_store_of_the_hour_says_nothing_of_minutes_in_which_an_outage_may_follow(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the whole service is killed after it, these minutes are unknown, not well."""
    monkeypatch.setattr(history, "datetime", SimpleNamespace(now=lambda _zone: NOON))
    ours = History(app)
    ours.note(works(NOON - timedelta(minutes=5)))
    ours.note(works())
    ours._keep_settled()
    ours.note(refused(neighbour=Neighbour.DB))
    assert written(stored(session), LAST, 2) == "30"
    ours._keep_settled()
    assert written(stored(session), LAST, 2) == "3f", "it can get no worse"


def test_a_worker_that_is_killed_leaves_what_it_saw_and_the_hour_of_the_store(server: Server) -> None:
    requests.post(f"{server.url}/config", json={"llm_endpoint": "http://127.0.0.1:9"}, timeout=10)
    assert until(lambda: seen_on_status(server, "Language model", "unreachable"))
    requests.post(f"{server.url}/config", json={"llm_endpoint": ""}, timeout=10)
    assert until(lambda: "No language model is set up." in status_card(server, "Language model"))
    (killed,) = server.workers()
    os.kill(killed, signal.SIGKILL)
    assert until(lambda: server.workers() not in ([], [killed]) and server.health() == "healthy")
    assert seen_on_status(server, "Language model", "unreachable")


def test_what_a_killed_service_did_not_store_is_unknown_and_not_well(server: Server, raw: psycopg.Connection) -> None:
    assert server.health()
    server.kill_whole()
    assert rows(raw) == 0
    server.start()
    assert until(lambda: server.health() == "healthy")
    found = status_card(server, "Database")
    assert re.search(r"not known 23 hours 5[05] minutes, works (5|10) minutes</figcaption>", found), found


def status_card(server: Server, name: str) -> str:
    """What the Status page of a server says of a neighbour."""
    text = requests.get(f"{server.url}/health", headers=HTML, timeout=10).text
    return next((part for part in text.split('<li class="card">') if f"<h2>{name}" in part), "")


def seen_on_status(server: Server, name: str, state: str) -> bool:
    """Whether its strip shows that state."""
    return f'class="seen {state}"' in status_card(server, name).partition("<svg")[2].partition("</svg>")[0]


def test_a_server_that_is_stopped_stores_what_it_saw(server: Server, raw: psycopg.Connection) -> None:
    assert server.health()
    assert rows(raw) == 0, "less than an hour has passed"
    server.stop()
    assert rows(raw) == len(Neighbour)
