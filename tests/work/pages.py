"""A browser at the app's pages, in the process of the tests or at a real server."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass

import requests
from flask.testing import FlaskClient

from tests.harness.client import HTML


@dataclass(frozen=True)
class Form:
    """A form of a page, with the fields that its button sends."""

    action: str
    fields: dict[str, str]


class Pages(ABC):
    """A browser: it opens pages and sends their forms."""

    @abstractmethod
    def get(self, path: str, headers: dict[str, str] = HTML) -> tuple[int, str]:
        """Status and text of a page."""

    @abstractmethod
    def send(self, form: Form) -> int:
        """Sends a form. Returns the status."""

    def form(self, path: str, label: str) -> Form:
        """Opens a page. Returns the form of the last button with that label."""
        _, page = self.get(path)
        forms = re.findall(r'<form[^>]* action="([^"#]+)[^>]*>(.*?)</form>', page, re.S)
        found = [(action, inside) for action, inside in forms if re.search(rf">{label}<", inside)]
        assert found, f"no button {label}: {page}"
        action, inside = found[-1]
        return Form(action, dict(re.findall(r'<input[^>]* name="(\w+)" value="([^"]*)"', inside)))

    def press(self, path: str, label: str) -> Form:
        """Opens a page and presses the last button with that label. Returns the form."""
        form = self.form(path, label)
        status = self.send(form)
        assert status < 400, (label, status)
        return form


class ClientPages(Pages):
    """A browser in the process of the tests."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, headers: dict[str, str] = HTML) -> tuple[int, str]:
        """Status and text of a page."""
        response = self.client.get(path, headers=headers, follow_redirects=True)
        return response.status_code, response.text

    def send(self, form: Form) -> int:
        """Sends a form."""
        return self.client.post(form.action, data=form.fields, headers=HTML).status_code


class ServerPages(Pages):
    """A browser at a real server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.http.headers["Connection"] = "close"

    def get(self, path: str, headers: dict[str, str] = HTML) -> tuple[int, str]:
        """Status and text of a page."""
        response = self.http.get(self.url + path, headers=headers, timeout=30)
        return response.status_code, response.text

    def send(self, form: Form) -> int:
        """Sends a form."""
        answer = self.http.post(
            self.url + form.action, data=form.fields, headers=HTML, allow_redirects=False, timeout=30
        )
        return answer.status_code
