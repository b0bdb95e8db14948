"""repaircafe.web.passwords: what opens the pages is known without the database, and nothing is guessed."""

from collections.abc import Callable

import psycopg
import pytest
from flask import Flask

from repaircafe.database.tables import db
from repaircafe.parts import parts
from repaircafe.web.passwords import Passwords, Way
from tests.conftest import MakeApp
from tests.fakes.proxy import Proxy
from tests.harness.client import HTML

CODE, PASSWORD = "0123456789abcdef", "four words without sense"


def choose(app: Flask, password: str = PASSWORD) -> None:
    """Chooses the password at the app itself."""
    with app.app_context():
        assert parts(app)[Passwords].choose(db.session(), password)


def status(app: Flask, password: str) -> int:
    """What a program with this password gets of the settings' page."""
    return app.test_client().get("/config", auth=("operator", password)).status_code


@pytest.mark.parametrize(
    ("variables", "way"),
    [
        ({}, Way.TRIAL),
        ({"setup_code": CODE}, Way.CODE),
        ({"operator_password": PASSWORD}, Way.FILE),
        ({"setup_code": CODE, "operator_password": PASSWORD}, Way.FILE),
    ],
)
def test_the_environment_says_which_way_is_open_first(make_app: MakeApp, variables: dict[str, str], way: Way) -> None:
    secret = parts(make_app(**variables))[Passwords].secret()
    assert secret.way is way
    assert PASSWORD not in repr(secret)
    assert CODE not in repr(secret)


def test_a_chosen_password_opens_the_pages_while_the_database_is_away(
    proxied: Callable[..., Flask], proxy: Proxy
) -> None:
    app = proxied(setup_code=CODE)
    choose(app)
    assert status(app, PASSWORD) == 200
    proxy.break_with("refuse")
    assert status(app, CODE) == 401
    signed_in = app.test_client().get("/setup/end", auth=("operator", PASSWORD), headers=HTML)
    assert signed_in.status_code == 200


def test_while_nobody_knows_whether_a_password_is_chosen_nothing_opens_the_pages(
    proxied: Callable[..., Flask], proxy: Proxy, raw: psycopg.Connection
) -> None:
    app = proxied(setup_code=CODE)
    assert status(app, CODE) == 200
    proxy.break_with("refuse")
    parts(app)[Passwords]._hash.forget()
    assert parts(app)[Passwords].secret().way is Way.UNKNOWN
    assert status(app, CODE) == 503
    assert app.test_client().get("/", headers=HTML).status_code == 200, "visitors may still open it"
    assert raw.execute("SELECT count(*) FROM passwords").fetchone() == (0,)


def test_a_password_that_was_chosen_in_a_trial_counts_as_soon_as_there_is_a_code(make_app: MakeApp, app: Flask) -> None:
    choose(app)
    later = make_app(setup_code=CODE)
    assert parts(later)[Passwords].secret().way is Way.CHOSEN
    assert status(later, PASSWORD) == 200
    assert status(later, CODE) == 401
