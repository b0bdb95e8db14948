"""deploy/postgres-compose.yml: PostgreSQL accepts its options, Compose accepts the file, and no port is on the LAN."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from repaircafe.database import embedded
from repaircafe.environment import PROJECT

FILE = PROJECT / "deploy" / "postgres-compose.yml"
TEXT = FILE.read_text()
OPTIONS = dict(re.findall(r"^ +- -c(\w+)=(\S+)$", TEXT, re.MULTILINE))
PASSWORD = "a-pass-word-of-the-test"
COMPOSE = {"docker-compose": ["docker-compose"], "docker compose": ["docker", "compose"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """The PostgreSQL of the Python package, with the file's INITDB_ARGS and all of its options."""
    folder = tmp_path_factory.mktemp("compose") / "postgres"
    _initialise(folder)
    postmaster = embedded.Postmaster(folder, [f"{name}={value}" for name, value in OPTIONS.items()])
    process = postmaster.start()
    try:
        with _connect(folder, process) as connection:
            yield connection
    finally:
        postmaster.stop()


def test_postgresql_starts_with_every_option_of_the_file(server: psycopg.Connection) -> None:
    assert len(OPTIONS) == TEXT.count("- -c")
    query = "SELECT name, current_setting(name) FROM pg_settings WHERE source = 'command line' AND name = ANY(%s)"
    assert dict(server.execute(query, (list(OPTIONS),)).fetchall()) == OPTIONS


def test_a_power_cut_loses_no_committed_row(server: psycopg.Connection) -> None:
    for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert server.execute(f"SHOW {name}").fetchone() == ("on",), name
    assert {"fsync", "synchronous_commit", "full_page_writes"} <= set(OPTIONS), "the file sets them explicitly"


def test_a_refused_row_is_not_quoted_in_the_servers_log(server: psycopg.Connection) -> None:
    assert server.execute("SHOW log_error_verbosity").fetchone() == ("terse",)


def test_text_sorts_the_same_in_every_image_and_accents_have_upper_case(server: psycopg.Connection) -> None:
    query = (
        "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'postgres'"
    )
    assert server.execute(query).fetchone() == ("b", "C.UTF-8", "UTF8")
    assert server.execute("SELECT upper('café')").fetchone() == ("CAFÉ",)


def test_the_image_has_the_postgresql_version_of_the_trial() -> None:
    done = subprocess.run([embedded.binary("postgres"), "--version"], capture_output=True, text=True, check=True)
    assert re.findall(r"image: postgres:(\S+)", TEXT) == [done.stdout.split()[-1]]


def test_every_image_is_pinned_to_a_release() -> None:
    images = re.findall(r"^ +image: (\S+)$", TEXT, re.MULTILINE)
    assert len(images) == 2
    assert [image for image in images if not re.search(r":\d+\.\d+(\.\d+)?$", image)] == []


def test_every_port_is_published_only_on_loopback() -> None:
    blocks = re.findall(r"^ +ports:\n((?: +(?:#|- ).*\n)+)", TEXT, re.MULTILINE)
    ports = re.findall(r'^ +- "?([^"\n]+)"?$', "".join(blocks), re.MULTILINE)
    assert ports == ["127.0.0.1:5432:5432", "127.0.0.1:11434:11434"]


def test_a_container_gets_one_password_and_nothing_else_from_the_environment() -> None:
    assert re.findall(r"\$\{?(\w+)", TEXT) == ["POSTGRES_PASSWORD"]
    assert "env_file" not in TEXT


@pytest.mark.parametrize("program", COMPOSE)
def test_compose_accepts_the_file_with_and_without_ollama(program: str, tmp_path: Path) -> None:
    environment = tmp_path / ".env"
    environment.write_text(f"POSTGRES_PASSWORD={PASSWORD}\nOPERATOR_PASSWORD=not-for-containers\n")
    for profile in ([], ["--profile", "ollama"]):
        done = _compose(program, "--env-file", str(environment), *profile, "config")
        assert done.returncode == 0, done.stderr
        assert f"POSTGRES_PASSWORD: {PASSWORD}" in done.stdout
        assert "not-for-containers" not in done.stdout
    assert "OLLAMA_KEEP_ALIVE" in done.stdout


@pytest.mark.parametrize("program", COMPOSE)
def test_compose_refuses_to_start_without_the_password(program: str, tmp_path: Path) -> None:
    empty = tmp_path / ".env"
    empty.touch()
    done = _compose(program, "--env-file", str(empty), "config")
    assert done.returncode != 0
    assert "Add --env-file with the .env that contains it" in done.stderr


def _compose(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = COMPOSE[program]
    there = shutil.which(command[0]) is not None
    if not there or subprocess.run([*command, "version"], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"{program} is not installed here")
    environment = {name: value for name, value in os.environ.items() if name != "POSTGRES_PASSWORD"}
    return subprocess.run(
        [*command, "-p", "repaircafe", "-f", str(FILE), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _initialise(folder: Path) -> None:
    """Makes a cluster as the image does, but without passwords: only the test can reach the socket's folder."""
    found = re.search(r"POSTGRES_INITDB_ARGS: (.+)", TEXT)
    assert found
    folder.mkdir(mode=0o700, parents=True)
    embedded._own(folder, folder)
    command = [str(embedded.binary("initdb")), "-D", str(folder / "data"), "-U", "postgres", "-A", "trust"]
    done = subprocess.run(
        [*embedded._unprivileged(folder), *command, *found[1].split()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _connect(folder: Path, process: subprocess.Popen[bytes]) -> psycopg.Connection:
    url = embedded.url(folder).replace(f"/{embedded.DATABASE}?", "/postgres?")
    deadline = time.monotonic() + 30
    while True:
        try:
            return psycopg.connect(url, autocommit=True)
        except psycopg.OperationalError:
            log = (folder / "postgres.log").read_text()
            assert process.poll() is None, f"PostgreSQL does not start with these options:\n{log}"
            assert time.monotonic() < deadline, log
            time.sleep(0.05)
