"""repaircafe.backup.archive: a damaged file is found."""

import json
import zipfile
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from repaircafe.backup import archive, folder
from repaircafe.backup.archive import Kind
from repaircafe.backup.create import create
from repaircafe.database.programs import BackupError
from repaircafe.environment import Environment


def test_the_digest_depends_on_the_rows_and_not_on_their_order(filled: str) -> None:
    def digest(*rows: str) -> archive.Table:
        with psycopg.connect(filled) as connection:
            connection.execute("CREATE TEMPORARY TABLE t (one text)")
            for row in rows:
                connection.execute("INSERT INTO t VALUES (%s)", (row,))
            connection.execute("CREATE TABLE public.digested AS SELECT * FROM t")
            found = archive.tables(connection)["digested"]
            connection.rollback()
        return found

    assert digest("a", "b", "b") == digest("b", "a", "b")
    assert len({digest("a", "b").digest, digest("a", "a").digest, digest("ab", "").digest, digest("a").digest}) == 4


def test_a_flipped_byte_anywhere_in_the_dump_is_found(environment: Environment, filled: str) -> None:
    path = create(environment, filled, Kind.DAILY).path
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as zipped:
        start = zipped.getinfo(archive.DUMP).header_offset + 30 + len(archive.DUMP) + 20  # the zip64 field's length
        dump = zipped.read(archive.DUMP)
    assert whole[start : start + len(dump)] == dump
    for offset in [0, 5, len(dump) // 2, len(dump) - 1, *range(100, len(dump), len(dump) // 50)]:
        path.write_bytes(flipped(whole, start + offset))
        with pytest.raises(BackupError, match="is damaged"):
            archive.verify(path)
    path.write_bytes(whole)
    assert archive.verify(path)


def test_a_flipped_byte_elsewhere_gives_a_plain_message_or_does_no_harm(environment: Environment, filled: str) -> None:
    path = create(environment, filled, Kind.DAILY).path
    whole = path.read_bytes()
    manifest = archive.verify(path)
    tail = whole.rindex(archive.MANIFEST.encode(), 0, len(whole) - 400)
    for offset in [*range(70), *range(tail - 40, len(whole), 3)]:
        path.write_bytes(flipped(whole, offset))
        try:
            assert archive.verify(path) == manifest
        except BackupError:
            continue


def test_a_truncated_file_is_found(environment: Environment, filled: str, place: Path) -> None:
    path = create(environment, filled, Kind.DAILY).path
    whole = path.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(BackupError, match="is damaged"):
            archive.verify(path)
        (shown,) = folder.listing(place)
        assert (shown.manifest, "is damaged" in shown.fault) == (None, True)


def test_an_incomplete_or_wrong_manifest_is_found(environment: Environment, filled: str) -> None:
    path = create(environment, filled, Kind.DAILY).path
    with zipfile.ZipFile(path) as zipped:
        dump, manifest = zipped.read(archive.DUMP), json.loads(zipped.read(archive.MANIFEST))
    for name in manifest:
        rewrite(path, dump, {key: value for key, value in manifest.items() if key != name})
        with pytest.raises(BackupError, match="is damaged"):
            archive.verify(path)
    rewrite(path, dump, {**manifest, "sha256": "0" * 64})
    with pytest.raises(BackupError, match="not the one of the manifest"):
        archive.verify(path)
    rewrite(path, dump, {**manifest, "format": 2})
    with pytest.raises(BackupError, match="newer version of Repair Café"):
        archive.verify(path)


def test_a_dump_that_pg_restore_cannot_read_is_found(environment: Environment, filled: str) -> None:
    path = create(environment, filled, Kind.DAILY).path
    with zipfile.ZipFile(path) as zipped:
        manifest = json.loads(zipped.read(archive.MANIFEST))
    rewrite(path, b"no dump", {**manifest, "sha256": sha256(b"no dump").hexdigest(), "bytes": 7})
    with pytest.raises(BackupError, match="pg_restore cannot read its dump"):
        archive.verify(path)


def flipped(whole: bytes, offset: int) -> bytes:
    """The bytes with all bits of one byte flipped."""
    return whole[:offset] + bytes([whole[offset] ^ 0xFF]) + whole[offset + 1 :]


def rewrite(path: Path, dump: bytes, manifest: dict[str, object]) -> None:
    """Writes an intact zip with this dump and manifest."""
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr(archive.DUMP, dump)
        zipped.writestr(archive.MANIFEST, json.dumps(manifest))
