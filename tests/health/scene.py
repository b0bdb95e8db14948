"""What the tests of health share."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def body(response: TestResponse) -> Any:
    """The JSON of an answer."""
    return response.get_json()


def services(client: FlaskClient) -> dict[str, Any]:
    """The services of /health by name."""
    return {one["service"]: one for one in body(client.get("/health"))["services"]}


def configure(client: FlaskClient, **settings: str) -> None:
    """Saves settings as a script does."""
    assert client.post("/config", json=settings).status_code == 200
