"""Two hosts of one café, each gunicorn as systemd starts it, on one database and behind nginx."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from repaircafe.environment import PROJECT
from tests.fakes.scripted import Ollama
from tests.harness.client import AUTH, PASSWORD
from tests.harness.server import Server
from tests.harness.visitor import SECRET_KEY, configure
from tests.rigs.hosts.nginx import NAME, Nginx

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
    for host in (here, there):  # a host that is not told takes up to a second until it sees a change
        configure(host, ollama.url, auth=AUTH)
    return here, there


@pytest.fixture
def nginx(tmp_path: Path, hosts: tuple[Server, Server]) -> Iterator[Nginx]:
    """Before both."""
    with Nginx(tmp_path, [host.port for host in hosts]) as nginx:
        yield nginx
