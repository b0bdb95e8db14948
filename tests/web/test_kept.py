"""Pages that are rendered once for all visitors."""

import uuid
from collections.abc import Callable

import pytest
from flask import Flask, session

from repaircafe.web.kept import FLASHES, KeptPages
from tests.harness.client import AUTH


def rendering(pages: list[str]) -> Callable[[], str]:
    """Renders the next of them."""
    return lambda: pages.pop(0)


def test_the_second_visitor_gets_the_first_ones_page_with_values_of_its_own(app: Flask) -> None:
    kept = KeptPages(8, "text", "id")
    with app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.1"}):
        app.preprocess_request()
        first = kept.page("key", rendering(["id 17: <p>It is 17.</p>"]), {"text": "<p>It is 17.</p>", "id": "17"})
        second = kept.page("key", rendering([]), {"text": "<p>17 or 18.</p>", "id": "18"})
        other = kept.page("another key", rendering(["another"]), {"text": "", "id": "19"})
    assert (first, second, other) == ("id 17: <p>It is 17.</p>", "id 18: <p>17 or 18.</p>", "another")


def test_a_value_that_is_in_the_name_of_a_hole_by_chance_changes_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    holes = iter([uuid.UUID(int=0x17), uuid.UUID(int=0x18)])
    monkeypatch.setattr(uuid, "uuid4", lambda: next(holes))
    kept = KeptPages(8, "text", "id")
    with app.test_request_context():
        app.preprocess_request()
        kept.page("key", rendering(["17 It is."]), {"text": "It is.", "id": "17"})
        assert kept.page("key", rendering([]), {"text": "It was.", "id": "19"}) == "19 It was."


@pytest.mark.parametrize(
    ("path", "auth", "flashes"),
    [("/", None, [("message", "Saved.")]), ("/?until=3", None, []), ("/", AUTH, [])],
    ids=["a message", "an address of its own", "the organiser"],
)
def test_what_is_said_to_one_reader_is_said_to_no_other(
    guarded: Flask, path: str, auth: tuple[str, str] | None, flashes: list[tuple[str, str]]
) -> None:
    kept = KeptPages(8, "id")
    with guarded.test_request_context(path, auth=auth):
        guarded.preprocess_request()
        if flashes:
            session[FLASHES] = flashes
        assert kept.page("key", rendering(["for one"]), {"id": "1"}) == "for one"
    with guarded.test_request_context("/"):
        guarded.preprocess_request()
        assert kept.page("key", rendering(["for all"]), {"id": "1"}) == "for all"
