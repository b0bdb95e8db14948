"""Functions that the tests of the afternoons share."""

import re
import uuid
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.dates.scene import add, submit
from tests.harness.client import HTML

CAFE = {"prefix": "dehoek", "country": "NLD", "group_identifier": "Repair Café De Hoek", "data_provider": ""}


def held(client: FlaskClient, ahead: int = -3) -> str:
    """The path of the page of a date that has been."""
    return f"/afternoons/{add(client, ahead)['id']}"


def page(client: FlaskClient, path: str, status: int = 200) -> str:
    """What a browser shows there."""
    answer = client.get(path, headers=HTML)
    assert answer.status_code == status, answer.text
    return answer.text


def record(client: FlaskClient, at: str, what: str, result: str = "mended", **more: Any) -> TestResponse:
    """Records a thing, as the form does."""
    sent = {"thing_id": str(uuid.uuid4()), "what": what, "result": result, **more}
    answer: TestResponse = submit(client, f"{at}/things", **sent)
    return answer


def type_numbers(client: FlaskClient, at: str, **numbers: Any) -> TestResponse:
    """Opens the page, types all numbers and saves them."""
    seen = re.search(r'name="seen" value="([^"]+)"', page(client, at))
    assert seen
    answer: TestResponse = submit(client, at, **{"seen": seen[1], **numbers})
    return answer


def typed(client: FlaskClient, at: str) -> dict[str, str]:
    """What the fields for the numbers have in them."""
    return dict(re.findall(r'id="numbers-(\w+)" name="\w+" type="text" value="([^"]*)"', page(client, at)))


def listed(client: FlaskClient, at: str) -> list[tuple[str, str]]:
    """The list of things: each with its result."""
    found = re.findall(
        r'<span class="model"><a href="[^"]+">([^<]*)</a>.*?</span> <span class="pill \w+">([^<]+)<', page(client, at)
    )
    return [(what.strip(), result) for what, result in found]


def first_thing(client: FlaskClient, at: str) -> str:
    """The path of the newest thing."""
    found = re.search(rf'href="({at}/things/[^"]+)"', page(client, at))
    assert found
    return found[1]


def remember_cafe(client: FlaskClient, **changed: str) -> TestResponse:
    """Saves what an export says about the café."""
    answer: TestResponse = submit(client, "/afternoons/open-repair", **{**CAFE, **changed})
    return answer


def export(client: FlaskClient, query: str = "") -> str:
    """The file."""
    answer = client.get(f"/afternoons/open-repair.csv{query}", headers=HTML)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv"), answer.text
    text: str = answer.data.decode()
    return text
