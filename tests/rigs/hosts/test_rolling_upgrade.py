"""From one migration to the next, one host after the other, while people use the café's pages."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import requests

from repaircafe.database.migrations import head_revision
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.harness.versions import copy_as_later
from tests.rigs.hosts.conftest import MakeHost
from tests.rigs.hosts.load import Load, under_load
from tests.rigs.hosts.nginx import Nginx

pytestmark = pytest.mark.hosts

ADDITIONS = "; ".join(
    f"op.add_column('{table}', sa.Column('note', sa.Text))" for table in ("settings", "chat_messages", "jobs")
)
"""Tables that every visitor reads and writes."""


Upgrade = Callable[[Server, Load], None]


@pytest.fixture
def upgrade(tmp_path: Path, make_host: MakeHost) -> Upgrade:
    """Stops a host and starts the next version in its place, while the other one serves."""
    later = tmp_path / "later"
    copy_as_later(later, head_revision() or "", r9001=ADDITIONS)

    def stop_and_start(host: Server, load: Load) -> None:
        host.stop()
        assert load.goes_on(), load.failures
        make_host(project=later, PORT=str(host.port)).start()

    return stop_and_start


def test_it_fails_nobody_and_loses_nothing(
    upgrade: Upgrade, hosts: tuple[Server, Server], nginx: Nginx, raw: psycopg.Connection
) -> None:
    with under_load(nginx.url, raw) as load:
        assert load.goes_on(), load.failures
        upgrade(hosts[0], load)
        assert until(lambda: reason(hosts[1]) == "schema_newer")
        assert requests.get(f"{hosts[1].url}/health/ready", timeout=10).status_code == 200
        both_answer(nginx, load)
        upgrade(hosts[1], load)
        both_answer(nginx, load)
    assert load.failures == []
    assert raw.execute("SELECT count(*) FROM migration_history WHERE revision = 'r9001'").fetchone() == (1,)
    for host in hosts:
        health = requests.get(f"{host.url}/health", timeout=10).json()
        assert (health["version"][:2], health["status"], health["migrations"]["current"]) == ("9.", "healthy", "r9001")
    assert raw.execute("SELECT value FROM settings WHERE key = 'event_location'").fetchone() == (f"Zaal {load.saved}",)
    every_question_is_there_once_and_is_answered(load, raw)


def both_answer(nginx: Nginx, load: Load) -> None:
    """The proxy sends visitors to both hosts, and all goes on."""
    before = len(nginx.answered())
    assert load.goes_on(), load.failures
    assert len({one.by[0] for one in nginx.answered()[before:] if len(one.by) == 1}) == 2


def every_question_is_there_once_and_is_answered(load: Load, raw: psycopg.Connection) -> None:
    """At once, or after a press where its host was stopped in the middle of it, perhaps before the first word."""
    stored = raw.execute("SELECT content FROM chat_messages WHERE role = 'user' ORDER BY content").fetchall()
    assert stored == sorted((one.text,) for one in load.asked)
    for one in load.asked:
        assert until(lambda one=one: one.visitor.last().get("state") in ("done", "broken"))  # type: ignore[misc]
        if one.visitor.last()["state"] == "broken":
            one.visitor.show()
            one.visitor.press("Retry" if one.visitor.last()["content"] else "Ask again")
        assert one.visitor.comes_to("done")


def reason(host: Server) -> str | None:
    """Why the host's database is not well, as it says."""
    found: str | None = requests.get(f"{host.url}/health", timeout=10).json()["services"][0]["reason"]
    return found
