"""`flask backup create`, `list`, `verify` and `restore`. A timer runs `create` every night."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click
from flask.cli import AppGroup
from pydantic import TypeAdapter

from repaircafe.backup import archive, folder
from repaircafe.backup import create as creating
from repaircafe.backup import restore as restoring
from repaircafe.backup.archive import Kind
from repaircafe.backup.schemas import Listed
from repaircafe.database.engines import Database
from repaircafe.database.programs import BackupError
from repaircafe.environment import Environment
from repaircafe.parts import parts
from repaircafe.web.errors import EXIT_NOT_OK, EXIT_USAGE, fail

group = AppGroup("backup", help="Creates, checks and restores backups of the database.")


@group.command("create")
@click.option(
    "--kind",
    type=click.Choice([Kind.DAILY.value, Kind.MANUAL.value, Kind.UPGRADE.value]),
    default=Kind.MANUAL.value,
    show_default=True,
    help="Why the backup is made; this decides how long it is kept.",
)
def create(kind: str) -> None:
    """Creates a backup, then removes those that are no longer kept."""
    with _plain_failures():
        ours = _database()
        made = creating.create(ours.environment, ours.target, Kind(kind))
    click.echo(f"{made.path}  {_size(made.size)}  {made.content}")


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(as_json: bool) -> None:
    """Lists the backups, newest first. Works without the database."""
    with _plain_failures():
        found = folder.listing(_folder())
    if as_json:
        click.echo(TypeAdapter(list[Listed]).dump_json(list(map(Listed.model_validate, found)), indent=2))
        return
    for backup in found:
        revision = backup.manifest.revision if backup.manifest else None
        when = f"{backup.at:%Y-%m-%d %H:%M:%S} UTC"
        head = f"{backup.path.name}  {backup.kind.value:<9}  {when}  {_size(backup.size):>10}"
        click.echo(f"{head}  migration {revision or '-'}  {backup.content}")
    if not found:
        click.echo(f"There is no backup in {_folder()}.")


@group.command("verify")
@click.argument("files", metavar="[FILE ...]", nargs=-1)
def verify(files: tuple[str, ...]) -> NoReturn:
    """Checks that each FILE is a complete backup.

    Without FILE, checks all backups. Works without the database. Exits with 0 if all are complete, with 1 if not.
    """
    with _plain_failures():
        place = _folder()
        paths = [folder.find(place, text) for text in files] or [found.path for found in folder.listing(place)]
    if not paths:
        fail(f"There is no backup in {place}.")
    faults = [_fault(path) for path in paths]
    for path, fault in zip(paths, faults, strict=True):
        click.echo(f"{path.name}: {fault or 'complete'}", err=bool(fault))
    raise SystemExit(EXIT_NOT_OK if any(faults) else 0)


@group.command("restore")
@click.argument("file")
@click.option("--yes", is_flag=True, help="Do not ask before data is replaced.")
def restore(file: str, yes: bool) -> None:
    """Replaces the content of the database with a backup.

    If the database contains tables, the command makes a safety copy of them first.
    """
    with _plain_failures():
        ours = _database()
        path = folder.find(_folder(), file)
        manifest = restoring.accept(path)
        before = restoring.live(ours.environment, ours.target)
        if before.rows and not yes:
            _ask(f"The database {before.name} contains {before.rows} rows. Replace them with {path.name}?")
        with _cleared_up():
            done = restoring.restore(ours.environment, ours.target, path, manifest)
    if done.safety:
        click.echo(f"The previous data is in {done.safety.path}")
    click.echo(
        f"Restored {path.name} into the database {done.name}: {len(manifest.tables)} tables, {manifest.rows} rows."
    )
    click.echo(
        "What to do next: sudo systemctl restart repaircafe (if the backup is older, the start updates its tables)."
    )


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        fail(f"{question}\nWhat to do: there is no terminal to answer on, so add --yes.", EXIT_USAGE)
    click.confirm(question, abort=True)


def _fault(path: Path) -> str:
    try:
        archive.verify(path)
    except BackupError as error:
        return error.problem
    return ""


def _database() -> Database:
    return parts()[Database]


def _folder() -> Path:
    return folder.locate(parts()[Environment])


def _size(size: int) -> str:
    return f"{size / 1024:.1f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MiB"


@contextmanager
def _cleared_up() -> Iterator[None]:
    """Makes SIGHUP (a lost SSH connection) and SIGTERM act like Ctrl-C, so that the block can remove its database."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGHUP, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _plain_failures() -> Iterator[None]:
    """If the block raises BackupError, ends the command with the problem, what to do and exit code 1."""
    try:
        yield
    except BackupError as error:
        fail(str(error))
