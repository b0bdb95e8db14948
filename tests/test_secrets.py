"""Sets every secret to a marker and causes every failure: no log line, page, response or command shows a marker."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import requests
from requests.auth import HTTPBasicAuth

from repaircafe.environment import PROJECT
from tests.fakes.misbehaving import Misbehaving
from tests.fakes.scripted import Google
from tests.harness.client import HTML, JSON
from tests.harness.database import url_of
from tests.harness.marks import SECRETS, traces
from tests.harness.server import Server

OPERATOR = ("operator", SECRETS["OPERATOR_PASSWORD"].encode())


def drive(server: Server) -> list[str]:
    """Causes every failure on the pages. Returns the bodies and headers of all responses."""
    said: list[str] = []

    def ask(method: str, path: str, **arguments: object) -> None:
        response = requests.request(method, server.url + path, timeout=20, **arguments)  # type: ignore[arg-type]
        said.append(response.text + str(response.headers))

    for headers in (HTML, JSON):
        for path in ("/", "/health", "/health/ready", "/banner", "/config", "/nowhere"):
            ask("GET", path, headers=headers)
            ask("GET", path, headers=headers, auth=OPERATOR)
    for secret in SECRETS.values():
        ask("POST", "/config", json={"event_location": secret}, auth=OPERATOR)
        # Its answer names the field as it was sent.
        requests.post(f"{server.url}/config", json={secret: "x"}, auth=HTTPBasicAuth(*OPERATOR), timeout=20)
        ask("POST", "/config", json={"llm_endpoint": f"http://u:{secret}@h"}, auth=OPERATOR)
    ask("POST", "/config", json={"event_location": "Dorpsstraat 1"}, auth=OPERATOR)
    ask("GET", "/config", headers=HTML, auth=("operator", "wrong"))
    for neighbour in ("db", "llm", "mail"):
        ask("POST", f"/config/test/{neighbour}", json={"llm_endpoint": "http://127.0.0.1:9"}, auth=OPERATOR)
    return said


def commands(variables: dict[str, str]) -> str:
    """Everything that the commands print."""
    said = ""
    for command in (["health"], ["config-test", "all"], ["config-show"]):
        done = subprocess.run(
            [sys.executable, "-m", "flask", *command],
            env={**os.environ, **variables, "FLASK_APP": "repaircafe.app", "LOG_LEVEL": "DEBUG"},
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        said += done.stdout + done.stderr
    return said


def variables(url: str, token_uri: str) -> dict[str, str]:
    """An environment in which every secret is a marker."""
    return {
        **SECRETS,
        "DATABASE_URL": url,
        "GMAIL_TOKEN_URI": token_uri,
        "DB_STARTUP_TIMEOUT": "1",
        "LOG_LEVEL": "DEBUG",
    }


def test_nothing_leaks_if_all_is_well_and_google_refuses(cluster: Path, database_name: str, tmp_path: Path) -> None:
    socket = url_of(cluster, database_name).split("?")[1]
    url = f"postgresql://postgres:${{POSTGRES_PASSWORD}}@/{database_name}?{socket}"
    with Google("invalid_grant") as google:
        google.echo = SECRETS["GMAIL_REFRESH_TOKEN"]
        given = variables(url, google.token_uri)
        with Server(tmp_path, given.pop("DATABASE_URL"), **given) as server:
            said = drive(server)
            _break_tables(cluster, database_name)
            said += drive(server)
            log = server.log_text()
        said.append(commands({**given, "DATABASE_URL": url}))
    assert any("auth_expired" in one for one in said), "the mail test must have run"
    assert '"event_type": "internal_error"' in log
    assert "Traceback" in log
    assert "Dorpsstraat 1" not in log, "the log does not contain what people write, either"
    assert traces(log) == []
    assert traces("\n".join(said)) == []


@pytest.mark.parametrize("fault", ["refuse", "garbage", "reset", "silent"])
def test_nothing_leaks_if_every_neighbour_is_broken(fault: str, tmp_path: Path) -> None:
    with Misbehaving(fault) as neighbour:
        url = f"postgresql://cafe:${{POSTGRES_PASSWORD}}@127.0.0.1:{neighbour.port}/cafe"
        given = variables(url, neighbour.url)
        with Server(tmp_path, given.pop("DATABASE_URL"), **given) as server:
            said = drive(server)
            log = server.log_text()
        said.append(commands({**given, "DATABASE_URL": url}))
    assert traces(log) == []
    assert traces("\n".join(said)) == []


def test_the_database_contains_no_secret(cluster: Path, database_name: str, tmp_path: Path) -> None:
    with Google("invalid_client", 401) as google:
        google.echo = SECRETS["GMAIL_CLIENT_SECRET"]
        given = variables(url_of(cluster, database_name), google.token_uri)
        with Server(tmp_path, given.pop("DATABASE_URL"), **given) as server:
            drive(server)
    with psycopg.connect(url_of(cluster, database_name)) as connection:
        rows = connection.execute(
            "SELECT t::text FROM settings t UNION ALL SELECT t::text FROM service_tests t"
        ).fetchall()
    assert len(rows) >= 1
    assert traces(str(rows)) == []


def _break_tables(cluster: Path, name: str) -> None:
    with psycopg.connect(url_of(cluster, name), autocommit=True) as connection:
        connection.execute("ALTER TABLE settings RENAME COLUMN value TO gone")
