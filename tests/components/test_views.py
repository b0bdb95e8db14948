"""`/components`: only developers see it."""

from tests.conftest import MakeApp
from tests.harness.client import HTML


def test_the_page_shows_every_component_and_exists_only_in_debug_mode(make_app: MakeApp) -> None:
    shown = make_app(debug=True, environment="development").test_client().get("/components", headers=HTML)
    assert shown.status_code == 200
    for part in ("pill", "card", "faulty", "banner", "spinner", "steps", "progress", "leaf", "chip", "taps", "empty"):
        assert part in shown.text
    assert make_app().test_client().get("/components", headers=HTML).status_code == 404
