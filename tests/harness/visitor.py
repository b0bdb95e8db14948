"""A browser at a real server that talks with the model, without Chromium."""

from typing import Any

import requests

from tests.harness.client import PASSWORD, csrf_token, field, path_of_button, question_path
from tests.harness.conditions import until
from tests.harness.server import Server

MODEL = "small"
SECRET_KEY = "a-key-that-outlives-every-restart-of-the-tests"
"""For a server that is started again: the pages of before keep their cookies and tokens."""


def configure(server: Server, endpoint: str, model: str = MODEL, auth: tuple[str, str] | None = None) -> None:
    """Saves where the model is; with AUTH where the server has a password."""
    settings = {"llm_endpoint": endpoint, "llm_model": model}
    saved = requests.post(f"{server.url}/config", json=settings, auth=auth, timeout=30)
    assert saved.status_code == 200, saved.text


def as_told(response: requests.Response) -> str:
    """A response in short, for the message of a failed test: a page's beginning is the same on every page."""
    return f"{response.status_code} {response.url}: {response.text.partition('<main')[2] or response.text}"


class Visitor:
    """A browser at a real server: keeps its cookies, sends the page's forms and presses its buttons."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.http.headers.update({"Accept": "text/html", "Connection": "close"})
        self.page = ""
        self.session_id = ""

    def get(self, path: str, **headers: str) -> requests.Response:
        """Opens an address."""
        return self.http.get(self.url + path, headers=headers, timeout=30)

    def sign_in(self) -> None:
        """Becomes the organiser's, at a server with PASSWORD."""
        sent = {"csrf_token": csrf_token(self.get("/sign-in").text), "password": PASSWORD}
        answer = self.http.post(f"{self.url}/sign-in", data=sent, allow_redirects=False, timeout=30)
        assert answer.status_code == 303, answer.text

    def show(self, session_id: str = "") -> str:
        """Opens the conversation it is in, or the given one, as a page."""
        self.session_id = session_id or self.session_id
        response = self.get(f"/chat/{self.session_id}")
        assert response.status_code == 200, as_told(response)
        self.page = response.text
        return self.page

    def ask(self, text: str) -> str:
        """Begins a conversation and answers the id of the reply; the page is the conversation then."""
        self.page = self.get("/chat/new").text
        reply_id = self.reply_id
        response = self.send(text)
        assert response.status_code == 200, as_told(response)
        return reply_id

    @property
    def reply_id(self) -> str:
        """Of the question in the page's form."""
        return field(self.page, "reply_id")

    @property
    def csrf_token(self) -> str:
        """Of the page's forms."""
        return csrf_token(self.page)

    def send(self, text: str) -> requests.Response:
        """Sends a question by the form of the page, and takes the page that comes back."""
        path = question_path(self.page)
        self.session_id = path.rpartition("/")[2]
        sent = {"csrf_token": self.csrf_token, "reply_id": self.reply_id, "message": text}
        response = self.http.post(self.url + path, data=sent, timeout=30)
        self.page = response.text
        return response

    def press(self, label: str) -> None:
        """Presses the last button of that label, and takes the page that comes back."""
        path = path_of_button(self.page, label)
        response = self.http.post(self.url + path, data={"csrf_token": self.csrf_token}, timeout=30)
        assert response.status_code == 200, as_told(response)
        self.page = response.text

    def poll(self, reply_id: str) -> str:
        """What the page of a growing reply is told when it asks."""
        path = f"/chat/{self.session_id}/replies/{reply_id}?from=0"
        return self.get(path, **{"HX-Request": "true"}).text

    def messages(self) -> list[dict[str, Any]]:
        """The conversation as programs see it."""
        found: list[dict[str, Any]] = self.get(f"/api/chat/{self.session_id}").json()["messages"]
        return found

    def last(self) -> dict[str, Any]:
        """Its last message."""
        return self.messages()[-1]

    def comes_to(self, state: str) -> bool:
        """Whether the last reply comes to a state."""
        return until(lambda: self.last().get("state") == state)
