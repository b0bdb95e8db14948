"""Migrations 0015 and 0019: a table for the organiser's texts, and which line a text has. An older version works on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.harness.database import a_database, url_of
from tests.work.test_migration import migrate, rows

BEFORE = [f"{number:04}" for number in range(1, 15)]
INSERT = """
INSERT INTO announcement_texts (day, format, language, content, page, is_edited, replaced_at)
VALUES ('2026-12-12', 'post', 'nl', :content, new_uuid(), true, {replaced})
"""


@pytest.fixture
def migrated(cluster: Path) -> Iterator[sa.Connection]:
    """A database after the migration."""
    with a_database(cluster, "template1") as name:
        engine = sa.create_engine(url_of(cluster, name).replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            migrate(connection, *BEFORE, "0015")
            yield connection
        engine.dispose()


def test_the_migration_may_run_twice(migrated: sa.Connection) -> None:
    migrated.execute(sa.text(INSERT.format(replaced="NULL")), {"content": "Kom!"})
    before = rows(migrated, "SELECT * FROM announcement_texts")
    migrate(migrated, "0015")
    assert rows(migrated, "SELECT * FROM announcement_texts") == before


def test_the_next_migration_keeps_the_texts_and_an_older_version_stores_more(migrated: sa.Connection) -> None:
    migrated.execute(sa.text(INSERT.format(replaced="now()")), {"content": "Kom!"})
    for _twice in range(2):
        migrate(migrated, "0019")
        migrated.execute(sa.text(INSERT.format(replaced="now()")), {"content": "Kom!"})
    assert rows(migrated, "SELECT content, line FROM announcement_texts") == [("Kom!", None)] * 3


def test_of_one_place_one_text_counts_and_any_number_is_kept_beside_it(migrated: sa.Connection) -> None:
    for content in ("One", "Two", "Two"):
        migrated.execute(sa.text(INSERT.format(replaced="now()")), {"content": content})
    migrated.execute(sa.text(INSERT.format(replaced="NULL")), {"content": "Three"})
    with pytest.raises(sa.exc.IntegrityError), migrated.begin_nested():
        migrated.execute(sa.text(INSERT.format(replaced="NULL")), {"content": "Four"})
    assert len(rows(migrated, "SELECT * FROM announcement_texts")) == 4
