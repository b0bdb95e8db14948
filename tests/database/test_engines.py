"""repaircafe.database: migrations, sessions, identity, bounded connections."""

import gc
import socket
import threading
from collections.abc import Callable, Iterator
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
from repaircafe.database.errors import AwayError, SchemaError
from repaircafe.database.migrations import MIGRATIONS, migration_state, scripts, upgrade
from repaircafe.database.tables import Base, Identity, db, identity
from repaircafe.neighbours.report import Reason
from repaircafe.parts import parts
from repaircafe.web import access
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.harness.client import JSON, ask_on_page
from tests.harness.database import administer, url_of


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


def test_a_script_that_changed_after_it_was_applied_is_reported(app: Flask) -> None:
    ours = parts(app)[Database]
    with ours.engine.begin() as connection:
        connection.execute(sa.text("UPDATE migration_history SET checksum = 'other' WHERE revision = '0001'"))
    with ours.monitor.connect() as connection:
        state = migration_state(connection)
    assert state.changed == ("0001",)
    assert not state.consistent


def test_reading_the_migration_again_compiles_no_new_statement(app: Flask) -> None:
    """The monitor reads it for months, and SQLAlchemy would keep every new statement in memory."""
    ours = parts(app)[Database]
    compiled: dict[Any, Any] = {}
    with ours.monitor.connect() as connection:
        looking = connection.execution_options(compiled_cache=compiled)
        migration_state(looking)
        first = len(compiled)
        migration_state(looking)
    assert len(compiled) == first > 0


def test_the_error_for_a_newer_database_says_what_to_do(app: Flask) -> None:
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
    """A role that may connect and owns nothing, like any role that is not the owner of the database."""
    administer(cluster, "CREATE ROLE guest LOGIN")
    yield "guest"
    administer(cluster, "DROP ROLE guest")


def test_a_database_user_who_may_not_create_tables_gets_a_cure(
    make_app: MakeApp, cluster: Path, empty_database: str, guest: str
) -> None:
    url = url_of(cluster, empty_database).replace("//postgres@", f"//{guest}@")
    with pytest.raises(SchemaError, match=r"permission denied for schema public\. As PostgreSQL's administrator"):
        upgrade(make_app(database_url=url, started=False))


def test_a_command_says_that_its_database_user_may_not_read(make_app: MakeApp, database_url: str, guest: str) -> None:
    app = make_app(database_url=database_url.replace("//postgres@", f"//{guest}@"), started=False)
    done = app.test_cli_runner().invoke(args=["config-show"])
    assert done.exit_code == 1
    assert "permission denied for table settings. As PostgreSQL's administrator" in done.stderr


def test_two_processes_that_start_together_migrate_once(make_app: MakeApp, cluster: Path, empty_database: str) -> None:
    apps = [make_app(database_url=url_of(cluster, empty_database), started=False) for _ in range(2)]
    failures: list[BaseException] = []

    def start(app: Flask) -> None:
        try:
            upgrade(app)
        except BaseException as error:  # noqa: BLE001  the test checks it
            failures.append(error)

    # Alembic keeps its context in module globals, so one process can run only one upgrade; the test holds the lock.
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


def test_every_message_is_stored_with_its_conversation_as_identity(app: Flask, raw: psycopg.Connection) -> None:
    """A row-level security policy on the messages of a conversation would see this identity."""
    raw.execute("CREATE TABLE carried (said text, its text)")
    raw.execute(
        "CREATE FUNCTION carry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO carried VALUES (current_setting('app.session_id'), NEW.session_id::text); RETURN NEW; END $$"
    )
    raw.execute("CREATE TRIGGER carry BEFORE INSERT ON chat_messages FOR EACH ROW EXECUTE FUNCTION carry()")
    client = app.test_client()
    begun = client.post("/api/chat", json={"message": "Hi"}).get_json()["session_id"]
    client.post("/api/chat", json={"message": "And?", "session_id": begun})
    ask_on_page(client, "Hi")
    rows = raw.execute("SELECT said, its FROM carried").fetchall()
    assert len({its for _, its in rows}) == 2, "by a program, and on the page"
    assert [(said, its) for said, its in rows if said != its] == []


def test_a_request_that_fails_stores_nothing(app: Flask) -> None:
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
        with pytest.raises(AwayError) as caught:
            connection.execute(sa.text("SELECT pg_sleep(30)"))
    assert caught.value.reason is Reason.TIMEOUT
    assert ours.pool()["in_use"] == 0


def test_an_attempt_to_connect_that_times_out_leaves_no_open_socket() -> None:
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


def test_a_response_that_cannot_be_read_raises_away_error(proxied: Callable[..., Flask], proxy: Proxy) -> None:
    ours = parts(proxied())[Database]
    proxy.break_at(b"SELECT 42", "corrupt")
    with pytest.raises(AwayError) as caught:
        with ours.engine.connect() as connection:
            connection.execute(sa.text("SELECT 42"))
    assert caught.value.reason is Reason.BAD_ANSWER
    proxy.mend()
    with ours.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT 42")) == 42


def test_a_connection_lost_after_the_last_statement_does_not_change_the_response(
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


def _history(app: Flask) -> list[tuple[str, str]]:
    ours = parts(app)[Database]
    with ours.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT revision, checksum FROM migration_history ORDER BY revision"))
        return [(str(row.revision), str(row.checksum)) for row in rows]


def _is_modelled(name: str | None, kind: str, _parents: object) -> bool:
    """Whether a model exists for it. The version before 0009 uses two tables more."""
    return not (kind == "table" and name in ("migration_history", "downloads", "announcements"))
