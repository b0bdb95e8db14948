"""repaircafe.web.openapi: the document describes the whole JSON API and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.environment import PROJECT
from repaircafe.settings.keys import KEYS
from repaircafe.web.access import PUBLIC_ENDPOINTS
from tests.fakes.scripted import Ollama
from tests.harness.client import AUTH, PASSWORD
from tests.harness.server import Server
from tests.harness.visitor import configure

JSON_ADDRESSES = ("/health", "/config", "/api/", "/openapi.json")
PAGES = ("downloads.", "logo.")
"""The endpoints at these addresses that serve only pages."""
MODEL = "small:latest"
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "")
"""How many requests schemathesis makes up for each operation and phase. If empty: 10, the same ones each time."""


@pytest.fixture
def published(client: FlaskClient) -> dict[str, Any]:
    """The OpenAPI document as clients get it."""
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


def test_the_document_is_openapi_and_its_schemas_are_json_schema(published: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(published).validate()
    assert published["openapi"].startswith("3.1.")
    for schema in published["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_the_document_has_every_json_route_and_nothing_else(app: Flask, published: dict[str, Any]) -> None:
    routes = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(JSON_ADDRESSES) and not rule.endpoint.startswith(PAGES):
            routes |= {(rule.endpoint, method.lower()) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    told = {
        (operation["operationId"], method) for path in published["paths"].values() for method, operation in path.items()
    }
    assert told == routes


def test_the_document_and_public_endpoints_agree_on_what_needs_a_sign_in(published: dict[str, Any]) -> None:
    for path in published["paths"].values():
        for operation in path.values():
            is_open = operation["operationId"] in PUBLIC_ENDPOINTS
            assert ("security" not in operation) is is_open
            assert ({"401", "403", "429"} <= operation["responses"].keys()) is not is_open or "chat" in operation[
                "tags"
            ]


def test_the_document_has_every_setting(published: dict[str, Any]) -> None:
    schemas = published["components"]["schemas"]
    assert schemas["Changes"]["properties"].keys() == schemas["Values"]["properties"].keys() == KEYS.keys()


def test_the_document_is_public_cacheable_and_not_sent_twice(client: FlaskClient) -> None:
    first = client.get("/openapi.json", environ_overrides={"REMOTE_ADDR": "192.168.1.7"})
    assert (first.status_code, first.mimetype) == (200, "application/json")
    assert "max-age=" in first.headers["Cache-Control"]
    again = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(("paths", "count"), [("--exclude-path-regex", 15), ("--include-path-regex", 3)])
def test_schemathesis_finds_nothing(tmp_path: Path, database_url: str, paths: str, count: int) -> None:
    """Runs all checks and phases of schemathesis against the running app.

    In two parts, each with a server of its own: it tries a wrong password at each route, and few of them are allowed.
    """
    with Ollama(MODEL) as ollama, Server(tmp_path, database_url, OPERATOR_PASSWORD=PASSWORD) as server:
        ollama.loaded = [MODEL]
        configure(server, ollama.url, auth=AUTH)
        command = [
            *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json"),
            *(paths, "^/api/events"),
            *("--auth", ":".join(AUTH), "--header", "Accept: application/json"),
            *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure"),
            *(("--max-examples", EXAMPLES) if EXAMPLES else ("--max-examples", "10", "--generation-deterministic")),
            # --auth would add the credentials that such a request leaves out
            *("--generation-with-security-parameters", "false"),
            "--no-color",
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "SCHEMATHESIS_HOOKS": "tests.web.schemathesis_hooks",
            "FUZZ_SETTINGS": json.dumps({"llm_endpoint": ollama.url, "llm_model": MODEL}),
        }
        found = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout + found.stderr
        assert f"{count} selected / 18 total" in found.stdout
        lines = server.log_lines()
        assert [line for line in lines if line["level"] == "error"] == []
        assert 429 not in [line.get("status") for line in lines], "throttled requests would find nothing"
