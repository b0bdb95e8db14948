"""What the tests of health share."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.harness.client import HTML


def body(response: TestResponse) -> Any:
    """The JSON of an answer."""
    return response.get_json()


def services(client: FlaskClient) -> dict[str, Any]:
    """The services of /health by name."""
    return {one["service"]: one for one in body(client.get("/health"))["services"]}


def configure(client: FlaskClient, **settings: str) -> None:
    """Saves settings as a script does."""
    assert client.post("/config", json=settings).status_code == 200


def shown(client: FlaskClient, **options: Any) -> str:
    """The page, without the frame."""
    text = client.get("/health", headers=HTML, **options).text
    return text.partition("<main")[2].partition("</main>")[0]


def card(page: str, name: str) -> str:
    """One card of the page."""
    (found,) = [part for part in page.split('<li class="card">')[1:] if f"<h2>{name}" in part]
    return found.partition("</li>\n")[0]
