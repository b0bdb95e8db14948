"""repaircafe.web.openapi: the document tells all that the JSON API does, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import requests
import schemathesis
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.environment import PROJECT
from repaircafe.settings.definitions import KEYS
from repaircafe.web.access import PUBLIC_ENDPOINTS
from repaircafe.web.users import OPERATOR
from tests.client import PASSWORD
from tests.fakes.scripted import Ollama
from tests.server import Server

JSON_ADDRESSES = ("/health", "/config", "/api/", "/openapi.json")
PAGES = ("downloads.",)
"""The endpoints at these addresses that answer with pages alone."""
MODEL = "small:latest"
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "")
"""How many requests are made up for each operation and phase; empty: a few, the same ones each time."""


@pytest.fixture
def published(client: FlaskClient) -> dict[str, Any]:
    """The document as clients get it."""
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


def test_the_document_is_openapi_and_its_schemas_are_json_schema(published: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(published).validate()
    assert published["openapi"].startswith("3.1.")
    for schema in published["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_every_json_route_is_in_it_and_nothing_else(app: Flask, published: dict[str, Any]) -> None:
    routes = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(JSON_ADDRESSES) and not rule.endpoint.startswith(PAGES):
            routes |= {(rule.endpoint, method.lower()) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    told = {
        (operation["operationId"], method) for path in published["paths"].values() for method, operation in path.items()
    }
    assert told == routes


def test_who_has_to_sign_in_is_told_by_the_line_itself(published: dict[str, Any]) -> None:
    for path in published["paths"].values():
        for operation in path.values():
            is_open = operation["operationId"] in PUBLIC_ENDPOINTS
            assert ("security" not in operation) is is_open
            assert ({"401", "403", "429"} <= operation["responses"].keys()) is not is_open or "chat" in operation[
                "tags"
            ]


def test_every_setting_is_in_it(published: dict[str, Any]) -> None:
    schemas = published["components"]["schemas"]
    assert schemas["Changes"]["properties"].keys() == schemas["Values"]["properties"].keys() == KEYS.keys()


def test_it_is_open_to_all_kept_for_a_while_and_not_sent_twice(client: FlaskClient) -> None:
    first = client.get("/openapi.json", environ_overrides={"REMOTE_ADDR": "192.168.1.7"})
    assert (first.status_code, first.mimetype) == (200, "application/json")
    assert "max-age=" in first.headers["Cache-Control"]
    again = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_schemathesis_finds_nothing(tmp_path: Path, database_url: str) -> None:
    """Against the running app, with all of its checks and phases."""
    with Ollama(MODEL) as ollama, Server(tmp_path, database_url, OPERATOR_PASSWORD=PASSWORD) as server:
        ollama.loaded = [MODEL]
        settings = {"llm_endpoint": ollama.url, "llm_model": MODEL}
        saved = requests.post(f"{server.url}/config", json=settings, auth=(OPERATOR, PASSWORD), timeout=10)
        assert saved.status_code == 200, saved.text
        command = [
            *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json"),
            *("--auth", f"{OPERATOR}:{PASSWORD}", "--header", "Accept: application/json"),
            *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure"),
            *(("--max-examples", EXAMPLES) if EXAMPLES else ("--max-examples", "10", "--generation-deterministic")),
            *("--generation-with-security-parameters", "false"),  # --auth would put back what is left out of them
            "--no-color",
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "SCHEMATHESIS_HOOKS": "tests.schemathesis_hooks",
            "FUZZ_SETTINGS": json.dumps(settings),
        }
        found = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout + found.stderr
        assert "10 selected / 10 total" in found.stdout
        lines = server.log_lines()
        assert [line for line in lines if line["level"] == "error"] == []
        assert 429 not in [line.get("status") for line in lines], "whoever is sent away finds nothing"
