"""Two hosts that are switched on at the same moment, with one empty database."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import requests

from repaircafe.database.engines import MIGRATION_LOCK
from repaircafe.database.migrations import scripts
from tests.harness.conditions import until
from tests.harness.database import url_of
from tests.harness.server import START_LIMIT_S
from tests.rigs.hosts.conftest import MakeHost

pytestmark = pytest.mark.hosts

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def test_both_become_ready_on_an_empty_database_and_each_migration_is_applied_once(
    make_host: MakeHost, cluster: Path, empty_database: str
) -> None:
    url = url_of(cluster, empty_database)
    hosts = [make_host(url), make_host(url)]
    with psycopg.connect(url, autocommit=True) as raw, ThreadPoolExecutor(2) as executor:
        raw.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        starts = [executor.submit(host.start) for host in hosts]
        assert until(lambda: raw.execute(WAITING).fetchone() == (2,), START_LIMIT_S), "both want to make the tables"
        raw.execute("SELECT pg_advisory_unlock(%s)", (MIGRATION_LOCK,))
        for start in starts:
            start.result()
        applied = raw.execute("SELECT revision FROM migration_history ORDER BY revision").fetchall()
        assert applied == [(revision,) for revision in sorted(scripts())]
        assert raw.execute("SELECT count(DISTINCT applied_at) FROM migration_history").fetchone() == (1,), "one of them"
    told = [line["revisions"] for host in hosts for line in host.log_lines() if line["message"] == "Migrations applied"]
    assert [sorted(revisions) for revisions in told] == [sorted(scripts())], "the other has only waited"
    for host in hosts:
        assert requests.get(f"{host.url}/health/ready", timeout=10).status_code == 200
        assert requests.get(f"{host.url}/", timeout=10).status_code == 200
        assert {line["level"] for line in host.log_lines()} <= {"info"}
        assert "Traceback" not in host.log_text()
