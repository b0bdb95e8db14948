"""A visitor at the pages of the chat, in the tests' own process."""

import re
from typing import Any

from flask.testing import FlaskClient

from tests.harness.client import HTML, HTMX, csrf_token, field, path_of_button, question_path


class Browser:
    """A visitor who opens the page, and fills in and sends its forms."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page = ""
        self.open("/chat")

    def open(self, path: str) -> Any:
        """Opens a page of the chat."""
        response = self.client.get(path, headers=HTML, follow_redirects=True)
        self.page = response.text
        return response

    @property
    def session_id(self) -> str:
        """The conversation's id."""
        return question_path(self.page).rpartition("/")[2]

    def send(self, text: str, headers: dict[str, str] = HTML, **fields: str) -> Any:
        """Sends the form."""
        data = {
            "csrf_token": csrf_token(self.page),
            "reply_id": field(self.page, "reply_id"),
            "message": text,
            **fields,
        }
        return self.client.post(question_path(self.page), data=data, headers=headers)

    def press(self, label: str, headers: dict[str, str] = HTML) -> Any:
        """Presses the last button with that label. The button has its own form."""
        path = path_of_button(self.page, label)
        return self.client.post(path, data={"csrf_token": csrf_token(self.page)}, headers=headers)

    def poll(self) -> Any:
        """Polls like the phase of the last reply does."""
        path = re.findall(r'class="phase"[^>]* hx-get="([^"]+)"', self.page)[-1]
        return self.client.get(path.replace("&amp;", "&"), headers=HTMX)


def before(page: str) -> str | None:
    """The page's link to the earlier messages."""
    found = re.search(r'id="before" href="([^"]+)"', page)
    return found[1].replace("&amp;", "&") if found else None
