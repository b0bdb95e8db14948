"""What a cure lets the organiser type in a trial and on an installed app."""

from collections.abc import Mapping

import pytest
from flask import Flask

from repaircafe.environment import Environment
from repaircafe.neighbours.commands import PROGRAM, RELOAD
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.parts import Parts

INSTALLED = {
    "environment": "production",
    "secret_key": "k" * 32,
    "database_url": "postgresql://cafe:password@127.0.0.1/cafe",
    "setup_code": "0123456789abcdef",
}
OWN_SERVER = {"database_url": "postgresql://cafe@127.0.0.1/cafe"}


@pytest.mark.parametrize(
    ("variables", "program", "reload", "restart"),
    [
        (INSTALLED, "repaircafe", "sudo systemctl reload repaircafe", "sudo docker start"),
        (OWN_SERVER, ".venv/bin/flask", "Ctrl+C, make run", "sudo docker start"),
        ({}, ".venv/bin/flask", "Ctrl+C, make run", "make run"),
    ],
)
def test_a_cure_names_only_what_exists(
    app: Flask, variables: Mapping[str, str], program: str, reload: str, restart: str
) -> None:
    """`app` registers the words; the one that asks has other variables."""
    asking = Flask("asking")
    asking.extensions["babel"] = app.extensions["babel"]
    Parts(asking).add(Environment(**variables))  # type: ignore[arg-type]
    with asking.test_request_context():
        assert (str(PROGRAM), str(RELOAD)) == (program, reload)
        assert restart in str(explain(Neighbour.DB, Reason.REFUSED).cure)
        assert reload in str(explain(Neighbour.MAIL, Reason.NOT_SET).cure)
        assert f"{program} db upgrade" in str(explain(Neighbour.DB, Reason.NOT_MIGRATED).cure)


def test_the_documents_are_about_an_installed_app() -> None:
    assert str(PROGRAM) == "repaircafe"
