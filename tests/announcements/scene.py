"""The organiser's tab at the announcements: what she types, presses and reads there."""

import html
import re
from datetime import date, timedelta
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.harness.client import HTML, HTMX

SOON = date.today() + timedelta(days=12)
LATER = SOON + timedelta(days=28)


def plan(client: FlaskClient, day: date = SOON, **settings: str) -> None:
    """Sets the next date."""
    assert client.post("/config", json={"event_date": day.isoformat(), **settings}).status_code == 200


class Tab:
    """One open page, which knows what it has shown."""

    def __init__(self, client: FlaskClient, form: str = "post", language: str = "en") -> None:
        self.client, self.form, self.language = client, form, language
        self.open()

    def open(self) -> str:
        """Loads the page again."""
        self.page = self.client.get(f"/announcements?lang={self.language}", headers=HTML).text
        found = re.search(rf'<form class="kept" id="kept-{self.form}-.*?</form>', self.page, re.S)
        assert found, self.page
        self.fields = fields(found[0])
        return self.page

    @property
    def text(self) -> str:
        """What is in the field when the page is opened."""
        self.open()
        return self.fields["content"]

    @property
    def card(self) -> str:
        """The part of the page about this format, as it is when the page is opened."""
        return self.open().partition(f'id="card-{self.form}"')[2].partition("</section>")[0]

    def type(self, content: str, **more: str) -> TestResponse:
        """Types, as htmx sends it; the page learns what the answer says."""
        return self.send({"content": content, **more}, htmx=True)

    def press(self, action: str, content: str | None = None, *, htmx: bool = True) -> TestResponse:
        """Presses a button of the form."""
        more = {"content": content} if content is not None else {}
        return self.send({"action": action, **more}, htmx=htmx)

    def send(self, more: dict[str, str], *, htmx: bool) -> TestResponse:
        """Sends the form."""
        sent = {**self.fields, **more}
        headers = HTMX if htmx else HTML
        answer = self.client.post(f"/announcements/{self.form}/text", data=sent, headers=headers)
        if htmx and answer.status_code in (200, 409, 503):
            self.fields |= {**sent, **fields(answer.text.partition('<div id="elsewhere-')[0])}  # the rest is elsewhere
            self.fields.pop("action", None)
        return answer

    def look(self) -> TestResponse:
        """Asks what was changed elsewhere, as the open page does; if there is news, the page shows it."""
        found = re.search(r'<div id="elsewhere" hx-get="([^"]+)"', self.page)
        assert found, self.page
        card = r'id="kept-(\w+)-.*?name="page" value="([^"]*)".*?name="shown" value="([^"]*)"'
        shown = re.findall(card, self.page, re.S)
        sent = [(self.fields["page"], self.fields["shown"]) if form == self.form else more for form, *more in shown]
        query = [(name, value) for one in sent for name, value in zip(("page", "shown"), one, strict=True)]
        answer = self.client.get(f"{html.unescape(found[1])}&{urlencode(query)}", headers=HTMX)
        if answer.status_code == 200:
            self.page = self.page.replace(found[0], re.findall(r'<div id="elsewhere" hx-get="[^"]+"', answer.text)[0])
        return answer

    def buttons(self) -> dict[str, str]:
        """What the buttons on the page begin, by their labels."""
        return actions(self.open())


def fields(part: str) -> dict[str, str]:
    """The fields in a part of a page."""
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', part))
    for value in re.findall(r'<input[^>]* name="content"[^>]* value="([^"]*)"', part):
        found["content"] = html.unescape(value)
    for value in re.findall(r'<textarea[^>]* name="content"[^>]*>\n(.*?)</textarea>', part, re.S):
        found["content"] = html.unescape(value)
    return found


def actions(part: str) -> dict[str, str]:
    """The buttons in a part of a page that send the form, by their labels."""
    found = re.findall(r'<button[^>]* name="action" value="([^"]*)"[^>]*>(.*?)</button>', part)
    return {html.unescape(label): html.unescape(value) for value, label in found}
