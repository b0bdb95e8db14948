"""`/components`: there for developers, and for nobody else."""

from tests.client import HTML
from tests.conftest import MakeApp


def test_it_shows_every_part_in_debug_mode_alone(make_app: MakeApp) -> None:
    shown = make_app(debug=True, environment="development").test_client().get("/components", headers=HTML)
    assert shown.status_code == 200
    for part in ("pill", "card", "faulty", "banner", "spinner", "steps", "progress"):
        assert part in shown.text
    assert make_app().test_client().get("/components", headers=HTML).status_code == 404
