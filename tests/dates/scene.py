"""Functions that the tests of the dates share."""

import re
from datetime import date, timedelta
from typing import Any

from flask.testing import FlaskClient
from icalendar import Calendar

from tests.harness.client import HTML, JSON, csrf_token

TODAY = date.today()


def day(ahead: int) -> str:
    """The date that is so many days ahead, as forms and JSON write it."""
    return (TODAY + timedelta(days=ahead)).isoformat()


def add(client: FlaskClient, ahead: int, status: int = 201, **more: str) -> dict[str, Any]:
    """Plans a date as a program does."""
    answer = client.post("/api/events", json={"date": day(ahead), **more})
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def rows(client: FlaskClient) -> list[dict[str, Any]]:
    """The list as programs see it."""
    found: list[dict[str, Any]] = client.get("/api/events").get_json()["events"]
    return found


def days(client: FlaskClient) -> list[str]:
    """The days that take place, in the list."""
    return [one["date"] for one in rows(client) if not one["cancelled"]]


def submit(client: FlaskClient, path: str, **fields: Any) -> Any:
    """Sends a form of the page as a browser does."""
    token = csrf_token(client.get("/dates", headers=HTML).text)
    return client.post(path, data={"csrf_token": token, **fields}, headers=HTML)


def next_date(client: FlaskClient) -> str:
    """The next date as programs read it."""
    found: str = client.get("/config", headers=JSON).get_json()["settings"]["event_date"]
    return found


def write(client: FlaskClient, **values: str | None) -> None:
    """Saves settings as a program does."""
    assert client.post("/config", json=values).status_code == 200


def entries(client: FlaskClient, path: str = "/events.ics") -> dict[str, Any]:
    """The entries of a calendar, by UID."""
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar"), answer.text
    return {str(one["uid"]): one for one in Calendar.from_ical(answer.data).walk("VEVENT")}


def shown(page: str) -> list[str]:
    """The days on a page."""
    return re.findall(r'<time[^>]* datetime="([^"]+)"', page)
