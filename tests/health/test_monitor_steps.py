"""repaircafe.health.monitor: what each step of a test of a neighbour says."""

import re
from collections.abc import Callable

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.database.migrations import head_revision
from tests.conftest import MakeApp
from tests.fakes.gmail import Gmail
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama


def steps(client: FlaskClient, neighbour: str, **values: str) -> list[tuple[str, str]]:
    """Each step of a test with its detail; a reason where it failed."""
    report = client.post(f"/config/test/{neighbour}", json=values).get_json()
    return [
        (one["step"], one["detail"] if one["ok"] else f"{one['reason']}: {one['detail']}") for one in report["steps"]
    ]


def test_each_step_of_a_models_test_says_what_was_found(client: FlaskClient) -> None:
    with Ollama("gemma:latest") as ollama:
        found = steps(client, "llm", llm_endpoint=ollama.url, llm_model="gemma")
        assert found[:-1] == [
            ("address", ollama.url),
            ("name", "127.0.0.1, on this network"),
            ("connection", f"Port {ollama.port} is open"),
            ("server", "Ollama 0.12.6"),
            ("model", "gemma"),
        ]
        assert re.fullmatch(r"First word after \d+\.\d s", found[-1][1])
        assert steps(client, "llm", llm_endpoint=ollama.url)[-1] == (
            "model",
            "model_not_chosen: Installed: gemma:latest",
        )
        for installed, said in (
            (["b:1", "c:2"], "model_missing: a is not installed. Installed: b:1, c:2"),
            ([], "no_model: a"),
        ):
            ollama.models = installed
            assert steps(client, "llm", llm_endpoint=ollama.url, llm_model="a")[-1] == ("model", said)
    assert steps(client, "llm") == [("address", "not_set: ")]


def test_each_step_of_a_mail_test_says_what_was_found(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repaircafe.neighbours.checks.resolve", lambda *_: ["127.0.0.1", "::1"])
    with Gmail() as gmail:
        client = make_app(**gmail.variables).test_client()
        assert steps(client, "mail") == [
            ("credentials", "All three are in .env"),
            ("name", "127.0.0.1, ::1"),
            ("token", "Google accepts it"),
            ("scopes", "Read mail and save drafts"),
            ("mailbox", "info@klinker.example"),
            ("newest", "There is none yet"),
        ]
    assert steps(make_app().test_client(), "mail") == [("credentials", "not_set: ")]


def test_each_step_of_a_database_test_says_what_was_found(
    proxied: Callable[..., Flask], proxy: Proxy, database_name: str, raw: psycopg.Connection
) -> None:
    found = steps(proxied().test_client(), "db")
    (version,) = raw.execute("SHOW server_version").fetchone() or ()
    assert found == [
        ("address", f"Database {database_name}"),
        ("name", "127.0.0.1"),
        ("connection", f"127.0.0.1:{proxy.port}"),
        ("sign_in", "As postgres"),
        ("server", f"PostgreSQL {version}"),
        ("tables", f"Migration {head_revision()}"),
    ]


def test_a_name_that_leads_to_credentials_is_sent_nothing(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repaircafe.neighbours.checks.resolve", lambda *_: ["127.0.0.1", "169.254.169.254"])
    with Ollama("gemma:latest") as ollama:
        found = steps(client, "llm", llm_endpoint=ollama.url, llm_model="gemma")
        assert ollama.asked == []
    assert found[-1] == ("name", "bad_address: 127.0.0.1, 169.254.169.254")
