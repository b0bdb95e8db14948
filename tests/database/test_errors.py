"""repaircafe.database.errors: each engine raises AwayError for an unavailable database, but not for our own faults."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from repaircafe.database.engines import Database
from repaircafe.database.errors import AwayError, reason_in_health, translate
from repaircafe.database.tables import db
from repaircafe.neighbours.report import Reason
from repaircafe.parts import parts
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.harness.database import administer, make_read_only, url_of

TERMINATE = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"


def end_connections(raw: psycopg.Connection, database_name: str) -> None:
    """Ends all connections, as a restart of the server does."""
    raw.execute(f"{TERMINATE} AND datname = %s".encode(), (database_name,))


def query(engine: sa.Engine, statement: str = "SELECT 42") -> object:
    """The result of a statement, on a connection of the engine."""
    with engine.connect() as connection:
        return connection.scalar(sa.text(statement))


@pytest.mark.parametrize("name", ["engine", "monitor", "migrating"])
@pytest.mark.parametrize(("fault", "reason"), [("refuse", Reason.REFUSED), ("reset", Reason.RESET)])
def test_an_unreachable_server_raises_away_error_for_each_engine(
    proxied: Callable[..., Flask], proxy: Proxy, name: str, fault: str, reason: Reason
) -> None:
    ours = parts(proxied())[Database]
    proxy.break_with(fault)
    connect = ours.migrating if name == "migrating" else getattr(ours, name).connect
    with pytest.raises(AwayError) as caught, connect():
        pytest.fail("there is no connection")
    assert caught.value.reason is reason
    assert isinstance(caught.value.__cause__, psycopg.OperationalError), "the log can show the cause"


def test_a_connection_that_ends_while_idle_is_replaced_without_a_log_message(
    app: Flask, raw: psycopg.Connection, database_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    ours = parts(app)[Database]
    for engine in (ours.engine, ours.monitor):
        assert query(engine) == 42
    end_connections(raw, database_name)
    for engine in (ours.engine, ours.monitor):
        assert query(engine) == 42
    assert caplog.messages == [], "SQLAlchemy's messages would only wear out the SD card"


def test_a_connection_that_ends_in_a_transaction_raises_away_error_and_the_session_works_again(
    app: Flask, raw: psycopg.Connection, database_name: str
) -> None:
    with app.app_context():
        db.session.execute(sa.text("SELECT 42"))
        end_connections(raw, database_name)
        with pytest.raises(AwayError) as caught:
            db.session.execute(sa.text("SELECT 42"))
        assert caught.value.reason is Reason.RESET
        db.session.rollback()
        assert db.session.scalar(sa.text("SELECT 42")) == 42
    assert parts(app)[Database].pool()["in_use"] == 0


def test_a_session_that_was_not_rolled_back_does_not_affect_the_next(app: Flask) -> None:
    with app.app_context(), pytest.raises(AwayError):
        db.session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with app.app_context():
        assert db.session.scalar(sa.text("SELECT 42")) == 42
    assert parts(app)[Database].pool()["in_use"] == 0


def test_a_connection_that_ends_before_the_commit_raises_away_error(
    app: Flask, raw: psycopg.Connection, database_name: str
) -> None:
    with app.app_context():
        db.session.execute(sa.text("INSERT INTO settings (key, value) VALUES ('event_location', 'Here')"))
        end_connections(raw, database_name)
        with pytest.raises(AwayError) as caught:
            db.session.commit()
    assert caught.value.reason is Reason.RESET
    assert raw.execute("SELECT count(*) FROM settings").fetchone() == (0,)


def test_a_commit_that_fails_on_a_full_disk_raises_away_error(app: Flask, raw: psycopg.Connection) -> None:
    raw.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '53100'; END $$;"
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON settings DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    with app.app_context():
        db.session.execute(sa.text("INSERT INTO settings (key, value) VALUES ('event_location', 'Here')"))
        with pytest.raises(AwayError) as caught:
            db.session.commit()
        assert caught.value.reason is Reason.DISK_FULL
        db.session.rollback()
        assert db.session.scalar(sa.text("SELECT count(*) FROM settings")) == 0


def test_a_pool_without_a_free_connection_raises_away_error(make_app: MakeApp) -> None:
    ours = parts(make_app(db_pool_size=1, db_max_overflow=0, db_pool_timeout=1))[Database]
    with ours.engine.connect(), pytest.raises(AwayError) as caught:
        query(ours.engine)
    assert caught.value.reason is Reason.TOO_MANY_CONNECTIONS
    assert query(ours.engine) == 42


def test_a_connection_that_is_lost_twice_raises_away_error_each_time(make_app: MakeApp) -> None:
    """The second statement needs a new connection, and the pool has no free one."""
    ours = parts(make_app(db_pool_size=1, db_max_overflow=0, db_pool_timeout=1))[Database]
    with ours.engine.connect() as connection:
        with pytest.raises(AwayError):
            connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
        connection.rollback()
        with ours.engine.connect(), pytest.raises(AwayError) as caught:
            connection.execute(sa.text("SELECT 42"))
    assert caught.value.reason is Reason.TOO_MANY_CONNECTIONS


@pytest.mark.parametrize(
    ("code", "reason"),
    [("53100", Reason.DISK_FULL), ("58030", Reason.READ_ONLY), ("25006", Reason.READ_ONLY)],
)
def test_a_database_that_stores_nothing_raises_away_error(app: Flask, code: str, reason: Reason) -> None:
    ours = parts(app)[Database]
    ours.is_writable = True
    with ours.engine.connect() as connection, pytest.raises(AwayError) as caught:
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$")
    assert caught.value.reason is reason
    assert ours.is_writable is False, "health tries to write"


def test_a_database_that_has_become_read_only_can_still_be_read(app: Flask) -> None:
    make_read_only(app, "on")
    with app.app_context():
        with pytest.raises(AwayError) as caught:
            db.session.execute(sa.text("DELETE FROM settings"))
        assert caught.value.reason is Reason.READ_ONLY
        db.session.rollback()
        assert db.session.scalar(sa.text("SELECT count(*) FROM settings")) == 0


def test_a_statement_past_the_servers_limit_raises_away_error(app: Flask) -> None:
    ours = parts(app)[Database]
    with ours.engine.connect() as connection:
        connection.execute(sa.text("SET LOCAL statement_timeout = 50"))
        with pytest.raises(AwayError) as caught:
            connection.execute(sa.text("SELECT pg_sleep(30)"))
    assert caught.value.reason is Reason.TIMEOUT


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("SELECT nonsense", psycopg.errors.UndefinedColumn),
        ("SELECT 1 / 0", psycopg.errors.DivisionByZero),
        ("INSERT INTO settings (key) VALUES (NULL)", psycopg.errors.NotNullViolation),
        ("DO $$ BEGIN RAISE SQLSTATE '42601'; END $$", psycopg.errors.SyntaxError),
    ],
)
def test_a_fault_of_our_sql_stays_the_librarys_error(app: Flask, statement: str, fault: type[psycopg.Error]) -> None:
    ours = parts(app)[Database]
    ours.is_writable = True
    with pytest.raises(sa.exc.DBAPIError) as caught:
        query(ours.engine, statement)
    assert isinstance(caught.value.orig, fault)
    assert (reason_in_health(caught.value), ours.is_writable) == (None, True)


def test_a_missing_table_is_a_fault_that_health_reports(app: Flask) -> None:
    with pytest.raises(sa.exc.ProgrammingError) as caught:
        query(parts(app)[Database].engine, "SELECT FROM nowhere")
    assert reason_in_health(caught.value) is Reason.NOT_MIGRATED


def test_a_session_that_was_not_rolled_back_is_our_own_fault(app: Flask) -> None:
    with app.app_context():
        with suppress(AwayError):
            db.session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
        with pytest.raises(sa.exc.PendingRollbackError):
            db.session.execute(sa.text("SELECT 42"))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "cafe", database "cafe"', Reason.AUTH_REFUSED),
        ('FATAL:  role "cafe" does not exist', Reason.AUTH_REFUSED),
        ('FATAL:  role "cafe" is not permitted to log in', Reason.AUTH_REFUSED),
        ('FATAL:  database "cafe" does not exist', Reason.DATABASE_MISSING),
        ('FATAL:  database "cafe" is not currently accepting connections', Reason.RESTORING),
        ('FATAL:  too many connections for role "cafe"', Reason.TOO_MANY_CONNECTIONS),
        ('FATAL:  permission denied for database "cafe"', Reason.HTTP_ERROR),
        ("invalid response to SSL negotiation: H", Reason.BAD_ANSWER),
    ],
)
def test_a_failed_connection_has_the_reason_that_the_message_gives(said: str, reason: Reason) -> None:
    failed = psycopg.OperationalError(
        f'connection failed: connection to server at "10.0.0.2", port 5432 failed: {said}'
    )
    assert translate(failed).reason is reason


def test_a_statement_that_postgresql_refuses_has_the_reason_http_error() -> None:
    assert translate(psycopg.errors.DeadlockDetected()).reason is Reason.HTTP_ERROR


def test_an_interrupted_restore_has_the_reason_restoring(empty_database: str, cluster: Path) -> None:
    administer(cluster, f"ALTER DATABASE {empty_database} ALLOW_CONNECTIONS false")
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(url_of(cluster, empty_database))
    assert translate(caught.value).reason is Reason.RESTORING
