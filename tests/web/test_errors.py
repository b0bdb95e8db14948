"""repaircafe.web.errors: programs get an error as problem JSON, htmx as a fragment and people as a page."""

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.database.tables import db
from tests.harness.client import HTML, JSON


def test_a_program_gets_a_problem_with_the_requests_id(client: FlaskClient) -> None:
    response = client.get("/nowhere", headers=JSON)
    found = response.get_json()
    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"
    assert found["title"] == "There is no such page."
    assert found["status"] == 404
    assert found["request_id"] == response.headers["X-Request-ID"]


def test_a_person_gets_a_page_with_what_to_do(client: FlaskClient) -> None:
    response = client.get("/nowhere", headers=HTML)
    assert response.mimetype == "text/html"
    assert "start from the home page" in response.text
    assert response.headers["X-Request-ID"] in response.text


def test_htmx_gets_only_the_message(client: FlaskClient) -> None:
    response = client.get("/nowhere", headers={**HTML, "HX-Request": "true"})
    assert "<html" not in response.text
    assert response.headers["HX-Retarget"] == "#message"


def test_a_wrong_method_gets_a_list_of_the_allowed_ones(client: FlaskClient) -> None:
    response = client.put("/health", json={})
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize("status", [500, 503])
def test_an_internal_error_is_500_and_an_unreachable_database_503(app: Flask, client: FlaskClient, status: int) -> None:
    @app.get("/fails")
    def fails() -> str:
        statement = "SELECT nonsense" if status == 500 else "SELECT pg_terminate_backend(pg_backend_pid())"
        db.session.execute(sa.text(statement))
        return "never"

    response = client.get("/fails", headers=JSON)
    assert response.status_code == status
    assert ("Retry-After" in response.headers) == (status == 503)
    assert client.get("/config", headers=JSON).status_code == 200, "the next request works again"
