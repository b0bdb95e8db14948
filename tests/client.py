"""What a browser without scripts sends to the app, and what it reads from its pages."""

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conditions import until

HTML = {"Accept": "text/html"}
HTMX = {**HTML, "HX-Request": "true"}
JSON = {"Accept": "application/json"}
PASSWORD = "a-long-password"


def csrf_token(page: str) -> str:
    """Of the page's forms."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return found[1]


def sign_in(browser: FlaskClient, password: str = PASSWORD, **fields: str) -> TestResponse:
    """Sends the form of the page, with fields of its own."""
    page = browser.get("/sign-in", headers=HTML).text
    return browser.post("/sign-in", data={"csrf_token": csrf_token(page), "password": password, **fields}, headers=HTML)


def cookie_of(browser: FlaskClient) -> str:
    """The app's cookie that it keeps."""
    kept = browser.get_cookie("repaircafe")
    assert kept is not None
    return kept.value


def health_becomes(client: FlaskClient, status: str) -> bool:
    """Whether /health comes to say so.

    A single look tells the truth of its moment: one at which the machine was busy for a second says "slow".
    """
    return until(lambda: client.get("/health").get_json()["status"] == status)
