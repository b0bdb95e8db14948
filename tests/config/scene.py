"""Functions that the tests of the settings share."""

from typing import Any

from flask.testing import FlaskClient

from tests.harness.client import HTML, JSON, csrf_token


def token(client: FlaskClient) -> str:
    """The page's CSRF token."""
    return csrf_token(client.get("/config", headers=HTML).text)


def submit(client: FlaskClient, path: str = "/config", **fields: str) -> Any:
    """Sends the page's form as a browser does."""
    return client.post(path, data={"csrf_token": token(client), **fields}, headers=HTML)


def settings(client: FlaskClient) -> dict[str, str]:
    """The stored settings."""
    found: dict[str, str] = client.get("/config", headers=JSON).get_json()["settings"]
    return found
