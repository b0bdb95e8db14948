"""A database with difficult values of every kind, and a separate folder for the backups of each test."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb

from repaircafe.environment import Environment
from tests.conftest import MakeApp
from tests.harness.database import administer, url_of

SAMPLE = """
CREATE TABLE sample (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, one text, at timestamptz, key uuid, ratio double precision,
    small real, raw bytea, doc jsonb, span interval, amount numeric, list text[]
)
"""
ROWS: list[tuple[Any, ...]] = [
    ("Zaal «2»\n\tnaïve 🪛 \\N 'quoted' \"double\"", "2026-02-30", 0.1, b"\x00\xff\n", {"ü": [1, None, "\n"]}),
    ("", "1970-01-01", float("nan"), b"", {}),
    (None, None, float("inf"), None, None),
    ("x" * 100_000, "2099-12-31", -0.0, bytes(range(256)), [True, 1e300]),
]


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> Environment:
    """An environment with the test's database and a backup folder that does not exist yet."""
    return Environment(database_url=database_url, backup_folder=str(tmp_path / "backups"))  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder of the backups."""
    return tmp_path / "backups"


@pytest.fixture
def app(make_app: MakeApp, place: Path) -> Flask:
    """The app without a password, which stores its backups in the test's folder."""
    return make_app(backup_folder=str(place))


@pytest.fixture
def filled(database_url: str) -> str:
    """The URL of a database that holds the sample."""
    with psycopg.connect(database_url) as connection:
        connection.execute(SAMPLE)
        for text, day, number, raw, document in ROWS:
            connection.execute(
                "INSERT INTO sample (one, at, key, ratio, small, raw, doc, span, amount, list)"
                " VALUES (%s, make_timestamptz(2026, 1, 2, 3, 4, 5.678901), %s, %s, %s, %s, %s, %s, 1.10, %s)",
                (text, uuid.uuid4(), number, number, raw, Jsonb(document), "1 mon 2 days 03:04:05.6", [text, day]),
            )
        connection.execute('CREATE TABLE "Odd ""name"" % ü" AS SELECT 1 AS "odd col"')
    return database_url


@pytest.fixture
def other_databases(cluster: Path, database_name: str) -> Iterator[None]:
    """Drops the extra databases that a failing test may leave."""
    yield
    for name in beside(cluster, database_name):
        administer(cluster, f'DROP DATABASE "{name}" WITH (FORCE)')


def beside(cluster: Path, name: str) -> list[str]:
    """The databases that a restore of this one has left."""
    with psycopg.connect(url_of(cluster, "postgres")) as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (f"{name}_",))
        return [str(row[0]) for row in found]


def content(url: str) -> dict[str, list[Any]]:
    """Every row of every table as text, without using the digests under test."""
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        queries = [
            (name, f'SELECT to_jsonb(t)::text FROM "{name.replace(chr(34), chr(34) * 2)}" t') for (name,) in names
        ]
        return {name: sorted(connection.execute(query).fetchall()) for name, query in queries}


def name_of(url: str) -> str:
    """The database's name."""
    return str(conninfo_to_dict(url)["dbname"])
