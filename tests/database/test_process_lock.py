"""repaircafe.database.process_lock: a process is a live owner exactly as long as it runs."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from repaircafe.database.errors import AwayError
from repaircafe.database.process_lock import ProcessLock, live_owners
from repaircafe.environment import PROJECT
from repaircafe.neighbours.report import Reason
from tests.harness.conditions import until

HOLD = """
import sys, psycopg
from repaircafe.database.process_lock import ProcessLock
process_lock = ProcessLock(lambda: psycopg.connect(sys.argv[1]))
print(process_lock.owner(), flush=True)
sys.stdin.read()
"""
FORK = """
import os, sys, psycopg
from repaircafe.database.process_lock import ProcessLock
process_lock = ProcessLock(lambda: psycopg.connect(sys.argv[1]))
mine = process_lock.owner()
if os.fork() == 0:
    print(process_lock.owner(), flush=True)
    process_lock.leave()
    os._exit(0)
os.wait()
assert process_lock.owner() == mine
print(mine, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def process_lock(database_url: str) -> Iterator[ProcessLock]:
    """The lock of the test's own process."""
    process_lock = ProcessLock(lambda: psycopg.connect(database_url))
    yield process_lock
    process_lock.leave()


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An engine that looks at the locks from outside."""
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database_url))
    yield engine
    engine.dispose()


def there(engine: sa.Engine) -> set[int]:
    """The live owners."""
    with Session(engine) as session:
        return set(session.scalars(live_owners()))


def terminate(engine: sa.Engine, owner: int) -> None:
    """Makes the server end the connection that holds the owner's lock."""
    with engine.begin() as connection:
        ended = connection.scalar(
            sa.text(
                "SELECT bool_and(pg_terminate_backend(pid, 5000)) FROM pg_locks"
                " WHERE locktype = 'advisory' AND (classid::bigint << 32) | objid::bigint = :owner"
            ),
            {"owner": owner},
        )
    assert ended


def process(script: str, database_url: str) -> subprocess.Popen[str]:
    """Another process that holds a lock until its stdin ends."""
    return subprocess.Popen(
        [sys.executable, "-c", script, database_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )


def test_a_process_has_one_owner_number_until_it_releases_its_lock(
    process_lock: ProcessLock, engine: sa.Engine
) -> None:
    assert there(engine) == set()
    owner = process_lock.owner()
    assert there(engine) == {owner}
    assert process_lock.owner() == owner
    process_lock.leave()
    assert until(lambda: there(engine) == set())
    process_lock.leave()  # a second call does nothing


def test_every_process_has_its_own_number(process_lock: ProcessLock, engine: sa.Engine, database_url: str) -> None:
    other = ProcessLock(lambda: psycopg.connect(database_url))
    both = {process_lock.owner(), other.owner()}
    assert len(both) == 2
    assert there(engine) == both
    other.leave()
    assert until(lambda: there(engine) == {process_lock.owner()})


def test_a_killed_process_loses_its_lock_at_once(engine: sa.Engine, database_url: str) -> None:
    with process(HOLD, database_url) as held:
        assert held.stdout is not None
        owner = int(held.stdout.readline())
        assert there(engine) == {owner}
        held.send_signal(signal.SIGKILL)
        assert until(lambda: there(engine) == set(), 2)


def test_a_lost_connection_leads_to_a_new_owner_number(process_lock: ProcessLock, engine: sa.Engine) -> None:
    before = process_lock.owner()
    terminate(engine, before)
    assert there(engine) == set()
    after = process_lock.owner()
    assert after != before
    assert there(engine) == {after}


def test_the_lock_can_be_taken_after_a_failed_attempt_to_connect(engine: sa.Engine, database_url: str) -> None:
    targets = ["postgresql://u@127.0.0.1:9/x", database_url]
    process_lock = ProcessLock(lambda: psycopg.connect(targets.pop(0)))
    with pytest.raises(AwayError):
        process_lock.owner()
    assert there(engine) == set()
    owner = process_lock.owner()
    assert there(engine) == {owner}
    process_lock.leave()


def test_a_process_that_did_not_get_the_lock_tries_again(engine: sa.Engine, database_url: str) -> None:
    """PostgreSQL keeps the connection open after a failed statement, but we must not keep the owner number."""
    function = "FUNCTION pg_advisory_lock(bigint)"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"REVOKE EXECUTE ON {function} FROM PUBLIC")
        connection.exec_driver_sql("CREATE ROLE humble_presence LOGIN")
    process_lock = ProcessLock(lambda: psycopg.connect(database_url, user="humble_presence"))
    try:
        for _ in range(2):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                process_lock.owner()
        with engine.begin() as connection:
            connection.exec_driver_sql(f"GRANT EXECUTE ON {function} TO PUBLIC")
        owner = process_lock.owner()
        assert there(engine) == {owner}
    finally:
        process_lock.leave()
        with engine.begin() as connection:
            connection.exec_driver_sql(f"GRANT EXECUTE ON {function} TO PUBLIC")
            connection.exec_driver_sql("DROP ROLE humble_presence")


def test_a_forked_child_has_its_own_number_and_its_parent_keeps_the_lock(engine: sa.Engine, database_url: str) -> None:
    with process(FORK, database_url) as parent:
        assert parent.stdout is not None
        child, mine = int(parent.stdout.readline()), int(parent.stdout.readline())
        assert child != mine
        assert until(lambda: there(engine) == {mine})
        parent.kill()


def test_a_thread_waits_a_limited_time_while_another_waits_for_a_silent_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("repaircafe.database.process_lock.LOCK_WAIT_LIMIT_S", 0.05)
    connecting, silence = threading.Event(), threading.Event()

    def connect() -> psycopg.Connection[Any]:
        connecting.set()
        silence.wait(30)
        raise psycopg.OperationalError

    process_lock = ProcessLock(connect)

    def wait() -> None:
        with pytest.raises(AwayError):
            process_lock.owner()

    first = threading.Thread(target=wait)
    first.start()
    assert connecting.wait(30)
    with pytest.raises(AwayError) as caught:
        process_lock.owner()
    assert caught.value.reason is Reason.TIMEOUT
    silence.set()
    first.join()


def test_locks_of_another_database_and_of_other_kinds_are_no_owners(
    process_lock: ProcessLock, engine: sa.Engine, database_url: str
) -> None:
    owner = process_lock.owner()
    with psycopg.connect(database_url, dbname="postgres") as elsewhere, psycopg.connect(database_url) as here:
        elsewhere.execute("SELECT pg_advisory_lock(123456789012)")
        here.execute("SELECT pg_advisory_lock(7, 8)")
        assert there(engine) == {owner}
