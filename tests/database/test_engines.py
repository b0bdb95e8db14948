"""repaircafe.database: migrations, sessions, identity, bounded connections."""

import gc
import re
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import alembic.autogenerate
import psycopg
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from repaircafe.database.connections import BoundedConnection, connector
from repaircafe.database.engines import Database
from repaircafe.database.errors import SchemaError, is_away, translate
from repaircafe.database.migrations import MIGRATIONS, migration_state, scripts, upgrade
from repaircafe.database.tables import Base, Identity, db, identity
from repaircafe.neighbours.report import Reason
from repaircafe.parts import parts
from repaircafe.web import access
from tests.client import HTML, JSON, csrf_token
from tests.conftest import MakeApp, administer, url_of
from tests.fakes.proxy import Proxy


def test_an_empty_database_is_upgraded_and_a_second_upgrade_changes_nothing(
    make_app: MakeApp, cluster: Path, empty_database: str
) -> None:
    app = make_app(database_url=url_of(cluster, empty_database))
    first = _history(app)
    upgrade(app)
    assert _history(app) == first
    assert [revision for revision, _ in first] == sorted(scripts())


def test_no_migration_goes_backward() -> None:
    found = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())
    assert len(found) == len(scripts())
    for script in found:
        with pytest.raises(RuntimeError, match="Migrations go forward only"):
            script.module.downgrade()


def test_models_and_migrations_do_not_differ(app: Flask) -> None:
    ours = parts(app)[Database]
    with ours.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "include_name": _is_modelled}
        )
        assert alembic.autogenerate.compare_metadata(context, Base.metadata) == []


def test_history_holds_each_scripts_checksum(app: Flask) -> None:
    assert dict(_history(app)) == scripts()


def test_a_script_changed_since_it_was_applied_is_told(app: Flask) -> None:
    ours = parts(app)[Database]
    with ours.engine.begin() as connection:
        connection.execute(sa.text("UPDATE migration_history SET checksum = 'other' WHERE revision = '0001'"))
    with ours.monitor.connect() as connection:
        state = migration_state(connection)
    assert state.changed == ("0001",)
    assert not state.consistent


def test_looking_again_at_the_migration_compiles_nothing_again(app: Flask) -> None:
    """Health looks for months: a statement that were new each time would be kept each time."""
    ours = parts(app)[Database]
    compiled: dict[Any, Any] = {}
    with ours.monitor.connect() as connection:
        looking = connection.execution_options(compiled_cache=compiled)
        migration_state(looking)
        first = len(compiled)
        migration_state(looking)
    assert len(compiled) == first > 0


def test_a_newer_database_is_refused_with_what_to_do(app: Flask) -> None:
    ours = parts(app)[Database]
    with ours.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaError, match=r"newer version \(migration 9999\).*Install the newer version"):
        upgrade(app)


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    make_app: MakeApp, cluster: Path, empty_database: str
) -> None:
    app = make_app(database_url=url_of(cluster, empty_database), started=False)
    ours = parts(app)[Database]
    with ours.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE migration_history (revision integer)"))
    with pytest.raises(SchemaError, match="rolled back"):
        upgrade(app)
    with ours.engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
    assert tables == ["migration_history"]


@pytest.fixture
def guest(cluster: Path) -> Iterator[str]:
    """A role that may connect and owns nothing, as CREATE DATABASE for somebody else leaves it."""
    administer(cluster, "CREATE ROLE guest LOGIN")
    yield "guest"
    administer(cluster, "DROP ROLE guest")


def test_a_user_who_may_make_no_tables_is_told_who_can_let_them(
    make_app: MakeApp, cluster: Path, empty_database: str, guest: str
) -> None:
    url = url_of(cluster, empty_database).replace("//postgres@", f"//{guest}@")
    with pytest.raises(SchemaError, match=r"permission denied for schema public\. As PostgreSQL's administrator"):
        upgrade(make_app(database_url=url, started=False))


def test_a_command_whose_user_may_read_no_table_says_so(make_app: MakeApp, database_url: str, guest: str) -> None:
    app = make_app(database_url=database_url.replace("//postgres@", f"//{guest}@"), started=False)
    done = app.test_cli_runner().invoke(args=["config-show"])
    assert done.exit_code == 1
    assert "permission denied for table settings. As PostgreSQL's administrator" in done.stderr


def test_two_processes_that_start_at_once_migrate_once(make_app: MakeApp, cluster: Path, empty_database: str) -> None:
    apps = [make_app(database_url=url_of(cluster, empty_database), started=False) for _ in range(2)]
    failures: list[BaseException] = []

    def start(app: Flask) -> None:
        try:
            upgrade(app)
        except BaseException as error:  # noqa: BLE001  handed to the test
            failures.append(error)

    # Alembic keeps its context in module globals: two upgrades in one process are one too many, so one holds the lock.
    ours = parts(apps[0])[Database]
    with ours.migrating():
        other = threading.Thread(target=start, args=(apps[1],))
        other.start()
        other.join(0.5)
        assert other.is_alive(), "it must wait for the lock"
    other.join(10)
    upgrade(apps[0])
    assert failures == []
    assert [revision for revision, _ in _history(apps[0])] == sorted(scripts())


def test_new_uuid_is_time_ordered_on_postgresql_18(app: Flask) -> None:
    ours = parts(app)[Database]
    with ours.engine.connect() as connection:
        made = [connection.scalar(sa.text("SELECT new_uuid()")) for _ in range(3)]
    assert made == sorted(made)
    assert {one.version for one in made} == {7}


def test_every_transaction_carries_who_acts(app: Flask) -> None:
    query = sa.text("SELECT current_setting('app.user_id'), current_setting('app.session_id')")
    token = identity.set(Identity("7", "a-session"))
    try:
        with app.app_context():
            assert tuple(db.session.execute(query).one()) == ("7", "a-session")
            db.session.commit()
    finally:
        identity.reset(token)
    with app.app_context():
        assert tuple(db.session.execute(query).one()) == ("", "")


def test_what_is_said_in_a_conversation_carries_it_whoever_says_it(app: Flask, raw: psycopg.Connection) -> None:
    """What a policy on the rows of a conversation would be told."""
    raw.execute("CREATE TABLE carried (said text, its text)")
    raw.execute(
        "CREATE FUNCTION carry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO carried VALUES (current_setting('app.session_id'), NEW.session_id::text); RETURN NEW; END $$"
    )
    raw.execute("CREATE TRIGGER carry BEFORE INSERT ON chat_messages FOR EACH ROW EXECUTE FUNCTION carry()")
    client = app.test_client()
    begun = client.post("/api/chat", json={"message": "Hi"}).get_json()["session_id"]
    client.post("/api/chat", json={"message": "And?", "session_id": begun})
    page = client.get("/chat/new", headers=HTML).text
    (path,) = re.findall(r'id="ask" method="post" action="([^"#]+)', page)
    client.post(path, data={"csrf_token": csrf_token(page), "message": "Hi"}, headers=HTML)
    client.post("/config", json={"event_date": (date.today() + timedelta(days=9)).isoformat()})
    page = client.get("/announcements", headers=HTML).text
    client.post("/announcements/post", data={"csrf_token": csrf_token(page)}, headers=HTML)
    rows = raw.execute("SELECT said, its FROM carried").fetchall()
    assert len({its for _, its in rows}) == 3, "by a program, on the page, and for an announcement"
    assert [(said, its) for said, its in rows if said != its] == []


def test_a_request_that_fails_leaves_nothing_behind(app: Flask) -> None:
    @app.post("/api/half")
    def half() -> str:
        db.session.execute(sa.text("INSERT INTO settings (key, value) VALUES ('event_location', 'half')"))
        raise RuntimeError

    client = app.test_client()
    assert client.post("/api/half", json={}).status_code == 500
    assert client.get("/config", headers=JSON).json["settings"]["event_location"] == ""  # type: ignore[index]


def test_a_statement_past_its_limit_ends_and_frees_the_connection(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = parts(app)[Database]
    with ours.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, BoundedConnection)
        monkeypatch.setattr(raw, "limit_s", 0.2)
        with pytest.raises(sa.exc.OperationalError) as caught:
            connection.execute(sa.text("SELECT pg_sleep(30)"))
    assert is_away(caught.value)
    assert ours.pool()["in_use"] == 0


def test_an_attempt_to_connect_that_is_given_up_leaves_no_socket_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connect = connector(f"host=127.0.0.1 port={silent.getsockname()[1]}", 2, 1.0)
        gc.disable()
        try:
            with pytest.raises(psycopg.errors.ConnectionTimeout):
                connect()
            accepted, _ = silent.accept()
            with accepted:
                accepted.settimeout(5)
                while accepted.recv(1024):
                    pass
        finally:
            gc.enable()


def test_an_answer_that_cannot_be_read_is_a_database_that_is_away(proxied: Callable[..., Flask], proxy: Proxy) -> None:
    ours = parts(proxied())[Database]
    proxy.break_at(b"SELECT 42", "corrupt")
    with pytest.raises(sa.exc.OperationalError) as caught:
        with ours.engine.connect() as connection:
            connection.execute(sa.text("SELECT 42"))
    assert is_away(caught.value)
    proxy.mend()
    with ours.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT 42")) == 42


def test_a_connection_that_is_lost_after_the_last_statement_changes_no_answer(
    proxied: Callable[..., Flask], proxy: Proxy
) -> None:
    app = proxied()

    @app.get("/last")
    def last() -> str:
        db.session.execute(sa.text("SELECT 1"))
        proxy.break_with("reset")
        return "answered"

    app.view_functions["last"] = access.open_while_starting(last)
    assert app.test_client().get("/last").text == "answered"
    proxy.mend()
    assert app.test_client().get("/config", headers=JSON).status_code == 200


@pytest.mark.parametrize(
    ("code", "reason"),
    [("53100", Reason.DISK_FULL), ("58030", Reason.READ_ONLY), ("25006", Reason.READ_ONLY), ("42601", None)],
)
def test_a_database_that_keeps_nothing_is_told_from_a_fault_of_ours(
    app: Flask, code: str, reason: Reason | None
) -> None:
    ours = parts(app)[Database]
    with ours.engine.connect() as connection, pytest.raises(sa.exc.DBAPIError) as caught:
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$")
    assert is_away(caught.value) == (reason is not None)
    if reason is not None:
        assert translate(caught.value).reason is reason


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
def test_postgresql_that_says_why_is_not_called_something_else(said: str, reason: Reason) -> None:
    failed = psycopg.OperationalError(
        f'connection failed: connection to server at "10.0.0.2", port 5432 failed: {said}'
    )
    assert translate(failed).reason is reason


def test_a_statement_that_postgresql_refuses_was_refused_by_postgresql() -> None:
    assert translate(psycopg.errors.DeadlockDetected()).reason is Reason.HTTP_ERROR


def test_a_restore_that_was_cut_off_is_told(empty_database: str, cluster: Path) -> None:
    administer(cluster, f"ALTER DATABASE {empty_database} ALLOW_CONNECTIONS false")
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(url_of(cluster, empty_database))
    assert translate(caught.value).reason is Reason.RESTORING


def _history(app: Flask) -> list[tuple[str, str]]:
    ours = parts(app)[Database]
    with ours.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT revision, checksum FROM migration_history ORDER BY revision"))
        return [(str(row.revision), str(row.checksum)) for row in rows]


def _is_modelled(name: str | None, kind: str, _parents: object) -> bool:
    """The history is Alembic's own business and has no model."""
    return not (kind == "table" and name == "migration_history")
