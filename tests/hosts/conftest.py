"""Two hosts of one café, each gunicorn as systemd starts it, on one database and behind nginx."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from repaircafe.environment import PROJECT
from tests.client import PASSWORD, csrf_token
from tests.fakes.scripted import Ollama
from tests.hosts.nginx import NAME, Nginx
from tests.server import Server
from tests.visitor import MODEL, SECRET_KEY, Visitor

HOSTS = {"SECRET_KEY": SECRET_KEY, "OPERATOR_PASSWORD": PASSWORD, "TRUSTED_HOSTS": NAME}
"""What the hosts of one café share in `.env`."""

MakeHost = Callable[..., Server]


@pytest.fixture
def make_host(tmp_path: Path, database_url: str) -> Iterator[MakeHost]:
    """Makes hosts, which the test starts. Keywords are variables; `project` may be another version's folder."""

    def make(url: str = database_url, project: Path = PROJECT, **variables: str) -> Server:
        backups = str(tmp_path / "backups")
        host = Server(tmp_path, url, **HOSTS, BACKUP_FOLDER=backups, **variables)
        host.project = project
        stack.callback(host.stop)
        return host

    with ExitStack() as stack:
        yield make


@pytest.fixture
def hosts(make_host: MakeHost, ollama: Ollama) -> tuple[Server, Server]:
    """Two hosts that serve, set up to use the model."""
    here, there = make_host(), make_host()
    here.start()
    there.start()
    settings = {"llm_endpoint": ollama.url, "llm_model": MODEL}
    saved = requests.post(f"{here.url}/config", json=settings, auth=("operator", PASSWORD), timeout=10)
    assert saved.status_code == 200, saved.text
    return here, there


@pytest.fixture
def nginx(tmp_path: Path, hosts: tuple[Server, Server]) -> Iterator[Nginx]:
    """Before both."""
    with Nginx(tmp_path, [host.port for host in hosts]) as nginx:
        yield nginx


def sign_in(browser: Visitor) -> None:
    """Makes it the organiser's."""
    answer = browser.http.post(
        f"{browser.url}/sign-in",
        data={"csrf_token": csrf_token(browser.get("/sign-in").text), "password": PASSWORD},
        allow_redirects=False,
        timeout=30,
    )
    assert answer.status_code == 303, answer.text
