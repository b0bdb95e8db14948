"""What a browser without scripts sends to the app, and what it reads from its pages."""

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.harness.conditions import until

HTML = {"Accept": "text/html"}
HTMX = {**HTML, "HX-Request": "true"}
JSON = {"Accept": "application/json"}
PASSWORD = "a-long-password"
AUTH = ("operator", PASSWORD)
"""The organiser, as a program signs in."""


def field(page: str, name: str) -> str:
    """The value of a hidden field of the page's forms."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, page
    return found[1]


def csrf_token(page: str) -> str:
    """Of the page's forms."""
    return field(page, "csrf_token")


def question_path(page: str) -> str:
    """Where a page of the chat sends its question; the last part is the conversation's id."""
    found = re.search(r'id="ask" method="post" action="([^"#]+)', page)
    assert found, page
    return found[1]


def path_of_button(page: str, label: str) -> str:
    """Where the last button of that label, in a form of its own, is sent."""
    forms = re.findall(r'<form method="post" action="([^"]+)"[^>]*>(.*?)</form>', page, re.S)
    return str([action for action, inside in forms if f">{label}</button>" in inside][-1])


def sign_in(browser: FlaskClient, password: str = PASSWORD, **fields: str) -> TestResponse:
    """Sends the form of the page, with fields of its own."""
    page = browser.get("/sign-in", headers=HTML).text
    return browser.post("/sign-in", data={"csrf_token": csrf_token(page), "password": password, **fields}, headers=HTML)


def ask_on_page(browser: FlaskClient, text: str) -> TestResponse:
    """Sends the form of a new conversation."""
    page = browser.get("/chat/new", headers=HTML).text
    return browser.post(question_path(page), data={"csrf_token": csrf_token(page), "message": text}, headers=HTML)


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
